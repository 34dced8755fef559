"""The test of two models on the same images, each with seeds of its own.

Pairing by seed buys nothing: the accuracies of two architectures are not correlated over common
seeds. Pairing by image does: both models find the same images hard.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtri

from bench.analysis.stats.clusters import Clusters, cluster_sums, linearized
from bench.analysis.stats.spread import (
    SEEDS_TO_ESTIMATE,
    Numbers,
    Spread,
    fold_factor,
    half_widths,
    p_values,
)
from bench.analysis.stats.variance_components import Values, estimate_mean


@dataclass(frozen=True, slots=True, kw_only=True)
class UnpairedDifference:
    """The accuracy of one model minus another's, -1 to 1, with its interval and p.

    Attributes:
        difference: difference of the mean accuracies.
        low, high: bounds of its 95 % interval, over other seeds and images; if a model has one
            seed, over images, for these networks.
        p: probability of an interval this far from 0 without a true difference, over seeds and
            images, before any correction.
        seeds: number of seeds of the model with fewer.
        seeds_of_both: number of seeds of the first and of the second model.
        images: number of images.
        groups: number of groups of images, which count instead of images; None without groups.
        between, noise: see `Spread`.
        image_variance: variance that other images add, with the factor for folds.
    """

    difference: float
    low: float
    high: float
    p: float
    seeds: int
    seeds_of_both: tuple[int, int]
    images: int
    groups: int | None
    between: tuple[float, float]
    noise: tuple[float, float]
    image_variance: float

    @property
    def spread(self) -> Spread:
        """What the difference varies by: arrays (1,)."""
        units = self.images if self.groups is None else self.groups
        return Spread(
            seeds=_arrays(self.seeds_of_both),
            between=_arrays(self.between),
            noise=_arrays(self.noise),
            images=np.array([self.image_variance]),
            units=np.array([float(units)]),
        )

    def turned(self) -> UnpairedDifference:
        """Return the difference the other way round."""
        return replace(
            self,
            difference=-self.difference,
            low=-self.high,
            high=-self.low,
            seeds_of_both=self.seeds_of_both[::-1],
            between=self.between[::-1],
            noise=self.noise[::-1],
        )

    def bounds(self, level: float, estimated_from: int = SEEDS_TO_ESTIMATE) -> tuple[float, float]:
        """Return the interval whose confidence is 1 - `level`; see `half_widths`."""
        width = float(half_widths(self.spread, level, estimated_from)[0])
        return max(-1.0, self.difference - width), min(1.0, self.difference + width)

    def detectable(self, pairs: int = 1) -> float:
        """Return the difference that is found in four of five cases, the first of `pairs`."""
        spread = self.spread
        deviation = math.sqrt(float(spread.by_seeds[0]) + self.image_variance)
        return float(half_widths(spread, 0.05 / pairs)[0]) + float(ndtri(0.8)) * deviation


def unpaired_difference(
    first: Values, second: Values, clusters: Clusters | None = None, folds: int = 1
) -> UnpairedDifference:
    """Return the difference in accuracy of `first` and `second`, with an interval.

    Each holds correct predictions (S, N), of the same images in the same order; the numbers of
    seeds may differ. With `clusters`, groups of images count; `folds`: see `fold_factor`.
    """
    one, other = _model(first, clusters), _model(second, clusters)
    return _differences([(one, other)], clusters, folds)[0]


def all_differences(
    models: Sequence[Values],
    pairs: Sequence[tuple[int, int]],
    clusters: Clusters | None = None,
    folds: int = 1,
) -> list[UnpairedDifference]:
    """Return the difference of each of `pairs`, places in `models`: see `unpaired_difference`."""
    found = [_model(each, clusters) for each in models]
    return _differences([(found[one], found[other]) for one, other in pairs], clusters, folds)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Model:
    """One model's mean, the variance of its seeds, the part of noise, and its means by unit."""

    mean: float
    seeds: int
    between: float
    noise: float
    images: Numbers  # (N,)
    units: Numbers  # (G,), or the images


