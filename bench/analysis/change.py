"""Changes of a model from one run, BASE, to another, NEW; a difference is NEW minus BASE."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import median
from typing import Literal

import numpy as np
from scipy.special import stdtr

from bench.analysis.predictions import Predictions, check_same_images
from bench.analysis.stats.clusters import join_clusters
from bench.analysis.stats.paired import LEVEL, holm
from bench.analysis.stats.unpaired import UnpairedDifference, unpaired_difference

Kind = Literal["accuracy", "time", "parameters"]
KINDS: tuple[Kind, ...] = ("accuracy", "time", "parameters")
Ending = Literal["worse", "not worse", "unknown"]
NEGLIGIBLE = 0.02  # a loss of accuracy that is as good as none
SLOWER = 0.10  # asv's factor: smaller changes are noise on a shared machine


@dataclass(frozen=True, slots=True, kw_only=True)
class AccuracyChange:
    """The change of accuracy on the same test images, over the seeds of both runs.

    It is significant if p is at most 0.05 after Holm's correction over the models. The test is that
    of verdicts: see `bench.analysis.stats.spread`. With one seed, only losses that are larger than
    the usual difference between two seeds are significant.

    Attributes:
        base, new: mean accuracies, 0 to 1.
        found: difference with its 95 % interval, for this model only.
        p: p after the correction.
        models: number of models in the correction.
        identical: whether both runs gave exactly the same probabilities.
    """

    base: float
    new: float
    found: UnpairedDifference
    p: float
    models: int
    identical: bool

    @property
    def kind(self) -> Literal["same", "level", "better", "worse"]:
        """`same`: identical predictions; `level`: the difference may be chance."""
        if self.identical:
            return "same"
        if self.p > LEVEL:
            return "level"
        return "worse" if self.found.difference < 0 else "better"

    def ending(self, tolerance: float = 0.0) -> Ending:
        """Return whether NEW is less accurate by more than `tolerance`, 0 to 1.

        `worse`: the loss is significant, and larger. `not worse`: the interval, over other seeds
        too, excludes a loss of more than `tolerance` and of more than two points. `unknown`:
        neither.
        """
        if self.kind == "worse" and -self.found.difference > tolerance:
            return "worse"
        low, _ = self.found.bounds(LEVEL)
        if self.kind in ("same", "better") or low >= -max(tolerance, NEGLIGIBLE):
            return "not worse"
        return "unknown"

    @property
    def detectable(self) -> float:
        """The loss, 0 to 1, that is detected in four of five cases."""
        return min(1.0, self.found.detectable(self.models))


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeChange:
    """The change of the training time.

    It is tested only if both runs were measured in turn, seed by seed: the speed of a machine
    drifts, so that runs one after the other differ without a cause. The change is significant if
    the medians differ by more than 10 % and the t test of the logarithms' differences has p at most
    0.05 after Holm's correction over the models.

    Attributes:
        base, new: wall seconds of training, one value per seed.
        p: p after the correction; None if not tested.
    """

    base: tuple[float, ...]
    new: tuple[float, ...]
    p: float | None

    @property
    def ratio(self) -> float:
        """The median of NEW divided by the median of BASE."""
        return median(self.new) / median(self.base)

    @property
    def kind(self) -> Literal["faster", "level", "slower", "untested"]:
        """`level`: the difference may be noise; `untested`: nobody knows."""
        if self.base == self.new:
            return "level"
        if self.p is None:
            return "untested"
        if 1 / (1 + SLOWER) <= self.ratio <= 1 + SLOWER or self.p > LEVEL:
            return "level"
        return "slower" if self.ratio > 1 else "faster"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelChange:
    """The changes of a model that both runs have.

    Attributes:
        accuracy, time: changes, or None if not comparable, with the reason in `unanswered`.
        parameters: number of parameters in BASE and in NEW; None for a network that was not built.
        failed: reasons of failures in NEW that did not occur in BASE.
        mended: whether NEW has predictions and BASE has none.
        unanswered: reasons why a kind is not comparable, by kind.
    """

    model: str
    accuracy: AccuracyChange | None = None
    time: TimeChange | None = None
    parameters: tuple[int | None, int | None] = (None, None)
    failed: tuple[str, ...] = ()
    mended: bool = False
    unanswered: Mapping[Kind, str] = field(default_factory=dict)

    def regressions(self, tolerance: float = 0.0) -> tuple[Kind, ...]:
        """Return the kinds in which NEW is worse: all kinds for a failed model.

        A loss of accuracy up to `tolerance`, 0 to 1, is accepted even if it is significant.
        """
        if self.failed:
            return KINDS
        accuracy, time = self.accuracy, self.time
        found = {
            "accuracy": accuracy is not None and accuracy.ending(tolerance) == "worse",
            "time": time is not None and time.kind == "slower",
            "parameters": self.added_parameters > 0,
        }
        return tuple(kind for kind in KINDS if found[kind])

    def unknown(self, tolerance: float = 0.0) -> tuple[Kind, ...]:
        """Return the kinds in which nobody can tell whether NEW is worse."""
        accuracy, time = self.accuracy, self.time
        found = {
            "accuracy": accuracy is not None and accuracy.ending(tolerance) == "unknown",
            "time": time is not None and time.kind == "untested",
            "parameters": False,
        }
        return tuple(kind for kind in KINDS if found[kind] or kind in self.unanswered)

    @property
    def added_parameters(self) -> int:
        """The number of parameters added in NEW; 0 if unknown."""
        base, new = self.parameters
        return 0 if base is None or new is None else new - base

    @property
    def unchanged(self) -> bool:
        """Whether nothing has changed, apart from noise in times."""
        same = self.accuracy is not None and self.accuracy.kind == "same"
        steady = self.time is None or self.time.kind in ("level", "untested")
        return same and steady and not self.added_parameters and not self.failed


def accuracy_changes(
    base: Mapping[str, Predictions], new: Mapping[str, Predictions]
) -> dict[str, AccuracyChange]:
    """Return the changes of accuracy, for models with a shared seed.

    Images that are in one group in either run count as one.

    Raises:
        IncomparableError: the test images of a model differ.
    """
    pairs = {}
    for model in base:
        seeds = [seed for seed in base[model].seeds if seed in new[model].seeds]
        check_same_images(
            replace(base[model], model=f"{model} in BASE"),
            replace(new[model], model=f"{model} in NEW"),
        )
        if seeds:
            pairs[model] = (base[model].only(seeds), new[model].only(seeds))
    found = {model: _difference(*pair) for model, pair in pairs.items()}
    corrected = holm([difference.p for difference in found.values()])
    return {
        model: AccuracyChange(
            base=float(pairs[model][0].correct.mean()),
            new=float(pairs[model][1].correct.mean()),
            found=found[model],
            p=p,
            models=len(found),
            identical=np.array_equal(pairs[model][0].probabilities, pairs[model][1].probabilities),
        )
        for model, p in zip(found, corrected, strict=True)
    }


def time_changes(
    base: Mapping[str, Sequence[float]],
    new: Mapping[str, Sequence[float]],
    *,
    in_turn: bool = False,
) -> dict[str, TimeChange]:
    """Return the changes of training time, given positive seconds per seed.

    `in_turn`: whether each seed of BASE and NEW was measured one after the other; both have the
    same seeds then, in the same order.
    """
    tested = [m for m in base if in_turn and len(base[m]) == len(new[m]) > 1]
    found = holm([_paired_p(base[model], new[model]) for model in tested])
    corrected = dict(zip(tested, found, strict=True))
    return {
        model: TimeChange(base=tuple(base[model]), new=tuple(new[model]), p=corrected.get(model))
        for model in base
    }


def _paired_p(base: Sequence[float], new: Sequence[float]) -> float:
    """Return the two-sided p of the t test that the mean logarithm of the ratios is 0."""
    logs = np.log(np.asarray(new) / np.asarray(base))
    error = logs.std(ddof=1) / np.sqrt(len(logs))
    if error == 0:
        return 1.0 if logs[0] == 0 else 0.0
    return float(2 * stdtr(len(logs) - 1, -abs(logs.mean()) / error))


def _difference(base: Predictions, new: Predictions) -> UnpairedDifference:
    clusters = join_clusters(base.clusters, new.clusters)
    return unpaired_difference(new.correct, base.correct, clusters, max(base.folds, new.folds))
