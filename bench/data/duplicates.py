"""Find images that show the same picture: equal pixels, or near-copies of one another."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from bench.data.facts import CheckedImage
from bench.data.near_copies import near_pairs

NearDuplicates = Literal["group", "note", "off"]
NEAR_DUPLICATES: tuple[NearDuplicates, ...] = get_args(NearDuplicates)
Group = tuple[CheckedImage, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicates:
    """Groups of images that show the same picture, each group once, in the images' order.

    Attributes:
        together: of one label each; a split keeps them in one part.
        noted: near-copies that no split keeps together: of two labels, or all by request.
        two_labels: equal pixels under more than one label.
    """

    together: tuple[Group, ...]
    noted: tuple[Group, ...] = ()
    two_labels: tuple[Group, ...] = ()


def find_duplicates(images: Sequence[CheckedImage], near: NearDuplicates = "group") -> Duplicates:
    """Return the duplicates among `images`; near-copies are grouped, only noted, or not searched.

    Equal pixels are always found. Near-copies of two labels are noted, in pairs.
    """
    equal = _equal(images)
    pairs = [] if near == "off" else _near(images)
    within = [(a, b) for a, b in pairs if images[a].file.label == images[b].file.label]
    across = [(a, b) for a, b in pairs if images[a].file.label != images[b].file.label]
    same = [(a, b) for a, b in equal if images[a].file.label == images[b].file.label]
    noted = _groups(images, [*within, *same]) if near == "note" else ()
    together = _groups(images, same if near == "note" else [*same, *within])
    return Duplicates(
        together=together,
        noted=(*(group for group in noted if group not in together), *_pairs(images, across)),
        two_labels=tuple(
            group
            for group in _groups(images, equal)
            if len({image.file.label for image in group}) > 1
        ),
    )


def duplicates_of(
    images: Sequence[CheckedImage], near: NearDuplicates = "group"
) -> tuple[Group, ...]:
    """Return groups of images that show the same picture, whatever their labels.

    Near-copies count only with `near` "group".
    """
    return _groups(images, [*_equal(images), *(_near(images) if near == "group" else ())])


def linked(images: Sequence[CheckedImage], pairs: Iterable[tuple[int, int]]) -> list[Group]:
    """Return `images` by group: a group holds what `pairs` of numbers link, directly or not.

    Groups are in the order of their first images; an image in no pair is a group of its own.
    """
    parent = list(range(len(images)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = index = parent[parent[index]]
        return index

    for first, second in pairs:
        one, other = sorted((root(first), root(second)))
        parent[other] = one
    groups: dict[int, list[CheckedImage]] = defaultdict(list)
    for index, image in enumerate(images):
        groups[root(index)].append(image)
    return list(map(tuple, groups.values()))


def _near(images: Sequence[CheckedImage]) -> list[tuple[int, int]]:
    """Return the pairs of near-copies, of which each picture takes part once."""
    once: dict[Hashable, int] = {}
    for index, image in enumerate(images):
        once.setdefault(image.facts.pixels or image.sha256, index)
    numbers = list(once.values())
    pairs = near_pairs([images[number].facts for number in numbers])
    return [(numbers[first], numbers[second]) for first, second in pairs]


def _equal(images: Sequence[CheckedImage]) -> list[tuple[int, int]]:
    """Return pairs that link all images of equal content or pixels, and all of each label."""
    first: dict[Hashable, int] = {}
    pairs = []
    for index, image in enumerate(images):
        for what in filter(None, (image.sha256, image.facts.pixels)):
            for key in (what, (what, image.file.label)):
                if (earlier := first.setdefault(key, index)) != index:
                    pairs.append((earlier, index))
    return list(dict.fromkeys(pairs))


def _groups(images: Sequence[CheckedImage], pairs: Iterable[tuple[int, int]]) -> tuple[Group, ...]:
    """Return the groups that the pairs link."""
    return tuple(group for group in linked(images, pairs) if len(group) > 1)


def _pairs(images: Sequence[CheckedImage], pairs: Iterable[tuple[int, int]]) -> list[Group]:
    return [(images[first], images[second]) for first, second in pairs]
