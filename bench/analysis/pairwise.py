"""All that the answers to the test images say of the models of a run."""

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
from registry.errors import RunError

Tests = Mapping[tuple[str, int], Evaluation]  # by model and seed


@dataclass(frozen=True, slots=True, kw_only=True)
class PairwiseComparisons:
    """What the models answered, and what can be said of each two of them.

    Attributes:
        answers: by model, of the trials that ended well.
        verdicts: the best model's first; none of a model whose rows are marked.
        groups: letters by model: who shares one can't be told apart; empty where nothing can.
        best: the model that the others are set beside, if there are two.
    """

    answers: Mapping[str, Predictions] = field(default_factory=dict)
    verdicts: tuple[Verdict, ...] = ()
    groups: Mapping[str, str] = field(default_factory=dict)
    best: str | None = None
    sentences: tuple[str, ...] = ()

    def pair(self, one: str, other: str) -> Verdict | None:
        """Return what can be said of the two, in whichever order, if anything."""
        names = {one, other}
        return next((each for each in self.verdicts if {each.first, each.second} == names), None)

    def compare(self, one: str, other: str) -> Verdict:
        """Return what can be said of the two, in whichever order.

        Raises:
            RunError: nothing can; it names the models that were compared.
        """
        found = self.pair(one, other)
        if found is None:
            known = dict.fromkeys(name for each in self.verdicts for name in _pair(each))
            listed = ", ".join(known) or "no two models"
            raise RunError(f"{one!r} and {other!r} were not compared; compared were {listed}")
        return found

    def wrong(self, model: str) -> pd.DataFrame:
        """Return one row for each image that any seed of `model` got wrong, the hardest first.

        Columns: image; label, and the wrong class that most seeds said, both as numbers; wrong,
        how many of the seeds; seeds; probability of the label, mean over seeds.

        Raises:
            RunError: it has no answers.
        """
        if model not in self.answers:
            listed = ", ".join(self.answers) or "none"
            raise RunError(f"no answers of {model!r}; there are those of {listed}")
        return _wrong(self.answers[model])


def compare_pairwise(
    records: Sequence[TrialRecord], images: Sequence[str], tests: Tests
) -> PairwiseComparisons:
    """Return what `tests`, answers to `images`, say; only those of trials that ended well count.

    A seed of folds counts if all of them did: its answers are theirs, one after the other's.

    Raises:
        IncomparableError: models were tested on different images.
    """
    by_model: dict[str, dict[int, Evaluation]] = {}
    for record in merge_folds(records):
        test = tests.get((record.model, record.spec.seed))
        if record.status == "ok" and test is not None:
            seeds = by_model.setdefault(record.model, {})
            seeds[paired_seed(record.model, record.spec.seed)] = test
    answers = {model: answers_of(model, images, each) for model, each in by_model.items()}
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


def _pair(verdict: Verdict) -> tuple[str, str]:
    return verdict.first, verdict.second


def _wrong(answers: Predictions) -> pd.DataFrame:
    missed = ~answers.correct  # (S, N)
    rows = []
    for place in np.flatnonzero(missed.any(axis=0)):
        label = int(answers.labels[place])
        said = pd.Series(answers.predicted[missed[:, place], place])
        rows.append(
            {
                "image": answers.images[place],
                "label": label,
                "predicted": int(said.mode()[0]),
                "wrong": int(missed[:, place].sum()),
                "seeds": len(answers.seeds),
                "probability": float(answers.probabilities[:, place, label].mean()),
            }
        )
    columns = ["image", "label", "predicted", "wrong", "seeds", "probability"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.sort_values(
        ["wrong", "probability"], ascending=[False, True], kind="stable", ignore_index=True
    )
