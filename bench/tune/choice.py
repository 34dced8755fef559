"""Which configuration was best, and how sure it is that it is better than the first."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bench.analysis.stats.interval import accuracy_interval
from bench.analysis.stats.paired import LEVEL, Difference, holm, paired_difference, seeds_needed
from bench.analysis.stats.variance_components import estimate_mean
from bench.training.recipe import Recipe
from bench.tune.study import Configuration


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What a search came to.

    Attributes:
        tried: all configurations, the first of them the recipe that the search began with.
        best: the most accurate on the images held out, the first of equals.
        gain: accuracy of the best less that of the first; None where they are the same one, or
            the first failed.
        p: of that gain, as if it were the only one, times the number of those compared (Holm).
        taken: the one that is chosen: the best if it can be told from the first, or was wanted.
    """

    tried: tuple[Configuration, ...]
    best: Configuration
    gain: Difference | None
    p: float
    taken: Configuration

    @property
    def told_apart(self) -> bool:
        """Whether the best can be told from the first."""
        return self.gain is not None and self.p <= LEVEL and self.gain.low > 0

    def recipe(self, name: str) -> Recipe:
        """Return what is chosen; it keeps its name where it is what the search began with."""
        recipe = self.taken.recipe
        name = recipe.name if self.taken is self.tried[0] else name
        return replace(recipe, name=name, configurations=len(self.tried))


def choose(tried: Sequence[Configuration], *, take_best: bool) -> Choice | None:
    """Return the choice among `tried`, by number; None where none of them ended well."""
    well = [each for each in tried if each.correct is not None]
    if not well:
        return None
    first, best = tried[0], max(well, key=lambda each: (each.accuracy, -each.number))
    gains = {
        each.number: _gain(each.correct, first.correct)
        for each in well
        if each is not first and each.correct is not None and first.correct is not None
    }
    corrected = dict(zip(gains, holm([_p(g, len(gains)) for g in gains.values()]), strict=True))
    gain, p = gains.get(best.number), corrected.get(best.number, 1.0)
    found = Choice(tried=tuple(tried), best=best, gain=gain, p=p, taken=best)
    keep = first.correct is not None and not take_best and not found.told_apart
    return replace(found, taken=first) if keep else found


def interval(configuration: Configuration) -> tuple[float, float]:
    """Return the 95 % bounds of its accuracy, over other images, and other seeds if it has some.

    Of several models, that of their mean: an image's value is the share of them that it has right.
    """
    correct = configuration.correct
    assert correct is not None
    if len(correct) == 1:
        return accuracy_interval(correct[0])
    found = estimate_mean(correct.mean(axis=0))
    width = found.half_width()
    return max(0.0, found.mean - width), min(1.0, found.mean + width)


def _gain(one: NDArray[np.bool_], first: NDArray[np.bool_]) -> Difference:
    """Return the gain in the mean over models, image by image and seed by seed."""
    found = paired_difference(one.sum(axis=0), first.sum(axis=0))
    means = {name: getattr(found, name) / len(one) for name in ("difference", "low", "high")}
    return replace(found, **means)


def _p(gain: Difference, compared: int) -> float:
    """Return p over images and seeds, and of the seeds alone where there are enough for that."""
    enough = gain.seeds >= seeds_needed(compared)
    return max(gain.crossed_p, gain.seeds_p) if enough else gain.crossed_p