def _model(values: Values, clusters: Clusters | None) -> _Model:
    found = estimate_mean(values, clusters)
    by_unit = values if clusters is None else linearized(values, clusters)
    return _Model(
        mean=found.mean,
        seeds=found.seeds,
        between=found.seed_part * found.seeds,
        noise=found.components.rest / found.units,
        images=values.mean(axis=0),
        units=by_unit.mean(axis=0),
    )


def _differences(
    pairs: Sequence[tuple[_Model, _Model]], clusters: Clusters | None, folds: int
) -> list[UnpairedDifference]:
    if not pairs:
        return []
    gaps = np.array([one.mean - other.mean for one, other in pairs])
    spread = Spread(
        seeds=_columns(pairs, "seeds"),
        between=_columns(pairs, "between"),
        noise=_columns(pairs, "noise"),
        images=np.array([_image_variance(*pair, clusters, folds) for pair in pairs]),
        units=np.array([float(len(one.units)) for one, _ in pairs]),
    )
    shown, p = half_widths(_only_images(spread)), p_values(gaps, spread)
    lows, highs = np.maximum(gaps - shown, -1.0), np.minimum(gaps + shown, 1.0)
    return [
        UnpairedDifference(
            difference=float(gaps[place]),
            low=float(lows[place]),
            high=float(highs[place]),
            p=float(p[place]),
            seeds=min(one.seeds, other.seeds),
            seeds_of_both=(one.seeds, other.seeds),
            images=len(one.images),
            groups=None if clusters is None else len(one.units),
            between=(one.between, other.between),
            noise=(one.noise, other.noise),
            image_variance=float(spread.images[place]),
        )
        for place, (one, other) in enumerate(pairs)
    ]


def _image_variance(one: _Model, other: _Model, clusters: Clusters | None, folds: int) -> float:
    """Return the variance of the difference over other images.

    The mean gains of units vary by images and by what noise is left in means over seeds, which
    the part of seeds has already. A single network's noise is a property of the network.
    """
    gains = one.units - other.units
    units = len(gains)
    if units < 2:
        return 1.0  # of which t without degrees of freedom makes an endless interval
    noise = one.noise / one.seeds + other.noise / other.seeds
    found = max(float(gains.var(ddof=1)) / units - noise, 0.0) * fold_factor(folds)
    by_seeds = one.between / one.seeds + other.between / other.seeds
    return max(found, _least_variance(one.images - other.images, clusters) - by_seeds)


def _least_variance(gains: Numbers, clusters: Clusters | None) -> float:
    """Return the variance of models that agree on every image: else the width would be 0.

    With groups, it is that of the largest gain in a group instead of one image; without any gain,
    of a group of mean size.
    Source: A. Agresti, Y. Min 2005, Stat. Med. 24, 729-740: half an image added to each cell.
    """
    images = len(gains)
    if clusters is None:
        return float((images + 2) ** -2)
    by_group = np.abs(cluster_sums(gains[None], clusters))[0]
    largest = float(by_group.max()) or images / len(by_group)
    return float((largest / (images + 2 * largest)) ** 2)


def _only_images(spread: Spread) -> Spread:
    """Return the spread of these networks where a model has one seed: seeds count for nothing."""
    fixed = np.minimum(*spread.seeds) < 2
    if not fixed.any():
        return spread
    count = np.where(fixed, SEEDS_TO_ESTIMATE, spread.seeds[0])
    counts = np.where(fixed, SEEDS_TO_ESTIMATE, spread.seeds[1])
    one, other = (np.where(fixed, 0.0, each) for each in spread.between)
    return replace(spread, seeds=(count, counts), between=(one, other))


def _columns(pairs: Sequence[tuple[_Model, _Model]], name: str) -> tuple[Numbers, Numbers]:
    one, other = (np.array([float(getattr(p[side], name)) for p in pairs]) for side in (0, 1))
    return one, other


def _arrays(both: tuple[float, float]) -> tuple[Numbers, Numbers]:
    return np.array([float(both[0])]), np.array([float(both[1])])
