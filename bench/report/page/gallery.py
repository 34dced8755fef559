"""Selection of test images by their predictions, and their pictures."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.analysis.predictions import Predictions

MOST_BYTES = 4_000_000  # of all pictures on a page, as text
_MOSTLY = 0.5  # a model is right on an image if more than half of its seeds are


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """An image that a model predicts wrong; classes are numbers."""

    image: str
    label: int
    said: int  # the most frequent wrong class
    confidence: float  # mean probability of the predicted class over wrong seeds
    wrong: int  # number of wrong seeds


@dataclass(frozen=True, slots=True, kw_only=True)
class Contested:
    """An image with the right and wrong models; classes are numbers."""

    image: str
    label: int
    right: Mapping[str, int]  # by model that is mostly right: number of right seeds
    wrong: Mapping[str, int]  # by model that is mostly wrong: number of right seeds
    said: int  # the most frequent wrong class of all models


def confidently_wrong(answers: Predictions, most: int) -> list[Mistake]:
    """Return the images with the most confident wrong predictions, over all seeds."""
    missed = ~answers.correct  # (S, N)
    confidence = np.where(missed, answers.probabilities.max(axis=2), 0.0)  # (S, N)
    total = confidence.sum(axis=0)
    found = [place for place in _descending(total) if total[place] > 0][:most]
    return [
        Mistake(
            image=answers.images[place],
            label=int(answers.labels[place]),
            said=_most_frequent(answers.predicted[missed[:, place], place]),
            confidence=float(total[place] / missed[:, place].sum()),
            wrong=int(missed[:, place].sum()),
        )
        for place in found
    ]


def disagreed_on(models: Mapping[str, Predictions], most: int) -> list[Contested]:
    """Return the images that split the models into right and wrong, most even first."""
    group = _comparable(models)
    if len(group) < 2:
        return []
    shares = _shares(group)  # (models, N)
    right = np.greater(shares, _MOSTLY)  # (models, N)
    split = np.asarray(right.any(axis=0) & ~right.all(axis=0))
    spread = np.where(split, shares.std(axis=0), -1.0)
    return [_make_contested(group, place) for place in _descending(spread)[:most] if split[place]]


def fooling_all(models: Mapping[str, Predictions], most: int) -> list[Contested]:
    """Return the images that every model gets wrong, most confident mistakes first."""
    group = _comparable(models)
    if not group:
        return []
    fooled = np.asarray((_shares(group) <= _MOSTLY).all(axis=0))
    labels = next(iter(group.values())).labels
    places = np.arange(len(labels))
    of_label = np.mean([each.probabilities[:, places, labels].mean(axis=0)
                        for each in group.values()], axis=0)  # fmt: skip
    order = _descending(np.where(fooled, 1.0 - of_label, -1.0))
    return [_make_contested(group, place) for place in order[:most] if fooled[place]]


def _comparable(models: Mapping[str, Predictions]) -> dict[str, Predictions]:
    """Return the models tested on the same images as the first."""
    first = next(iter(models.values()), None)
    return {
        name: each
        for name, each in models.items()
        if first is not None
        and each.images == first.images
        and np.array_equal(each.labels, first.labels)
    }


def confusion(answers: Predictions) -> NDArray[np.float64]:
    """Return the confusion matrix (K, K): for each true class, the share of each predicted class.

    Means over seeds; a class without images has zeros.
    """
    classes = answers.probabilities.shape[2]
    counts = np.zeros((classes, classes))
    labels = np.broadcast_to(answers.labels, answers.predicted.shape)
    np.add.at(counts, (labels.ravel(), answers.predicted.ravel()), 1.0)
    shares: NDArray[np.float64] = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1.0)
    return shares


class Album:
    """Thumbnails as text for a page, with a limit on their total size."""

    def __init__(self, pictures: Mapping[str, bytes], most: int = MOST_BYTES) -> None:
        self._pictures, self._left = pictures, most
        self.missing = 0  # number of pictures that are not stored
        self.refused = 0  # number of pictures beyond the limit

    def address(self, image: str) -> str | None:
        """Return the picture of `image` as a data URI, or None if missing or too large."""
        jpeg = self._pictures.get(image)
        if jpeg is None:
            self.missing += 1
            return None
        address = f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode('ascii')}"
        if len(address) > self._left:
            self.refused += 1
            return None
        self._left -= len(address)
        return address


def _shares(group: Mapping[str, Predictions]) -> NDArray[np.float64]:
    """Return the share of right seeds by model and image (models, N)."""
    return np.array([each.correct.mean(axis=0) for each in group.values()])


def _make_contested(group: Mapping[str, Predictions], place: int) -> Contested:
    right, wrong, named = dict[str, int](), dict[str, int](), list[NDArray[np.int64]]()
    for name, each in group.items():
        correct = each.correct[:, place]
        (right if correct.mean() > _MOSTLY else wrong)[name] = int(correct.sum())
        named.append(each.predicted[~correct, place])
    first = next(iter(group.values()))
    return Contested(
        image=first.images[place],
        label=int(first.labels[place]),
        right=right,
        wrong=wrong,
        said=_most_frequent(np.concatenate(named)),
    )


def _descending(values: NDArray[np.float64]) -> Sequence[int]:
    """Return the places of `values`, the largest first; of equals the earlier."""
    return [int(place) for place in np.argsort(-values, kind="stable")]


def _most_frequent(classes: NDArray[np.int64]) -> int:
    return int(np.bincount(classes).argmax())
