"""Metrics of predictions, besides accuracy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_MOST_BINS, _LEAST_IMAGES = 15, 10  # bins of the calibration error, and images in each
_LEAST = float(np.finfo(np.float64).eps)  # probability in a log loss, as in scikit-learn


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """Metrics of N predictions.

    Attributes:
        balanced_accuracy: mean over classes of the accuracy on their images.
        log_loss: mean of -log of the probability of the true class, in nats.
        roc_auc: probability that an image of a class gets a higher score for this class than an
            image of another class; with more than two classes, the mean of one against the rest.
            NaN if the labels lack a class.
        calibration_error: difference between confidence and accuracy: see `calibration_error`.
        calibration_bins: number of bins for the calibration error.
    """

    balanced_accuracy: float
    log_loss: float
    roc_auc: float
    calibration_error: float
    calibration_bins: int


def metrics(labels: NDArray[Any], probabilities: NDArray[Any]) -> Metrics:
    """Return the metrics of `probabilities` (N, K), given the `labels` (N,)."""
    shares = probabilities.astype(np.float64)
    shares /= shares.sum(axis=1, keepdims=True)  # float32 rounding makes sums differ from 1
    right, own = shares.argmax(axis=1) == labels, shares[np.arange(len(labels)), labels]
    present, classes = np.unique(labels), shares.shape[1]
    error, bins = calibration_error(shares.max(axis=1), right)
    area = math.nan
    if len(present) == classes:
        ranked = (1,) if classes == 2 else range(classes)
        area = float(np.mean([_area(labels == label, shares[:, label]) for label in ranked]))
    return Metrics(
        balanced_accuracy=float(np.mean([right[labels == label].mean() for label in present])),
        log_loss=-float(np.log(own.clip(_LEAST, 1 - _LEAST)).mean()),
        roc_auc=area,
        calibration_error=error,
        calibration_bins=bins,
    )


def calibration_error(confidence: NDArray[Any], correct: NDArray[Any]) -> tuple[float, int]:
    """Return the difference between confidence and accuracy, 0 to 1, and the number of bins.

    `confidence` (N,) is the probability of the predicted class; `correct` (N,) says whether it is
    right. Images are sorted by confidence and split into up to 15 equal bins of at least 10. The
    error is the mean over images of |accuracy - mean confidence| in their bin. With few images it
    is too high, even for perfect confidence, by about 0.4 / sqrt(images in a bin).
    Source: M. P. Naeini, G. F. Cooper, M. Hauskrecht 2015, AAAI 29, 2901-2907; equal numbers:
    J. Nixon et al. 2019, CVPR Workshops.
    """
    images = len(confidence)
    bins = max(1, min(_MOST_BINS, images // _LEAST_IMAGES))
    order = np.lexsort((correct, confidence))  # ties: wrong first, for any order of images
    gaps = np.asarray(correct, dtype=np.float64)[order] - confidence[order]
    error = sum(abs(float(part.sum())) for part in np.array_split(gaps, bins))
    return error / images, bins


def _area(own: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    """Return the area under the ROC curve of `scores` (N,) for the images that are `own` (N,).

    Source: H. B. Mann, D. R. Whitney 1947, Ann. Math. Stat. 18, 50-60: the sum of ranks; equal
    scores share the mean of their ranks.
    """
    _, place, equal = np.unique(scores, return_inverse=True, return_counts=True)
    ranks, count = (equal.cumsum() - (equal - 1) / 2)[place], int(own.sum())
    above = ranks[own].sum() - count * (count + 1) / 2
    return float(above / (count * (len(own) - count)))


def majority_class(labels: Sequence[int]) -> int:
    """Return the most frequent label; the smallest one of a tie."""
    return min(set(labels), key=lambda label: (-list(labels).count(label), label))
