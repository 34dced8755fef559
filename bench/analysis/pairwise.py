"""Pairwise comparisons of the models of a run, by their predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from bench.analysis.cross_validation import merge_folds
from bench.analysis.predictions import Predictions, answers_of
from bench.analysis.verdict import Verdict, groups, most_relevant, rank_models, sentence, verdicts
from bench.training.evaluate import Evaluation
from bench.training.record import TrialRecord
from bench.training.spec import paired_seed

Tests = Mapping[tuple[str, int], Evaluation]  # by model and seed


@dataclass(frozen=True, slots=True, kw_only=True)
class PairwiseComparisons:
    """The predictions of the models, and the verdict on each pair.

    Attributes:
        answers: predictions of successful trials, by model.
        verdicts: verdicts, the best model's first; models with marks have none.
        groups: letters by model; models that share one show no clear difference; empty without
            verdicts.
        best: model with which the others are compared; None without verdicts.
        sentences: most relevant verdicts, in words.
    """

    answers: Mapping[str, Predictions] = field(default_factory=dict)
    verdicts: tuple[Verdict, ...] = ()
    groups: Mapping[str, str] = field(default_factory=dict)
    best: str | None = None
    sentences: tuple[str, ...] = ()

    def pair(self, one: str, other: str) -> Verdict | None:
        """Return the verdict on two models, in either order, or None."""
        names = {one, other}
        return next((each for each in self.verdicts if {each.first, each.second} == names), None)


def compare_pairwise(
    records: Sequence[TrialRecord],
    images: Sequence[str],
    tests: Tests,
    image_groups: Sequence[str | None] | None = None,
) -> PairwiseComparisons:
    """Return the comparisons of `tests`, predictions for `images`; failed trials do not count.

    With folds, a seed counts if all its folds succeeded. `image_groups` has the group of each
    image, if known.

    Raises:
        IncomparableError: the test images of models differ.
    """
    by_model: dict[str, dict[int, Evaluation]] = {}
    for record in merge_folds(records):
        test = tests.get((record.model, record.spec.seed))
        if record.status == "ok" and test is not None:
            seeds = by_model.setdefault(record.model, {})
            seeds[paired_seed(record.model, record.spec.seed)] = test
    answers = {
        model: answers_of(model, images, each, image_groups) for model, each in by_model.items()
    }
    marked = {record.model for record in records if record.marks}
    compared = {model: each for model, each in answers.items() if model not in marked}
    recipes = {record.model: record.spec.recipe for record in records}
    found = [
        replace(each, recipes_differ=recipes[each.first] != recipes[each.second])
        for each in verdicts(compared)
    ]
    return PairwiseComparisons(
        answers=answers,
        verdicts=tuple(found),
        groups=groups(compared, found),
        best=rank_models(compared)[0] if found else None,
        sentences=tuple(sentence(each) for each in most_relevant(compared, found)),
    )


def wrong_answers(answers: Predictions) -> pd.DataFrame:
    """Return one row per image with a wrong prediction of any seed: see `Results.wrong`."""
    missed = ~answers.correct  # (S, N)
    places = np.flatnonzero(missed.any(axis=0))
    said = [pd.Series(answers.predicted[missed[:, place], place]) for place in places]
    labels = [int(answers.labels[place]) for place in places]
    frame = pd.DataFrame(
        {
            "image": [answers.images[place] for place in places],
            "label": labels,
            "predicted": [int(each.mode()[0]) for each in said],
            "wrong": [int(missed[:, place].sum()) for place in places],
            "seeds": [len(answers.seeds)] * len(places),
            "probability": [
                float(answers.probabilities[:, place, label].mean())
                for place, label in zip(places, labels, strict=True)
            ],
        }
    )
    return frame.sort_values(
        ["wrong", "probability"], ascending=[False, True], kind="stable", ignore_index=True
    )
