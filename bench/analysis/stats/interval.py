"""Intervals of one model's accuracy, over images, and over seeds and images together."""

from __future__ import annotations

import math

from scipy.special import ndtri  # scipy.stats would take another second to import

from bench.analysis.stats.clusters import Clusters
from bench.analysis.stats.variance_components import Values, estimate_mean

_CONFIDENCE = 0.95


def wilson_interval(correct: int, images: int) -> tuple[float, float]:
    """Return the 95 % bounds of the accuracy, 0 to 1, given `correct` of `images`.

    The interval covers the sampling of the images, not the variation between seeds.
    Source: E. B. Wilson 1927, J. Am. Stat. Assoc. 22, 209-212.
    """
    return _wilson(correct / images, images, _CONFIDENCE)


def accuracy_interval(
    correct: Values, clusters: Clusters | None = None, confidence: float = _CONFIDENCE
) -> tuple[float, float]:
    """Return the bounds of the accuracy, over other seeds and other images, from (S, N).

    It is Wilson's interval for the effective number of independent predictions. So it stays within
    0 to 1, and equals `wilson_interval` for one seed or if all predictions are correct. With two or
    three seeds it is wide: it covers 94 to 99 %.

    Values may be shares, 0 to 1, instead of right or wrong: those of several answers to an image.

    With `clusters`, groups count instead of images, also for one seed. If all predictions or none
    are correct, the number of groups is the effective number.

    With folds, differences between the k networks of a seed count as differences between images.
    The interval omits the effect of other training images, which has no unbiased estimate
    (Y. Bengio, Y. Grandvalet 2004, J. Mach. Learn. Res. 5, 1089-1105; S. Bates, T. Hastie,
    R. Tibshirani 2023, J. Am. Stat. Assoc. 119, 1434-1445). tests/studies/kfold_simulation.py
    measures that effect.
    Source: E. L. Korn, B. I. Graubard 1998, Survey Methodology 24, 193-201 (effective size, with
    another interval); J. N. K. Rao, A. J. Scott 1992, Biometrics 48, 577-585 (groups); see
    `MeanEstimate.half_width`.
    """
    seeds, images = correct.shape
    if seeds == 1 and clusters is None and correct.dtype == bool:
        return _wilson(int(correct.sum()) / images, images, confidence)
    found = estimate_mean(correct, clusters)
    width = found.half_width(confidence)
    spread = found.mean * (1 - found.mean)
    if spread == 0 or found.units == 1:
        return _wilson(found.mean, found.units, confidence)
    size = spread * (_normal(confidence) / width) ** 2 if width else math.inf
    most = correct.size if correct.dtype == bool else math.inf  # shares vary less than answers
    return _wilson(found.mean, min(size, most), confidence)


def _normal(confidence: float) -> float:
    """Return half the width of an interval, in standard deviations."""
    return float(ndtri((1 + confidence) / 2))


def _wilson(share: float, size: float, confidence: float) -> tuple[float, float]:
    z2 = _normal(confidence) ** 2
    center = (share + z2 / (2 * size)) / (1 + z2 / size)
    half = math.sqrt(z2 * share * (1 - share) / size + (z2 / (2 * size)) ** 2) / (1 + z2 / size)
    return max(0.0, center - half), min(1.0, center + half)
