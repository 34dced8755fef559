"""Which photographs are worth a look, by what the models answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.analysis.predictions import Predictions

_MOSTLY = 0.5  # a model gets a photograph right where more than half of its seeds do


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """A photograph that a model got wrong.

    Attributes:
        label, said: classes, as numbers; `said` is the wrong one that most seeds named.
        confidence: mean probability of the class named, over the seeds that were wrong.
        wrong: how many of the model's seeds.
    """

    image: str
    label: int
    said: int
    confidence: float
    wrong: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Contested:
    """A photograph and what became of it: the models that mostly got it right, and wrong.

    Attributes:
        right, wrong: by model, how many of its seeds were right.
        said: the wrong class named most, as a number.
    """

    image: str
    label: int
    right: Mapping[str, int]
    wrong: Mapping[str, int]
    said: int


def confidently_wrong(answers: Predictions, most: int) -> list[Mistake]:
    """Return the photographs of which `answers` were most surely wrong, over all seeds."""
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
    """Return the photographs that some models get right and others wrong, the most even first."""
    group = comparable(models)
    if len(group) < 2:
        return []
    shares = _shares(group)  # (models, N)
    right = np.greater(shares, _MOSTLY)  # (models, N)
    split = np.asarray(right.any(axis=0) & ~right.all(axis=0))
    spread = np.where(split, shares.std(axis=0), -1.0)
    return [_make_contested(group, shares, place) for place in _descending(spread)[:most]
            if split[place]]  # fmt: skip


def fooling_all(models: Mapping[str, Predictions], most: int) -> list[Contested]:
    """Return the photographs that every model gets wrong, the surest mistakes first."""
    group = comparable(models)
    if not group:
        return []
    shares = _shares(group)
    fooled = np.asarray((shares <= _MOSTLY).all(axis=0))
    labels = next(iter(group.values())).labels
    places = np.arange(len(labels))
    of_label = np.mean([each.probabilities[:, places, labels].mean(axis=0)
                        for each in group.values()], axis=0)  # fmt: skip
    order = _descending(np.where(fooled, 1.0 - of_label, -1.0))
    return [_make_contested(group, shares, place) for place in order[:most] if fooled[place]]


def comparable(models: Mapping[str, Predictions]) -> dict[str, Predictions]:
    """Return those of `models` that answered the same photographs as the first."""
    first = next(iter(models.values()), None)
    return {
        name: each
        for name, each in models.items()
        if first is not None
        and each.images == first.images
        and np.array_equal(each.labels, first.labels)
    }


def confusion(answers: Predictions) -> NDArray[np.float64]:
    """Return (K, K): of each class's photographs, the share that was called each class.

    Means over seeds; a class without photographs has zeros.
    """
    classes = answers.probabilities.shape[2]
    counts = np.zeros((classes, classes))
    labels = np.broadcast_to(answers.labels, answers.predicted.shape)
    np.add.at(counts, (labels.ravel(), answers.predicted.ravel()), 1.0)
    shares: NDArray[np.float64] = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1.0)
    return shares


def _shares(group: Mapping[str, Predictions]) -> NDArray[np.float64]:
    """Return for each model and photograph the share of seeds that are right (models, N)."""
    return np.array([each.correct.mean(axis=0) for each in group.values()])


def _make_contested(
    group: Mapping[str, Predictions], shares: NDArray[Any], place: int
) -> Contested:
    right: dict[str, int] = {}
    wrong: dict[str, int] = {}
    named: list[NDArray[np.int64]] = []
    for (name, each), share in zip(group.items(), shares[:, place], strict=True):
        (right if share > _MOSTLY else wrong)[name] = int(each.correct[:, place].sum())
        named.append(each.predicted[~each.correct[:, place], place])
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
