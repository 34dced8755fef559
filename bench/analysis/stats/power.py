"""The smallest difference that a verdict can detect."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit

from bench.analysis.stats.paired import LEVEL, Difference
from bench.analysis.stats.variance_components import Components

_DRAWS = 500  # power is accurate to two points
_MOST_TRIED = 12  # seeds with all sign flips; with more seeds, 2^11 random flips


def minimum_detectable_difference(
    images: float,
    seeds: int = 1,
    *,
    discordance: float = 0.3,
    components: Components | None = None,
    pairs: int = 1,
    power: float = 0.8,
) -> float:
    """Return the smallest difference, 0 to 1, that a verdict detects with this `power`.

    One seed: by McNemar's test; 16 points on 98 images, 7 on 500, 3.5 on 2,000.
    Source: O. S. Miettinen 1968, Biometrics 24, 339-352; R. J. Connor 1987, Biometrics 43,
    207-211; with 1 / N for the exact test's steps (A. L. Edwards 1948, Psychometrika 13, 185-187).
    Several seeds: by simulation of comparisons with normal means.

    Args:
        images: number of test images, or of groups, or the effective number.
        seeds: number of seeds of both models.
        discordance: share of images that only one of the models gets right.
        components: measured variance components; None: all of `discordance` is between images, so
            more seeds do not help.
        pairs: number of compared pairs.
        power: probability of detecting the difference.

    Returns:
        The difference, or NaN if the seeds can never be enough.
    """
    if seeds == 1:
        shown = _smallest_reaching(lambda delta: _images_for(delta, discordance, power) <= images)
        return shown + 1 / images
    found = components or Components(seeds=0.0, images=discordance, rest=0.0)
    shows = _judged_draws(images, seeds, found, LEVEL / pairs)
    if shows(1.0) < power:
        return math.nan
    return _smallest_reaching(lambda delta: shows(delta) >= power)


def detectable_difference(found: Difference, pairs: int = 1) -> float:
    """Return the smallest difference that a verdict like `found` detects in four of five cases.

    Groups count instead of images. For one seed, it is the number of independent images with the
    same variance. NaN if the seeds can never be enough.
    """
    seeds, parts = found.seeds, found.components
    if found.groups is None:
        return minimum_detectable_difference(found.images, seeds, components=parts, pairs=pairs)
    if seeds > 1:
        return minimum_detectable_difference(found.groups, seeds, components=parts, pairs=pairs)
    return min(1.0, minimum_detectable_difference(_effective_images(found, found.groups)))


def _effective_images(found: Difference, groups: int) -> float:
    """Return how many independent images have the variance of the one seed's difference."""
    of_one = found.discordance - found.difference**2
    if groups < 2 or not of_one or not found.components.images:
        return groups
    return min(of_one / found.components.images * groups, found.images)


def _images_for(delta: float, discordance: float, power: float) -> float:
    psi = max(discordance, delta)
    spread = math.sqrt(psi - delta**2)
    return ((ndtri(1 - LEVEL / 2) * math.sqrt(psi) + ndtri(power) * spread) / delta) ** 2


def _judged_draws(
    images: float, seeds: int, found: Components, level: float
) -> Callable[[float], float]:
    """Return a function from a true difference to its power, with fixed random draws."""
    generator = np.random.default_rng(20)
    spread = math.sqrt(found.seeds + found.rest / images)
    noise = spread * generator.standard_normal((seeds, _DRAWS))
    shared = math.sqrt(found.images / images) * generator.standard_normal(_DRAWS)
    deviations = noise + shared  # (S, draws)
    squares = stdtrit(seeds - 1, level / 2) ** 2 * deviations.var(axis=0, ddof=1) / seeds
    width = np.sqrt(squares + stdtrit(images - 1, level / 2) ** 2 * found.images / images)
    flips = _flips(seeds, generator)
    flipped = flips @ deviations  # (ways, draws)
    added = flips.sum(axis=1, keepdims=True)  # (ways, 1)

    def shows(delta: float) -> float:
        means = deviations.mean(axis=0) + delta
        clear = np.abs(means) > width
        sums = np.abs(flipped + delta * added)
        clear &= (sums >= sums[0] * (1 - 1e-9)).mean(axis=0) <= level
        return float((clear & (means > 0)).mean())

    return shows


def _flips(seeds: int, generator: np.random.Generator) -> NDArray[Any]:
    """Return ways to give `seeds` numbers signs, with a plus for the last one.

    The other half of all ways has the same sums with opposite signs. The first way has no minus.
    """
    if seeds <= _MOST_TRIED:
        ways = np.arange(2 ** (seeds - 1))[:, None] >> np.arange(seeds) & 1
    else:
        ways = generator.integers(0, 2, (2 ** (_MOST_TRIED - 1), seeds))
        ways[0] = 0
    return 1.0 - 2.0 * ways  # (ways, S)


def _smallest_reaching(reached: Callable[[float], bool]) -> float:
    """Return the smallest difference, 0 to 1, for which `reached` is true."""
    low, high = 0.0, 1.0
    while high - low > 1e-4:
        middle = (low + high) / 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high
