"""What differences of models vary by, over seeds and over images: interval and p, vectorised."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri, stdtrit

Numbers = NDArray[np.float64]
SEEDS_TO_ESTIMATE = 3  # with fewer, the spread of seeds has a prior
PRIOR = 0.02  # scale of that half-Cauchy prior: two points
_GRID, _CHUNK, _STEPS = 25, 2000, 36
_LEAST_P = 1e-9
_NORMAL = float(ndtri(0.975))


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """What P differences vary by: arrays (P,).

    Attributes:
        seeds: number of seeds of the first and the second model.
        between: sample variance of the accuracies of a model's seeds, with the same images.
        noise: part of that variance that a seed of no influence would have, too.
        images: variance that other images add to the difference.
        units: number of independent images, or of groups.
    """

    seeds: tuple[Numbers, Numbers]
    between: tuple[Numbers, Numbers]
    noise: tuple[Numbers, Numbers]
    images: Numbers
    units: Numbers

    def at(self, places: NDArray[Any]) -> Spread:
        """Return the spread of the differences at `places`."""
        one, other = ((a[places], b[places]) for a, b in (self.seeds, self.between))
        noise = (self.noise[0][places], self.noise[1][places])
        images, units = self.images[places], self.units[places]
        return Spread(seeds=one, between=other, noise=noise, images=images, units=units)

    @staticmethod
    def joined(parts: Sequence[Spread]) -> Spread:
        """Return the spread of the differences of all `parts`, in order."""

        def both(name: str) -> tuple[Numbers, Numbers]:
            one, other = zip(*(getattr(part, name) for part in parts), strict=True)
            return np.concatenate(one), np.concatenate(other)

        return Spread(
            seeds=both("seeds"),
            between=both("between"),
            noise=both("noise"),
            images=np.concatenate([part.images for part in parts]),
            units=np.concatenate([part.units for part in parts]),
        )

    @property
    def by_seeds(self) -> Numbers:
        """The variance of the difference over other seeds, with the same images."""
        return self.between[0] / self.seeds[0] + self.between[1] / self.seeds[1]


def half_widths(
    spread: Spread, level: float = 0.05, estimated_from: int = SEEDS_TO_ESTIMATE
) -> Numbers:
    """Return half the widths (P,) of the intervals whose confidence is 1 - `level`.

    From three seeds on, it is the root of the summed squares of two t intervals, one over seeds
    with Welch's degrees of freedom, one for the part of images. If a model has fewer seeds (than
    `estimated_from`), the deviation of each model's seeds has a half-Cauchy prior of two points,
    and the interval is that of the posterior.
    Source: B. L. Welch 1947, Biometrika 34, 28-35; W. G. Howe 1974, J. Am. Stat. Assoc. 69,
    789-794; A. Gelman 2006, Bayesian Anal. 1, 515-534 (the prior).
    """
    few = np.minimum(*spread.seeds) < estimated_from
    found = np.empty(len(few))
    if few.any():
        found[few] = _posterior_width(spread.at(few), level)
    if not few.all():
        found[~few] = _welch_width(spread.at(~few), np.full(int((~few).sum()), level))
    return found


def exclude_zero(
    gaps: Numbers, spread: Spread, level: float = 0.05, estimated_from: int = SEEDS_TO_ESTIMATE
) -> NDArray[np.bool_]:
    """Return whether each interval of confidence 1 - `level` around `gaps` (P,) excludes 0."""
    sizes, few = np.abs(gaps), np.minimum(*spread.seeds) < estimated_from
    found = np.empty(len(sizes), bool)
    if few.any():
        found[few] = _posterior_p(sizes[few], spread.at(few)) <= level
    if not few.all():
        widths = _welch_width(spread.at(~few), np.full(int((~few).sum()), level))
        found[~few] = widths < sizes[~few]
    return found


def p_values(gaps: Numbers, spread: Spread, estimated_from: int = SEEDS_TO_ESTIMATE) -> Numbers:
    """Return 1 minus the highest confidence whose interval around `gaps` (P,) excludes 0."""
    sizes = np.abs(gaps)
    few = np.minimum(*spread.seeds) < estimated_from
    found = np.ones(len(sizes))
    if few.any():
        found[few] = _posterior_p(sizes[few], spread.at(few))
    if not few.all():
        part, wanted = spread.at(~few), sizes[~few]
        found[~few] = np.exp(
            _bisect(
                np.zeros(len(wanted)),
                np.full(len(wanted), math.log(_LEAST_P)),
                lambda log_p: _welch_width(part, np.exp(log_p)) < wanted,
            )
        )
    return np.clip(found, _LEAST_P, 1.0)


def fold_factor(folds: int) -> float:
    """Return by how much the variance over images grows with `folds`: 1 without folds.

    Networks of different folds share most of their training images, so their errors do not
    average out as those of independent networks would.
    Source: C. Nadeau, Y. Bengio 2003, Mach. Learn. 52, 239-281: 1 / k + 1 / (k - 1) of one fold.
    """
    return 1.0 if folds < 2 else 1 + folds / (folds - 1)


def _welch_width(spread: Spread, levels: Numbers) -> Numbers:
    one, other = (b / s for b, s in zip(spread.between, spread.seeds, strict=True))
    total = one + other
    weight = one**2 / (spread.seeds[0] - 1) + other**2 / (spread.seeds[1] - 1)
    freedom = np.where(weight > 0, total**2 / np.where(weight > 0, weight, 1.0), 1.0)
    images = _square_t(spread.units - 1, levels) * spread.images
    return np.asarray(np.sqrt(_square_t(freedom, levels) * total + images))


def _square_t(freedom: Numbers, levels: Numbers) -> Numbers:
    """Return the squared quantiles of t, of two-sided `levels`."""
    return np.asarray(stdtrit(np.maximum(freedom, 1e-3), levels / 2) ** 2)


def _posterior_p(sizes: Numbers, spread: Spread) -> Numbers:
    """Return the posterior probability of a difference on the other side, twice."""
    found = np.empty(len(sizes))
    for start in range(0, len(sizes), _CHUNK):
        part = slice(start, start + _CHUNK)
        weights, deviations = _posterior(spread.at(np.arange(len(sizes))[part]))
        tails = 2 * ndtr(-sizes[part, None] / deviations)
        found[part] = (weights * tails).sum(axis=1)
    return found


def _posterior_width(spread: Spread, level: float) -> Numbers:
    weights, deviations = _posterior(spread)

    def inside(width: Numbers) -> NDArray[np.bool_]:
        tails = (weights * 2 * ndtr(-width[:, None] / deviations)).sum(axis=1)
        return np.asarray(tails > level)

    count = len(spread.units)
    return _bisect(np.full(count, 2.0), np.zeros(count), lambda width: ~inside(width))


def _posterior(spread: Spread) -> tuple[Numbers, Numbers]:
    """Return weights and deviations (P, grid) of the difference, a mixture of normals.

    The deviation of a model's seeds runs over quantiles of the prior. Few images or groups widen
    their part, as t does.
    """
    steps = (np.arange(_GRID) + 0.5) / _GRID
    square = (PRIOR * np.tan(steps * np.pi / 2)) ** 2  # (grid,)
    sides = zip(spread.seeds, spread.between, spread.noise, strict=True)
    (one, first), (other, second) = (_side(square, *each) for each in sides)
    images = spread.images * _square_t(spread.units - 1, np.full(len(one), 0.05)) / _NORMAL**2
    variances = first[:, :, None] + second[:, None, :] + images[:, None, None]
    weights = one[:, :, None] * other[:, None, :]
    shape = (len(one), -1)
    return weights.reshape(shape), np.sqrt(variances).reshape(shape)


def _side(
    square: Numbers, seeds: Numbers, between: Numbers, noise: Numbers
) -> tuple[Numbers, Numbers]:
    """Return the weights and the variances of a model's mean, each (P, grid)."""
    variance = square + noise[:, None] + 1e-12
    freedom = (seeds - 1)[:, None]
    fit = -freedom / 2 * (np.log(variance) + between[:, None] / variance)
    weights = np.exp(fit - fit.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True), variance / seeds[:, None]


def _bisect(low: Numbers, high: Numbers, out: Callable[[Numbers], NDArray[np.bool_]]) -> Numbers:
    """Return where `out` ends to be true, between `low`, where it is, and `high`."""
    for _ in range(_STEPS):
        middle = (low + high) / 2
        reached = out(middle)
        low, high = np.where(reached, middle, low), np.where(reached, high, middle)
    return high
