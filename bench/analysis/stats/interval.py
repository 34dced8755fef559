"""The mean of values that seeds and images made together, and between what bounds it lies."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit  # scipy.stats would take another second to import

_NORMAL = float(ndtri((1 + 0.95) / 2))  # half an interval of 95 %, in standard deviations
Values = NDArray[Any]  # (S, N): one row a seed, one column an image


@dataclass(frozen=True, slots=True, kw_only=True)
class Components:
    """A value's variance between seeds, between images, and of what a seed does to one image."""

    seeds: float
    images: float
    rest: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanEstimate:
    """A mean over S seeds and N images, both drawn from many.

    Attributes:
        seed_part: variance of the mean by other seeds, the images being these.
        image_part: what other images add to it.
        components: of one value, each at least 0.
    """

    mean: float
    seeds: int
    images: int
    seed_part: float
    image_part: float
    components: Components

    def half_width(self, confidence: float = 0.95) -> float:
        """Return half the width of the interval around the mean; infinite for one image.

        The t interval over seeds and the t interval of what images add, each with its own degrees
        of freedom, as two sides of a right angle. One t with Satterthwaite's degrees of freedom,
        and the percentile bootstrap, cover too seldom below four seeds (`make simulations`).
        Source: W. G. Howe 1974, J. Am. Stat. Assoc. 69, 789-794; the variance components of the
        two-way layout: S. R. Searle, G. Casella, C. E. McCulloch 1992, Variance Components, 4.3.
        """
        if self.images < 2:
            return math.inf
        seeds = _quantile(confidence, self.seeds - 1) ** 2 * self.seed_part if self.seed_part else 0
        images = _quantile(confidence, self.images - 1) ** 2 * self.image_part
        return math.sqrt(seeds + images)

    def p_value(self) -> float:
        """Return 1 less the highest confidence at which 0 is left out; 1e-9 at least."""
        low, high = math.log(1e-9), 0.0
        if self.half_width(1 - math.exp(low)) < abs(self.mean):
            return math.exp(low)
        for _ in range(40):  # to 11 digits
            middle = (low + high) / 2
            out = self.half_width(1 - math.exp(middle)) < abs(self.mean)
            low, high = (low, middle) if out else (middle, high)
        return math.exp(high)


def estimate_mean(values: Values) -> MeanEstimate:
    """Return the mean of `values` (S, N), and its variance split among seeds and images.

    The mean squares of the two-way layout with one value a cell. One seed tells nothing of seeds.
    """
    seeds, images = values.shape
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


def wilson_interval(correct: int, images: int) -> tuple[float, float]:
    """Return the 95 % bounds of the accuracy, 0 to 1, given `correct` of `images`.

    It covers the sampling of the images, not the spread of training.
    Source: E. B. Wilson 1927, J. Am. Stat. Assoc. 22, 209-212.
    """
    return _wilson(correct / images, images)


def accuracy_interval(correct: Values) -> tuple[float, float]:
    """Return the 95 % bounds of the accuracy, over other seeds and other images, from (S, N).

    Wilson's interval for as many independent answers as would be equally sure: it stays within 0 to
    1 and is `wilson_interval` for one seed or where all answers are right. With two or three seeds
    it is wide: it covers 94 to 99 %. Over folds, that the k networks of a seed learned from other
    images counts as if it were the images', and what other training images would do is not in it:
    no unbiased estimate of that exists (Y. Bengio, Y. Grandvalet 2004, J. Mach. Learn. Res. 5,
    1089-1105; S. Bates, T. Hastie, R. Tibshirani 2023, J. Am. Stat. Assoc. 119, 1434-1445; how
    much it lacks: tests/studies/kfold_simulation.py).
    Source: E. L. Korn, B. I. Graubard 1998, Survey Methodology 24, 193-201 (the effective size,
    there with another interval); see `MeanEstimate.half_width`.
    """
    seeds, images = correct.shape
    if seeds == 1:
        return wilson_interval(int(correct.sum()), images)
    found = estimate_mean(correct)
    width = found.half_width()
    spread = found.mean * (1 - found.mean)
    if spread == 0 or images == 1:
        return _wilson(found.mean, images)
    size = spread * (_NORMAL / width) ** 2 if width else math.inf
    return _wilson(found.mean, min(size, correct.size))


def _wilson(share: float, size: float) -> tuple[float, float]:
    z2 = _NORMAL**2
    center = (share + z2 / (2 * size)) / (1 + z2 / size)
    half = math.sqrt(z2 * share * (1 - share) / size + (z2 / (2 * size)) ** 2) / (1 + z2 / size)
    return max(0.0, center - half), min(1.0, center + half)
