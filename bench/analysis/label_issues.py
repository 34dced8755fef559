"""Labels that are likely wrong, by the predictions of networks that did not train on them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.analysis.predictions import Predictions

_SEED = 20_210_414
_ROUNDING = 1e-6
_FEWEST = 5  # flipped labels; of fewer no share can be told
FIRST = 0.10  # share of the ranking that a person looks at

Shares = NDArray[np.float64]
Labels = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelIssues:
    """The labels of N images, ranked by how likely they are wrong.

    Attributes:
        order: places of the images (N,), the most doubtful label first.
        quality: how well each label agrees with the predictions (N,), 0 to 1.
        rather: the most probable other class (N,).
        doubted: whether the predictions are confident of another class (N,).
    """

    order: NDArray[np.int64]
    quality: Shares
    rather: Labels
    doubted: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantedErrors:
    """How many labels that were flipped on purpose the ranking finds; all values are shares.

    Attributes:
        planted: flipped labels among all.
        looked_at: part of the ranking that is looked at.
        found: flipped labels that are in that part: mean, lowest and highest of all repeats.
        precision: flipped labels among those looked at, mean.
        most: the highest precision that was possible.
    """

    planted: float
    looked_at: float
    found: float
    lowest: float
    highest: float
    precision: float
    most: float


def mean_probabilities(models: Iterable[Predictions]) -> Shares:
    """Return the mean probabilities (N, K) of all models and seeds, each model weighted equally."""
    return np.asarray(np.mean([each.probabilities.mean(axis=0) for each in models], axis=0))


def find_label_issues(labels: Labels, probabilities: Shares) -> LabelIssues:
    """Return the labels (N,) ranked by doubt, given out-of-sample probabilities (N, K).

    The doubt is the normalised margin, after each class's own threshold is taken off: networks are
    surer of some classes than of others. Doubted is what the confident joint has off its diagonal.
    Source: C. Northcutt et al. 2021, Confident Learning, JAIR 70, 1373-1411, arXiv:1911.00068.
    """
    adjusted = _adjusted(labels, probabilities)
    places = np.arange(len(labels))
    own = adjusted[places, labels]
    others = adjusted.copy()
    others[places, labels] = -np.inf
    quality = (own - others.max(axis=1) + 1) / 2
    return LabelIssues(
        order=np.argsort(quality, kind="stable"),
        quality=quality,
        rather=others.argmax(axis=1),
        doubted=_doubted(labels, probabilities),
    )


def class_thresholds(labels: Labels, probabilities: Shares) -> Shares:
    """Return the mean probability (K,) of each class over the images with that label."""
    classes = probabilities.shape[1]
    sums = np.bincount(labels, probabilities[np.arange(len(labels)), labels], classes)
    counts = np.bincount(labels, minlength=classes)
    found: Shares = np.where(counts > 0, sums / np.maximum(counts, 1), 1.0)
    return found


def measure_finding(
    labels: Labels, probabilities: Shares, share: float = 0.05, repeats: int = 50
) -> PlantedErrors | None:
    """Return how many of the labels are found that are flipped at random, a `share` of all.

    Labels that are wrong already stay, and take places in the ranking. None for fewer than five
    flipped labels.
    """
    count, classes = probabilities.shape
    planted, looked = round(share * count), round(FIRST * count)
    if planted < _FEWEST:
        return None
    found = list[float]()
    for repeat in range(repeats):
        generator = np.random.default_rng((_SEED, repeat))
        flipped = generator.choice(count, planted, replace=False)
        changed = labels.copy()
        changed[flipped] = (labels[flipped] + generator.integers(1, classes, planted)) % classes
        first = find_label_issues(changed, probabilities).order[:looked]
        found.append(float(np.isin(flipped, first).mean()))
    mean = float(np.mean(found))
    return PlantedErrors(
        planted=planted / count,
        looked_at=looked / count,
        found=mean,
        lowest=min(found),
        highest=max(found),
        precision=mean * planted / looked,
        most=min(1.0, planted / looked),
    )


def _adjusted(labels: Labels, probabilities: Shares) -> Shares:
    """Return probabilities without each class's threshold, as shares again (N, K)."""
    thresholds = class_thresholds(labels, probabilities)
    shifted = probabilities - thresholds + thresholds.max()
    found: Shares = shifted / shifted.sum(axis=1, keepdims=True)
    return found


def _doubted(labels: Labels, probabilities: Shares) -> NDArray[np.bool_]:
    """Return whether an image is surely of another class than its label (N,).

    It is of the most probable class among those whose threshold it reaches.
    """
    sure = probabilities >= class_thresholds(labels, probabilities) - _ROUNDING
    best = np.where(sure, probabilities, -1.0).argmax(axis=1)
    other = probabilities.argmax(axis=1) != labels
    return np.asarray(sure.any(axis=1) & (best != labels) & other)
