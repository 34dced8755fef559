"""Which test images of a run are explained, and by the networks of which models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bench.analysis.results import Results
from bench.report.page.figure import charted_labels
from bench.report.page.gallery import confidently_wrong, disagreed_on
from registry.errors import RunError

_CONTESTED, _MISTAKES, _EXAMPLES = 8, 6, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedImages:
    """Names of test images, the most telling first.

    Attributes:
        models: models with predictions, by their short label on the page; ten at most.
        contested: images that some models get right and others wrong; explained for all models.
        mistakes: the most confident mistakes of each model; explained for that model.
        examples: the first image of each class; explained for all models.
    """

    models: Mapping[str, str]
    contested: tuple[str, ...]
    mistakes: Mapping[str, tuple[str, ...]]
    examples: tuple[str, ...]

    def of(self, model: str) -> list[str]:
        """Return the images that are explained for `model`, each once."""
        return list(dict.fromkeys([*self.examples, *self.contested, *self.mistakes[model]]))


def explained_images(results: Results) -> ExplainedImages:
    """Return what is explained of a run: what the page shows, and an example of each class.

    Raises:
        RunError: no model has answers to all test images.
    """
    answers = results.pairwise.answers
    if not answers:
        raise RunError(
            f"no model of {results.folder} has answers to all test images: "
            f"`zoo bench --resume {results.folder}` trains the rest"
        )
    models = {name: label for name, label in charted_labels(results).items() if name in answers}
    first = next(iter(answers.values()))
    examples = dict[int, str]()
    for image, label in zip(first.images, first.labels.tolist(), strict=True):
        examples.setdefault(label, image)
    return ExplainedImages(
        models=models,
        contested=tuple(each.image for each in disagreed_on(answers, _CONTESTED)),
        mistakes={
            model: tuple(each.image for each in confidently_wrong(answers[model], _MISTAKES))
            for model in models
        },
        examples=tuple(examples[label] for label in sorted(examples))[:_EXAMPLES],
    )
