"""A column: what is said of each model, from its trials to the text that a person reads."""

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
    """The trials of one model, of which a row is made; `target` is what times are told to."""

    trials: Sequence[TrialRecord]
    pairwise: PairwiseComparisons
    target: float | None

    @cached_property
    def seeds(self) -> list[TrialRecord]:
        """One record a seed: its folds are one test of all images."""
        return merge_folds(self.trials)

    @property
    def first(self) -> TrialRecord:
        """The first seed's, for what is the same in all."""
        return self.seeds[0]

    @cached_property
    def tested(self) -> list[TrialRecord]:
        """The seeds that ended well."""
        return [seed for seed in self.seeds if seed.status == "ok"]

    @cached_property
    def failed(self) -> list[TrialRecord]:
        """The seeds that did not."""
        return [seed for seed in self.seeds if seed.status != "ok"]

    @cached_property
    def done(self) -> list[TrialRecord]:
        """The trainings of the seeds that ended well: with folds, many a seed."""
        tested = {seed.spec.seed for seed in self.tested}
        return [trial for trial in self.trials if trial.spec.seed in tested]

    @cached_property
    def alone(self) -> list[TrialRecord]:
        """Those that had the machine to themselves."""
        return [trial for trial in self.done if not trial.shared]

    @cached_property
    def shared(self) -> list[TrialRecord]:
        """Those that had others beside them."""
        return [trial for trial in self.done if trial.shared]

    @property
    def answers(self) -> Predictions | None:
        """What the model has answered to the test images."""
        return self.pairwise.answers.get(self.first.model)

    @cached_property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of its accuracy, 0 to 1; NaN where there is none."""
        if self.answers is not None and len(self.answers.seeds) > 1:
            return accuracy_interval(self.answers.correct)
        if len(self.tested) != 1:
            return math.nan, math.nan
        (seed,) = self.tested
        correct = round(number(seed.test_accuracy) * seed.test_images)
        return wilson_interval(correct, seed.test_images)

    @cached_property
    def metrics(self) -> list[Metrics]:
        """What the answers of each seed are worth beside accuracy; none without answers."""
        if self.answers is None:
            return []
        return [metrics(self.answers.labels, each) for each in self.answers.probabilities]


@dataclass(frozen=True, slots=True)
class Column:
    """One thing that is said of each model: a value in the files, and with a name a cell, too.

    Attributes:
        key, value: in `comparison.csv` and `comparison.json`.
        meaning: one sentence for `docs/columns.md`, with the `unit` of the values.
        whole: the values are whole numbers, missing ones allowed.
        name: for `--columns`; without one it is in the files alone.
        label: the heading above the cells, where that is another than the name.
        text, cell_of: of a value, unless it is missing; of a row, where that takes more.
        words: the cells are aligned left, and sorted as text, not by the value.
        place: from left to right.
        priority: 0 is always shown; of the others the lowest is the last to stand back.
        relevant: whether it says anything about a comparison, beyond that some cell is filled.
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
        """What stands above the cells."""
        return self.label or self.name.replace("_", " ")

    def cell(self, row: Row) -> str:
        """Return what a person reads; empty for nothing."""
        if self.cell_of is not None:
            return self.cell_of(row)
        value = row.get(self.key)
        return "" if missing(value) else self.text(value)

    def sort_value(self, row: Row) -> str:
        """Return by what a row is sorted: a number in full, or the cell's words; empty: last."""
        if self.words:
            return self.cell(row)
        value = row.get(self.key)
        return "" if missing(value) else repr(float(value))  # type: ignore[arg-type]


def missing(value: object) -> bool:
    """Say whether a row has no value: None, NaN or NA."""
    return value is None or bool(pd.isna(value))  # type: ignore[call-overload]


def number(value: object) -> float:
    """Return `value`, minus infinite where there is none."""
    return float(value) if isinstance(value, int | float) and not math.isnan(value) else -math.inf


def mean(values: Iterable[float]) -> float:
    """Return the mean, NaN of nothing."""
    found = list(values)
    return sum(found) / len(found) if found else math.nan


def median_of(values: Iterable[float | None]) -> float:
    """Return the median of those values that there are, NaN of nothing."""
    found = [value for value in values if value is not None]
    return median(found) if found else math.nan


def deviation(values: Sequence[float]) -> float:
    """Return the standard deviation of a sample, NaN of fewer than two."""
    if len(values) < 2:
        return math.nan
    centre = mean(values)
    return math.sqrt(sum((value - centre) ** 2 for value in values) / (len(values) - 1))


def compact(value: float) -> str:
    """Return three figures and `k`, `M` or `G`: thousands, millions, thousands of millions."""
    for unit, letter in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= 0.9995 * unit:
            return f"{three_figures(value / unit)}{letter}"
    return f"{value:.0f}"


def three_figures(value: float) -> str:
    """Return three figures, or more where the whole part has more; two digits at most after it."""
    return f"{value:,.{0 if value >= 99.95 else 1 if value >= 9.995 else 2}f}"
