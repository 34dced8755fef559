"""Changes of a model from one run, BASE, to another, NEW; a difference is NEW minus BASE."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import median
from typing import Literal

import numpy as np

from bench.analysis.predictions import Predictions, check_same_images
from bench.analysis.stats.clusters import join_clusters
from bench.analysis.stats.paired import (
    LEVEL,
    Difference,
    holm,
    least_rank_sum_p,
    paired_difference,
    rank_sum_p,
    seeds_needed,
)
from bench.analysis.stats.power import detectable_difference

Kind = Literal["accuracy", "time", "parameters"]
KINDS: tuple[Kind, ...] = ("accuracy", "time", "parameters")
SLOWER = 0.10  # asv's factor: smaller changes are noise on a shared machine
SLOWER_UNTESTED = 0.25  # with too few seeds for a test


@dataclass(frozen=True, slots=True, kw_only=True)
class AccuracyChange:
    """The change of accuracy on the same test images, with the seeds of both runs.

    It is significant if p is at most 0.05 after Holm's correction over the models. The number of
    seeds selects p:

    - One seed: the larger p of the interval over images and McNemar's exact test, or of the sign
      flips of whole groups, where images belong together. It says nothing
      about other seeds. If results vary much between seeds, up to one in four harmless changes
      counts as a loss (`make simulations`).
    - Several seeds: the p over seeds and images together. Two seeds show only very consistent
      losses.
    - Enough seeds for a sign-flip test (`seeds_needed`): the larger of that p and the sign-flip p.

    Sources: see `bench.analysis.stats.paired` and `MeanEstimate.half_width`.

    Attributes:
        base, new: mean accuracies over the shared seeds, 0 to 1.
        found: difference with its 95 % interval, for this model only.
        p: p after the correction.
        models: number of models in the correction.
        identical: whether both runs gave exactly the same probabilities.
    """

    base: float
    new: float
    found: Difference
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

    @property
    def detectable(self) -> float:
        """The loss, 0 to 1, that is detected in four of five cases; NaN if unknown."""
        return detectable_difference(self.found, self.models)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeChange:
    """The change of the training time.

    It is significant if the medians differ by more than 10 % and the rank-sum test of the seconds
    per seed has p at most 0.05 after Holm's correction over the models. With too few seeds for the
    test (such as three of one model), the medians must differ by more than 25 %.

    Attributes:
        base, new: wall seconds of training, one value per seed.
        p: p after the correction; None with too few seeds.
    """

    base: tuple[float, ...]
    new: tuple[float, ...]
    p: float | None

    @property
    def ratio(self) -> float:
        """The median of NEW divided by the median of BASE."""
        return median(self.new) / median(self.base)

    @property
    def kind(self) -> Literal["faster", "level", "slower"]:
        """`level`: the difference may be noise."""
        least = 1 + (SLOWER_UNTESTED if self.p is None else SLOWER)
        if 1 / least <= self.ratio <= least or (self.p is not None and self.p > LEVEL):
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
        lost = 0.0 if accuracy is None else -accuracy.found.difference
        found = {
            "accuracy": accuracy is not None and accuracy.kind == "worse" and lost > tolerance,
            "time": time is not None and time.kind == "slower",
            "parameters": self.added_parameters > 0,
        }
        return tuple(kind for kind in KINDS if found[kind])

    @property
    def added_parameters(self) -> int:
        """The number of parameters added in NEW; 0 if unknown."""
        base, new = self.parameters
        return 0 if base is None or new is None else new - base

    @property
    def unchanged(self) -> bool:
        """Whether nothing has changed, apart from noise in times."""
        same = self.accuracy is not None and self.accuracy.kind == "same"
        steady = self.time is None or self.time.kind == "level"
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
    corrected = holm([_p(difference, len(found)) for difference in found.values()])
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
    base: Mapping[str, Sequence[float]], new: Mapping[str, Sequence[float]]
) -> dict[str, TimeChange]:
    """Return the changes of training time, given positive seconds per seed."""
    sizes = {model: (len(base[model]), len(new[model])) for model in base}
    tested = [model for model in base if least_rank_sum_p(*sizes[model]) * len(base) <= LEVEL]
    found = holm([rank_sum_p(base[model], new[model]) for model in tested])
    corrected = dict(zip(tested, found, strict=True))
    return {
        model: TimeChange(base=tuple(base[model]), new=tuple(new[model]), p=corrected.get(model))
        for model in base
    }


def _difference(base: Predictions, new: Predictions) -> Difference:
    clusters = join_clusters(base.clusters, new.clusters)
    return paired_difference(new.correct, base.correct, clusters=clusters)


def _p(found: Difference, models: int) -> float:
    """Return the p of one model before the correction: see `AccuracyChange`."""
    if found.seeds == 1:
        return max(found.crossed_p, found.mcnemar[0])
    if found.seeds < seeds_needed(models):
        return found.crossed_p
    return max(found.crossed_p, found.seeds_p)
