"""What one model said of the test images, seed by seed, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bench.training.evaluate import Evaluation
from registry.errors import IncomparableError


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Predictions:
    """The answers of one model, trained with S seeds, to N images of K classes.

    With folds, a row is of several networks: each image's answer is of the one that tests it.

    Attributes:
        images: their names, in the order of the columns.
        labels: (N,).
        probabilities: (S, N, K), one row for each of `seeds`.
    """

    model: str
    seeds: tuple[int, ...]
    images: tuple[str, ...]
    labels: NDArray[np.int64]
    probabilities: NDArray[np.float64]

    @property
    def predicted(self) -> NDArray[np.int64]:
        """The most probable class (S, N)."""
        return np.asarray(self.probabilities.argmax(axis=2))

    @property
    def correct(self) -> NDArray[np.bool_]:
        """Whether that is the label (S, N)."""
        return np.asarray(self.predicted == self.labels)

    def only(self, seeds: Sequence[int]) -> Predictions:
        """Return the answers of these `seeds` alone, in their order."""
        places = [self.seeds.index(seed) for seed in seeds]
        return replace(self, seeds=tuple(seeds), probabilities=self.probabilities[places])


def answers_of(model: str, images: Sequence[str], tests: Mapping[int, Evaluation]) -> Predictions:
    """Return the answers of `model` to `images`, which are names; `tests`, one or more, by seed.

    Raises:
        IncomparableError: the seeds were not tested on these images.
    """
    seeds = tuple(sorted(tests))
    labels = [tests[seed].labels.numpy() for seed in seeds]
    for seed, these in zip(seeds, labels, strict=True):
        if len(these) != len(images):
            said = f"{len(these)} answers to {len(images)} photographs"
            raise IncomparableError(f"{model}, seed {seed}, has {said}")
        if not np.array_equal(these, labels[0]):
            said = f"different labels for {images[int((these != labels[0]).argmax())]!r}"
            raise IncomparableError(f"{model}: seeds {seeds[0]} and {seed} have {said}")
    return Predictions(
        model=model,
        seeds=seeds,
        images=tuple(images),
        labels=labels[0],
        probabilities=np.stack([tests[seed].probabilities.double().numpy() for seed in seeds]),
    )


def check_same_images(one: Predictions, other: Predictions) -> None:
    """Raise IncomparableError, naming what differs first, unless both answered the same images."""
    pair = f"{one.model} and {other.model} can't be compared"
    count, others = len(one.images), len(other.images)
    if count != others:
        said = f"one was tested on {count} photographs, the other on {others}"
        raise IncomparableError(f"{pair}: {said}")
    for place, (first, second) in enumerate(zip(one.images, other.images, strict=True)):
        if first != second:
            said = f"{first!r} for one, {second!r} for another"
            raise IncomparableError(f"{pair}: test photograph {place + 1} is {said}")
        if one.labels[place] != other.labels[place]:
            raise IncomparableError(f"{pair}: they were given different labels for {first!r}")
