"""Subsets of the training images, each within every larger one: the other parts stay."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace

from bench.data.check import CheckedImage
from bench.data.folds import Splits
from registry.errors import DataError


def limit_training(splits: Splits, most: int, classes: Sequence[str]) -> Splits:
    """Return `splits` with at most `most` training images in each; other parts are unchanged.

    Images are picked by content, so a subset lies within each larger one. Each class keeps its
    share, to within an image. Images of one group follow one another, so fewer images are of
    fewer groups.

    Raises:
        DataError: a class has no image left.
    """
    each = tuple(replace(split, train=_first(split.train, most, classes)) for split in splits.each)
    return replace(splits, each=each)


def _first(
    images: Sequence[CheckedImage], most: int, classes: Sequence[str]
) -> tuple[CheckedImage, ...]:
    """Return the first `most` of `images` by their turn, in the order that they have."""
    if most >= len(images):
        return tuple(images)
    turns = _turns(images)
    chosen = {*sorted(range(len(images)), key=turns.__getitem__)[:most]}
    counts = Counter(images[place].file.label for place in chosen)
    for label in {image.file.label for image in images}:
        if not counts[label]:
            raise DataError(
                f"{most:,} of {len(images):,} training images leave none of class "
                f"{classes[label]!r}: use more"
            )
    return tuple(image for place, image in enumerate(images) if place in chosen)


def _turns(images: Sequence[CheckedImage]) -> list[tuple[float, int]]:
    """Return the turn of each image: how far it is in its class, 0 to 1, and the class."""
    leaders: dict[str, str] = {}
    for image in images:
        group = image.file.group or image.sha256
        leaders[group] = min(image.sha256, leaders.get(group, image.sha256))
    by_class: dict[int, list[tuple[str, str, int]]] = defaultdict(list)
    for place, image in enumerate(images):
        leader = leaders[image.file.group or image.sha256]
        by_class[image.file.label].append((leader, image.sha256, place))
    turns = [(0.0, 0)] * len(images)
    for label, found in by_class.items():
        for number, (*_, place) in enumerate(sorted(found)):
            turns[place] = (number + 0.5) / len(found), label
    return turns
