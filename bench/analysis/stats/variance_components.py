"""The mean of values over seeds and images, and its variance split between the two."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit  # scipy.stats would take another second to import

from bench.analysis.stats.clusters import Clusters, linearized

Values = NDArray[Any]  # (S, N): one row a seed, one column an image


@dataclass(frozen=True, slots=True, kw_only=True)
class Components:
    """The variance of one value: between seeds, between images, and the rest."""

    seeds: float
    images: float
    rest: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanEstimate:
    """A mean over S seeds and N images, both random samples.

    Attributes:
        mean: mean of the values.
        seeds: number of seeds.
        images: number of images.
        seed_part: variance of the mean over other seeds, with the same images.
        image_part: variance of the mean that other images add.
        components: variance components of one value, each at least 0.
        groups: number of groups of images, in whose place groups are the sample; None without.
    """

    mean: float
    seeds: int
    images: int
    seed_part: float
    image_part: float
    components: Components
    groups: int | None = None

    @property
    def units(self) -> int:
        """The number of independent units: of groups, or else of images."""
        return self.images if self.groups is None else self.groups

    def half_width(self, confidence: float = 0.95) -> float:
        """Return half the width of the interval around the mean; infinite for one unit.

        It is the root of the summed squares of two t intervals, one over seeds and one for the part
        of images, each with its own degrees of freedom. One t with Satterthwaite's degrees of
        freedom and the percentile bootstrap cover too seldom below four seeds (`make simulations`).
        Source: W. G. Howe 1974, J. Am. Stat. Assoc. 69, 789-794; the variance components of the
        two-way layout: S. R. Searle, G. Casella, C. E. McCulloch 1992, Variance Components, 4.3.
        """
        if self.units < 2:
            return math.inf
        seeds = _quantile(confidence, self.seeds - 1) ** 2 * self.seed_part if self.seed_part else 0
        images = _quantile(confidence, self.units - 1) ** 2 * self.image_part
        return math.sqrt(seeds + images)

    def p_value(self) -> float:
        """Return 1 minus the highest confidence whose interval excludes 0; at least 1e-9."""
        low, high = math.log(1e-9), 0.0
        if self.half_width(1 - math.exp(low)) < abs(self.mean):
            return math.exp(low)
        for _ in range(40):  # to 11 digits
            middle = (low + high) / 2
            out = self.half_width(1 - math.exp(middle)) < abs(self.mean)
            low, high = (low, middle) if out else (middle, high)
        return math.exp(high)


def estimate_mean(values: Values, clusters: Clusters | None = None) -> MeanEstimate:
    """Return the mean of `values` (S, N), and its variance split between seeds and images.

    It uses the mean squares of the two-way layout with one value per cell. With one seed, the part
    of seeds is 0. With `clusters`, its columns are groups: see `linearized`.
    """
    seeds, images = values.shape
    if clusters is not None:
        found = estimate_mean(linearized(values, clusters))
        return replace(found, mean=float(values.mean()), images=images, groups=found.images)
    values = values.astype(np.float64)
    mean = float(values.mean())
    by_seed = values.mean(axis=1) - mean  # (S,)
    by_image = values.mean(axis=0) - mean  # (N,)
    rest = values - mean - by_seed[:, None] - by_image  # (S, N)
    seed_square = images * _mean_square(by_seed, seeds - 1)
    image_square = seeds * _mean_square(by_image, images - 1)
    rest_square = _mean_square(rest, (seeds - 1) * (images - 1))
    image_excess = max(image_square - rest_square, 0.0)
    return MeanEstimate(
        mean=mean,
        seeds=seeds,
        images=images,
        seed_part=seed_square / values.size,
        image_part=image_excess / values.size,
        components=Components(
            seeds=max(seed_square - rest_square, 0.0) / images,
            images=image_excess / seeds,
            rest=rest_square,
        ),
    )


def _mean_square(deviations: Values, freedom: int) -> float:
    return float((deviations**2).sum()) / freedom if freedom else 0.0


def _quantile(confidence: float, freedom: int) -> float:
    return float(-stdtrit(freedom, (1 - confidence) / 2))
