"""Pairwise comparisons of the models of a run, by their predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from bench.analysis.cross_validation import merge_folds
from bench.analysis.predictions import Predictions, answers_of
from bench.analysis.sequential import Look, Looks
from bench.analysis.standings import Standings, standings
from bench.analysis.verdict import Verdict, rank_models, verdicts
from bench.system.display import count_noun, join_names
from bench.training.evaluation import Evaluation
from bench.training.record import TrialRecord
from bench.training.spec import paired_seed

Tests = Mapping[tuple[str, int], Evaluation]  # by model and seed


@dataclass(frozen=True, slots=True, kw_only=True)
class PairwiseComparisons:
    """The predictions of the models, and the verdict on each pair.

    Attributes:
        answers: predictions of successful trials, by model.
        verdicts: verdicts, the best model's first; models with marks have none.
        standings: who is the best, or why that is not known, with the sentences on it.
        look: what is known after the last look of a run that adds seeds until it is clear.
    """

    answers: Mapping[str, Predictions] = field(default_factory=dict)
    verdicts: tuple[Verdict, ...] = ()
    standings: Standings = field(default_factory=Standings)
    look: Look | None = None

    @property
    def best(self) -> str | None:
        """The model with which the others are compared, not always a winner; None if none is."""
        return next(iter(self.standings.order), None)

    @property
    def sentences(self) -> tuple[str, ...]:
        """What is said of the models below a table."""
        return self.standings.sentences

    def pair(self, one: str, other: str) -> Verdict | None:
        """Return the verdict on two models, in either order, or None."""
        names = {one, other}
        return next((each for each in self.verdicts if {each.first, each.second} == names), None)


def compare_pairwise(
    records: Sequence[TrialRecord],
    images: Sequence[str],
    tests: Tests,
    image_groups: Sequence[str | None] | None = None,
    noun: str = "image",
    looks: Looks | None = None,
) -> PairwiseComparisons:
    """Return the comparisons of `tests`, predictions for `images`; failed trials do not count.

    With folds, a seed counts if all its folds succeeded. `image_groups` has the group of each
    image, if known; `noun` says what the images are. With `looks`, they decide, not the verdicts.

    Raises:
        IncomparableError: the test images of models differ.
    """
    merged = merge_folds(records)
    by_model: dict[str, dict[int, Evaluation]] = {}
    for record in merged:
        test = tests.get((record.model, record.spec.seed))
        if record.status == "ok" and test is not None:
            seeds = by_model.setdefault(record.model, {})
            seeds[paired_seed(record.model, record.spec.seed)] = test
    folds = max((record.spec.folds or 1 for record in records), default=1)
    answers = {
        model: answers_of(model, images, each, image_groups, folds)
        for model, each in by_model.items()
    }
    marked = {record.model for record in records if record.marks}
    compared = {model: each for model, each in answers.items() if model not in marked}
    look = None if looks is None else looks.last(compared)
    decided = verdicts(compared) if look is None else _ended(verdicts(compared), look)
    found = _completed(decided, records, failed_seeds(merged, tests), noun)
    order = rank_models(compared) if found else []
    models = dict.fromkeys(record.model for record in records)
    others = [model for model in models if model not in order]
    return PairwiseComparisons(
        answers=answers,
        verdicts=tuple(found),
        standings=standings(_accuracies(merged), order, others, found),
        look=look,
    )


def _ended(found: Sequence[Verdict], look: Look) -> list[Verdict]:
    """Return the verdicts as a look has ended them; none before the first look."""
    ended = list[Verdict]()
    for each in found:
        pair = (each.first, each.second)
        if ending := look.endings.get(pair):
            ended.append(replace(each, ending=ending))
        elif ending := look.endings.get(pair[::-1]):
            turned = each.found.turned()
            ended.append(replace(each, first=pair[1], second=pair[0], found=turned, ending=ending))
    return ended


def failed_seeds(records: Sequence[TrialRecord], tests: Tests) -> dict[str, str]:
    """Return by model which seeds its predictions lack, in words, given one record per seed."""
    by_model: dict[str, list[TrialRecord]] = {}
    for record in records:
        by_model.setdefault(record.model, []).append(record)
    found = {}
    for model, trials in by_model.items():
        lost: dict[str, list[int]] = {}
        for each in trials:
            if why := _why_lost(each, tests):
                lost.setdefault(why, []).append(each.spec.seed)
        if lost:
            there = len(trials) - sum(map(len, lost.values()))
            whys = [
                f"{'seed' if len(seeds) == 1 else 'seeds'} {join_names([*map(str, seeds)])} {why}"
                for why, seeds in lost.items()
            ]
            found[model] = f"{model}: {there} of {count_noun(len(trials), 'seed')}, "
            found[model] += ", ".join(whys)
    return found


def _why_lost(record: TrialRecord, tests: Tests) -> str:
    """Return why a seed does not count; empty if it does."""
    if record.status != "ok":
        return "unfinished" if record.status == "interrupted" else "failed"
    return "" if (record.model, record.spec.seed) in tests else "without predictions"


def _completed(
    found: Sequence[Verdict], records: Sequence[TrialRecord], failed: Mapping[str, str], noun: str
) -> list[Verdict]:
    """Return the verdicts with what only the records say."""
    recipes = {record.model: record.spec.recipe for record in records}
    return [
        replace(
            each,
            recipes_differ=recipes[each.first] != recipes[each.second],
            noun=noun,
            failed=tuple(failed[m] for m in (each.first, each.second) if m in failed),
        )
        for each in found
    ]


def _accuracies(records: Sequence[TrialRecord]) -> dict[str, float]:
    """Return the mean accuracy of each model with results, given one record per seed."""
    found: dict[str, list[float]] = {}
    for record in records:
        if record.status == "ok" and record.test_accuracy is not None:
            found.setdefault(record.model, []).append(record.test_accuracy)
    return {model: sum(each) / len(each) for model, each in found.items()}


def wrong_answers(answers: Predictions, classes: Sequence[str]) -> pd.DataFrame:
    """Return one row per image with a wrong prediction of any seed: see `Results.wrong`."""
    missed = ~answers.correct  # (S, N)
    places = np.flatnonzero(missed.any(axis=0))
    said = [pd.Series(answers.predicted[missed[:, place], place]) for place in places]
    labels = [int(answers.labels[place]) for place in places]
    frame = pd.DataFrame(
        {
            "image": [answers.images[place] for place in places],
            "label": [classes[label] for label in labels],
            "predicted": [classes[each.mode()[0]] for each in said],
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
