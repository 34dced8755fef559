"""What has become of a model from one run, BASE, to another, NEW; a difference is NEW less BASE."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import median
from typing import Literal

import numpy as np

from bench.analysis.predictions import Predictions, check_same_images
from bench.analysis.stats.paired import (
    LEVEL,
    Difference,
    holm,
    least_rank_sum_p,
    paired_difference,
    rank_sum_p,
    seeds_needed,
)
from bench.analysis.stats.power import minimum_detectable_difference

Kind = Literal["accuracy", "time", "parameters"]
KINDS: tuple[Kind, ...] = ("accuracy", "time", "parameters")
SLOWER = 0.10  # asv's factor: on a shared machine less is no news
SLOWER_UNTESTED = 0.25  # where there are too few seeds to tell a difference from noise


@dataclass(frozen=True, slots=True, kw_only=True)
class AccuracyChange:
    """How the accuracy on the same test images has changed, with the seeds that both runs have.

    It is told from chance where p is at most 0.05 after Holm's correction over the models; which p
    depends on what the seeds can tell:

    - One seed: other photographs alone, the two networks being these. The larger of the p of the
      interval over images and that of McNemar's exact test. Another seed may differ by more: where
      seeds are moody, up to one in four harmless changes is called a loss (`make simulations`).
    - Several: other seeds and other photographs together; two show only a very steady loss.
    - As many as a sign-flip test of the seeds takes to pass (`seeds_needed`): by that, too.

    Sources: see `bench.analysis.stats.paired` and `MeanEstimate.half_width`.

    Attributes:
        base, new: mean accuracies over the seeds of both, 0 to 1.
        found: the difference and its 95 % interval, for this model alone.
        p: corrected.
        models: over how many.
        identical: both gave the same probabilities to the last bit.
    """

    base: float
    new: float
    found: Difference
    p: float
    models: int
    identical: bool

    @property
    def kind(self) -> Literal["same", "level", "better", "worse"]:
        """`same`: the very answers; `level`: what differs may be chance."""
        if self.identical:
            return "same"
        if self.p > LEVEL:
            return "level"
        return "worse" if self.found.difference < 0 else "better"

    @property
    def detectable(self) -> float:
        """The loss, 0 to 1, that would have shown four times of five; NaN where it is not known."""
        found = self.found
        return minimum_detectable_difference(
            found.images, found.seeds, components=found.components, pairs=self.models
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeChange:
    """How the training time has changed.

    It is a change where the median differs by more than 10 % and the seconds of the seeds differ by
    the rank-sum test, p at most 0.05 after Holm's correction over the models. Where there are too
    few seeds for that (three of one model), by more than 25 %.

    Attributes:
        base, new: wall seconds of the training passes, one number a seed.
        p: corrected; None where there are too few.
    """

    base: tuple[float, ...]
    new: tuple[float, ...]
    p: float | None

    @property
    def ratio(self) -> float:
        """The median of NEW over that of BASE."""
        return median(self.new) / median(self.base)

    @property
    def kind(self) -> Literal["faster", "level", "slower"]:
        """`level`: what differs may be noise."""
        least = 1 + (SLOWER_UNTESTED if self.p is None else SLOWER)
        if 1 / least <= self.ratio <= least or (self.p is not None and self.p > LEVEL):
            return "level"
        return "slower" if self.ratio > 1 else "faster"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelChange:
    """What has become of a model that both runs have.

    Attributes:
        accuracy, time: None where they can't be compared; `unanswered` says why.
        parameters: of BASE and of NEW, where the networks were built.
        failed: why trials failed in NEW that had not failed in BASE.
        mended: it has answers in NEW and had none in BASE.
        unanswered: by kind, why it can't be compared.
    """

    model: str
    accuracy: AccuracyChange | None = None
    time: TimeChange | None = None
    parameters: tuple[int | None, int | None] = (None, None)
    failed: tuple[str, ...] = ()
    mended: bool = False
    unanswered: Mapping[Kind, str] = field(default_factory=dict)

    def regressions(self, tolerance: float = 0.0) -> tuple[Kind, ...]:
        """Return the kinds in which NEW is worse; a model that has failed is worse in all.

        A loss of accuracy up to `tolerance`, 0 to 1, is put up with, however sure it is.
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
        """How many more NEW has; 0 where that is not known."""
        base, new = self.parameters
        return 0 if base is None or new is None else new - base

    @property
    def unchanged(self) -> bool:
        """Nothing has changed, but times within their noise."""
        same = self.accuracy is not None and self.accuracy.kind == "same"
        steady = self.time is None or self.time.kind == "level"
        return same and steady and not self.added_parameters and not self.failed


def accuracy_changes(
    base: Mapping[str, Predictions], new: Mapping[str, Predictions]
) -> dict[str, AccuracyChange]:
    """Return how the accuracies have changed, of models that have a seed in both.

    Raises:
        IncomparableError: a model was tested on different images.
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
    found = {m: paired_difference(now.correct, then.correct) for m, (then, now) in pairs.items()}
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
    """Return how the training seconds, one number a seed and above 0, have changed."""
    sizes = {model: (len(base[model]), len(new[model])) for model in base}
    tested = [model for model in base if least_rank_sum_p(*sizes[model]) * len(base) <= LEVEL]
    found = holm([rank_sum_p(base[model], new[model]) for model in tested])
    corrected = dict(zip(tested, found, strict=True))
    return {
        model: TimeChange(base=tuple(base[model]), new=tuple(new[model]), p=corrected.get(model))
        for model in base
    }


def _p(found: Difference, models: int) -> float:
    """Return the p of one model, before it is corrected: see `AccuracyChange`."""
    if found.seeds == 1:
        return max(found.crossed_p, found.mcnemar[0])
    if found.seeds < seeds_needed(models):
        return found.crossed_p
    return max(found.crossed_p, found.seeds_p)
