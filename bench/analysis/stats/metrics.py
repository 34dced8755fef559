"""Metrics of predictions, besides accuracy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_MOST_BINS, _LEAST_IMAGES = 15, 10  # bins of the calibration error, and images in each


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
    from sklearn import metrics as sklearn  # two seconds; only reports need it

    shares = probabilities.astype(np.float64)
    shares /= shares.sum(axis=1, keepdims=True)  # float32 rounding makes sums differ from 1
    predicted, classes = shares.argmax(axis=1), np.arange(shares.shape[1])
    present = np.unique(labels)
    recall = sklearn.recall_score(labels, predicted, labels=present, average="macro")
    error, bins = calibration_error(shares.max(axis=1), predicted == labels)
    area = math.nan
    if len(present) == len(classes):
        ranked = shares[:, 1] if len(classes) == 2 else shares
        area = float(sklearn.roc_auc_score(labels, ranked, multi_class="ovr", average="macro"))
    return Metrics(
        balanced_accuracy=float(recall),
        log_loss=float(sklearn.log_loss(labels, shares, labels=classes)),
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


def majority_class(labels: Sequence[int]) -> int:
    """Return the most frequent label; the smallest one of a tie."""
    return min(set(labels), key=lambda label: (-list(labels).count(label), label))
