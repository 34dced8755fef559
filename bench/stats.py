"""How sure a measured accuracy is."""

from __future__ import annotations

from collections.abc import Sequence

from scipy.stats import binomtest


def wilson_interval(correct: int, images: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the bounds of the accuracy, 0 to 1, given `correct` of `images`.

    It covers the sampling of the images, not the spread of training.
    Source: E. B. Wilson 1927, J. Am. Stat. Assoc. 22, 209-212.
    """
    interval = binomtest(correct, images).proportion_ci(confidence, method="wilson")
    return float(interval.low), float(interval.high)


def majority_class(labels: Sequence[int]) -> int:
    """Return the most frequent label, the smallest of equals."""
    return min(set(labels), key=lambda label: (-list(labels).count(label), label))
