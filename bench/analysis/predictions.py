"""The predictions of one model for the test images, by seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bench.analysis.stats.clusters import Clusters, clusters_of
from bench.training.evaluation import Evaluation
from registry.errors import IncomparableError


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Predictions:
    """The predictions of one model, trained with S seeds, for N images of K classes.

    With folds, a row holds predictions of several networks: each image is tested by one of them.

    Attributes:
        model: name of the model.
        seeds: seeds, in the order of the rows.
        images: names of the images, in the order of the columns.
        labels: true classes (N,).
        probabilities: probabilities (S, N, K), one row per seed.
        groups: group of each image, None for an image without one; None if no group is known.
        folds: number of folds, of which a network tests one; 1 without folds.
    """

    model: str
    seeds: tuple[int, ...]
    images: tuple[str, ...]
    labels: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    groups: tuple[str | None, ...] | None = None
    folds: int = 1

    @property
    def predicted(self) -> NDArray[np.int64]:
        """The most probable class (S, N)."""
        return np.asarray(self.probabilities.argmax(axis=2))

    @property
    def correct(self) -> NDArray[np.bool_]:
        """Whether that class is the label (S, N)."""
        return np.asarray(self.predicted == self.labels)

    @property
    def clusters(self) -> Clusters | None:
        """The independent unit (N,) of each image; None if every image is its own."""
        return clusters_of(self.groups)

    def only(self, seeds: Sequence[int]) -> Predictions:
        """Return the predictions of these `seeds` only, in their order."""
        places = [self.seeds.index(seed) for seed in seeds]
        return replace(self, seeds=tuple(seeds), probabilities=self.probabilities[places])


def answers_of(
    model: str,
    images: Sequence[str],
    tests: Mapping[int, Evaluation],
    groups: Sequence[str | None] | None = None,
    folds: int = 1,
) -> Predictions:
    """Return the predictions of `model` for the images named `images`, given `tests` by seed.

    `groups` has the group of each image, if groups are known; `folds` is the number of folds.

    Raises:
        IncomparableError: a seed was tested on other images.
    """
    seeds = tuple(sorted(tests))
    labels = [tests[seed].labels for seed in seeds]
    for seed, these in zip(seeds, labels, strict=True):
        if len(these) != len(images):
            counts = f"{len(these)} predictions for {len(images)} images"
            raise IncomparableError(f"{model}, seed {seed}, has {counts}")
        if not np.array_equal(these, labels[0]):
            where = f"different labels for {images[int((these != labels[0]).argmax())]!r}"
            raise IncomparableError(f"{model}: seeds {seeds[0]} and {seed} have {where}")
    return Predictions(
        model=model,
        seeds=seeds,
        images=tuple(images),
        labels=labels[0],
        probabilities=np.stack([tests[seed].probabilities.astype(np.float64) for seed in seeds]),
        groups=None if groups is None else tuple(groups),
        folds=folds,
    )


def check_same_images(one: Predictions, other: Predictions) -> None:
    """Raise IncomparableError with the first difference, if the test images differ."""
    pair = f"cannot compare {one.model} and {other.model}"
    count, others = len(one.images), len(other.images)
    if count != others:
        raise IncomparableError(f"{pair}: they have {count} and {others} test images")
    for place, (first, second) in enumerate(zip(one.images, other.images, strict=True)):
        if first != second:
            both = f"{first!r} for the first, {second!r} for the second"
            raise IncomparableError(f"{pair}: test image {place + 1} is {both}")
        if one.labels[place] != other.labels[place]:
            raise IncomparableError(f"{pair}: they have different labels for {first!r}")
