"""Between what bounds a measured accuracy lies."""

from __future__ import annotations

import math

from scipy.special import ndtri

from bench.analysis.stats.variance_components import Values, estimate_mean


def wilson_interval(correct: int, images: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the bounds of the accuracy, 0 to 1, given `correct` of `images`.

    It covers the sampling of the images, not the spread of training.
    Source: E. B. Wilson 1927, J. Am. Stat. Assoc. 22, 209-212.
    """
    return _wilson(correct / images, images, confidence)


def accuracy_interval(correct: Values, confidence: float = 0.95) -> tuple[float, float]:
    """Return the bounds of the accuracy, 0 to 1, over other seeds and other images.

    Wilson's interval for as many independent answers as would be equally sure, so that it stays
    within 0 to 1 and is `wilson_interval` for one seed or where all answers are right. With two
    or three seeds it is wide: it covers 94 to 99 %. Over folds, an image's answer is that of a
    network which did not see it; that the k networks of a seed learned from other images, mostly
    shared, counts as if it were the images', and what other training images would do is not in it:
    no unbiased estimate of that exists (Y. Bengio, Y. Grandvalet 2004, J. Mach. Learn. Res. 5,
    1089-1105; S. Bates, T. Hastie, R. Tibshirani 2023, J. Am. Stat. Assoc. 119, 1434-1445; how
    much it lacks: tests/studies/kfold_simulation.py).
    Source: E. L. Korn, B. I. Graubard 1998, Survey Methodology 24, 193-201 (the effective size,
    there with another interval); see `MeanEstimate.half_width`.

    Args:
        correct: (S, N), for S seeds and the same N images.
        confidence: how often it is to hold.
    """
    seeds, images = correct.shape
    if seeds == 1:
        return wilson_interval(int(correct.sum()), images, confidence)
    found = estimate_mean(correct)
    width = found.half_width(confidence)
    spread = found.mean * (1 - found.mean)
    if spread == 0 or images == 1:
        return _wilson(found.mean, images, confidence)
    size = spread * (_normal(confidence) / width) ** 2 if width else math.inf
    return _wilson(found.mean, min(size, correct.size), confidence)


def _wilson(share: float, size: float, confidence: float) -> tuple[float, float]:
    z2 = _normal(confidence) ** 2
    center = (share + z2 / (2 * size)) / (1 + z2 / size)
    half = math.sqrt(z2 * share * (1 - share) / size + (z2 / (2 * size)) ** 2) / (1 + z2 / size)
    return max(0.0, center - half), min(1.0, center + half)


def _normal(confidence: float) -> float:
    return float(ndtri((1 + confidence) / 2))
