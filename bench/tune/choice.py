"""Find the best configuration, and how certain it is to be better than the first."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bench.analysis.stats.clusters import Clusters
from bench.analysis.stats.interval import accuracy_interval
from bench.analysis.stats.paired import LEVEL, Difference, holm, paired_difference, seeds_needed
from bench.analysis.stats.variance_components import estimate_mean
from bench.training.recipe import Recipe
from bench.tune.study import Configuration


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Result of a search.

    Attributes:
        tried: all configurations, of which the first has the recipe that the search started from.
        best: most accurate configuration on held-out images, the first among equals.
        gain: accuracy of the best minus that of the first; None if they are the same or the
            first failed.
        p: p-value of that gain, corrected for the number of comparisons (Holm).
        taken: chosen configuration: the best if it is clearly better or requested, else the first.
    """

    tried: tuple[Configuration, ...]
    best: Configuration
    gain: Difference | None
    p: float
    taken: Configuration

    @property
    def told_apart(self) -> bool:
        """Whether the best is clearly better than the first."""
        return self.gain is not None and self.p <= LEVEL and self.gain.low > 0

    def recipe(self, name: str) -> Recipe:
        """Return the chosen recipe, called `name` unless the first configuration is chosen."""
        recipe = self.taken.recipe
        name = recipe.name if self.taken is self.tried[0] else name
        return replace(recipe, name=name, configurations=len(self.tried))


def choose(tried: Sequence[Configuration], *, take_best: bool) -> Choice | None:
    """Return the choice among `tried`, in order of number; None if all failed."""
    well = [each for each in tried if each.correct is not None]
    if not well:
        return None
    first, best = tried[0], max(well, key=lambda each: (each.accuracy, -each.number))
    gains = {
        each.number: _gain(each.correct, first.correct, first.clusters)
        for each in well
        if each is not first and each.correct is not None and first.correct is not None
    }
    corrected = dict(zip(gains, holm([_p(g, len(gains)) for g in gains.values()]), strict=True))
    gain, p = gains.get(best.number), corrected.get(best.number, 1.0)
    found = Choice(tried=tuple(tried), best=best, gain=gain, p=p, taken=best)
    keep = first.correct is not None and not take_best and not found.told_apart
    return replace(found, taken=first) if keep else found


def interval(configuration: Configuration) -> tuple[float, float]:
    """Return the 95 % interval of its accuracy, over images, and over seeds if it has several.

    Several models count by their mean: an image's value is the share of models that are right.
    """
    correct = configuration.correct
    assert correct is not None
    if len(correct) == 1:
        return accuracy_interval(correct[0], configuration.clusters)
    found = estimate_mean(correct.mean(axis=0), configuration.clusters)
    width = found.half_width()
    return max(0.0, found.mean - width), min(1.0, found.mean + width)


def _gain(
    one: NDArray[np.bool_], first: NDArray[np.bool_], clusters: Clusters | None
) -> Difference:
    """Return the gain in the mean over models, paired by image and seed."""
    found = paired_difference(one.sum(axis=0), first.sum(axis=0), clusters=clusters)
    means = {name: getattr(found, name) / len(one) for name in ("difference", "low", "high")}
    return replace(found, **means)


def _p(gain: Difference, compared: int) -> float:
    """Return p over images and seeds; with enough seeds, at least p over seeds alone."""
    enough = gain.seeds >= seeds_needed(compared)
    return max(gain.crossed_p, gain.seeds_p) if enough else gain.crossed_p
