"""A column of the comparison, from the trials of a model to the text of its cell."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from statistics import median
from typing import Any

import pandas as pd

from bench.analysis.cross_validation import merge_folds
from bench.analysis.pairwise import PairwiseComparisons
from bench.analysis.predictions import Predictions
from bench.analysis.stats.interval import accuracy_interval, wilson_interval
from bench.analysis.stats.metrics import Metrics, metrics
from bench.training.record import TrialRecord

Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class ModelTrials:
    """The trials of one model, the source of its row; `target` is a validation accuracy."""

    trials: Sequence[TrialRecord]
    pairwise: PairwiseComparisons
    target: float | None

    @cached_property
    def seeds(self) -> list[TrialRecord]:
        """One record per seed; its folds together test all images."""
        return merge_folds(self.trials)

    @property
    def first(self) -> TrialRecord:
        """The record of the first seed, for values that all seeds share."""
        return self.seeds[0]

    @cached_property
    def tested(self) -> list[TrialRecord]:
        """The successful seeds."""
        return [seed for seed in self.seeds if seed.status == "ok"]

    @cached_property
    def failed(self) -> list[TrialRecord]:
        """The failed seeds."""
        return [seed for seed in self.seeds if seed.status != "ok"]

    @cached_property
    def done(self) -> list[TrialRecord]:
        """The trainings of successful seeds: one per seed, or one per fold."""
        tested = {seed.spec.seed for seed in self.tested}
        return [trial for trial in self.trials if trial.spec.seed in tested]

    @cached_property
    def alone(self) -> list[TrialRecord]:
        """The trainings that ran alone on the machine."""
        return [trial for trial in self.done if not trial.shared]

    @cached_property
    def shared(self) -> list[TrialRecord]:
        """The trainings that shared the machine with others."""
        return [trial for trial in self.done if trial.shared]

    @property
    def answers(self) -> Predictions | None:
        """The predictions of the model for the test images."""
        return self.pairwise.answers.get(self.first.model)

    @cached_property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the accuracy, 0 to 1; NaN if unknown."""
        answers = self.answers
        if answers is not None and (len(answers.seeds) > 1 or answers.clusters is not None):
            return accuracy_interval(answers.correct, answers.clusters)
        if len(self.tested) != 1:
            return math.nan, math.nan
        (seed,) = self.tested
        correct = round(number(seed.test_accuracy) * seed.test_images)
        return wilson_interval(correct, seed.test_images)

    @property
    def test_groups(self) -> int | None:
        """The number of groups of test images; None if every image is its own."""
        clusters = None if self.answers is None else self.answers.clusters
        return None if clusters is None else int(clusters.max()) + 1

    @cached_property
    def metrics(self) -> list[Metrics]:
        """Further metrics of each seed; empty without predictions."""
        if self.answers is None:
            return []
        return [metrics(self.answers.labels, each) for each in self.answers.probabilities]


@dataclass(frozen=True, slots=True)
class Column:
    """One column: a value in the files, and a cell in the table if it has a name.

    Attributes:
        key, value: name and function of the value in `comparison.csv` and `comparison.json`.
        meaning, unit: one phrase for `docs/reference/columns.md`, and the unit of the values.
        whole: whether values are whole numbers; values may be missing.
        name: name for `--columns`; without a name, the column is in the files only.
        label: heading above the cells, if it differs from the name.
        text, cell_of: function from a value to a cell, or from a row if it needs more.
        words: whether cells are aligned left and sorted as text.
        place: position from left to right.
        priority: 0 for columns always shown; else narrow tables hide the highest numbers first.
        relevant: function that says whether the column matters for a comparison.
    """

    key: str
    value: Callable[[ModelTrials], object]
    meaning: str
    unit: str = ""
    _: KW_ONLY
    whole: bool = False
    name: str = ""
    label: str = ""
    text: Callable[[Any], str] = str
    cell_of: Callable[[Row], str] | None = None
    words: bool = False
    place: int = 0
    priority: int = 99
    relevant: Callable[[pd.DataFrame], bool] = lambda _: True

    @property
    def heading(self) -> str:
        """The heading above the cells."""
        return self.label or self.name.replace("_", " ")

    def cell(self, row: Row) -> str:
        """Return the text of the cell; empty for a missing value."""
        if self.cell_of is not None:
            return self.cell_of(row)
        value = row.get(self.key)
        return "" if missing(value) else self.text(value)

    def sort_value(self, row: Row) -> str:
        """Return the sort key of a row: the full number, or the cell's text; empty sorts last."""
        if self.words:
            return self.cell(row)
        value = row.get(self.key)
        return "" if missing(value) else repr(float(value))  # type: ignore[arg-type]


def missing(value: object) -> bool:
    """Say whether a row has no value: None, NaN or NA."""
    return value is None or bool(pd.isna(value))  # type: ignore[call-overload]


def number(value: object) -> float:
    """Return `value`, or minus infinity for a missing value."""
    return float(value) if isinstance(value, int | float) and not math.isnan(value) else -math.inf


def mean(values: Iterable[float]) -> float:
    """Return the mean; NaN of no values."""
    found = list(values)
    return sum(found) / len(found) if found else math.nan


def median_of(values: Iterable[float | None]) -> float:
    """Return the median of the values that are not None; NaN of no values."""
    found = [value for value in values if value is not None]
    return median(found) if found else math.nan


def deviation(values: Sequence[float]) -> float:
    """Return the sample standard deviation; NaN of fewer than two values."""
    if len(values) < 2:
        return math.nan
    centre = mean(values)
    return math.sqrt(sum((value - centre) ** 2 for value in values) / (len(values) - 1))


def compact(value: float) -> str:
    """Return three digits with `k`, `M` or `G` for thousands, millions or billions."""
    for unit, letter in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= 0.9995 * unit:
            return f"{three_figures(value / unit)}{letter}"
    return f"{value:.0f}"


def three_figures(value: float) -> str:
    """Return at least three digits, with at most two decimals."""
    return f"{value:,.{0 if value >= 99.95 else 1 if value >= 9.995 else 2}f}"
