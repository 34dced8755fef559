"""Splits that keep images together: groups that their owner named, and near-duplicates."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from bench.data.check import CheckedImage, Manifest
from bench.data.duplicates import linked
from bench.system.display import count_noun, join_names
from registry.errors import DataError

Unit = tuple[CheckedImage, ...]  # images that one part must hold together


def has_groups(manifest: Manifest) -> bool:
    """Return whether the owner of the images named groups."""
    return any(image.file.group is not None for image in manifest.images)


def require_separate_groups(tests: Manifest, manifest: Manifest) -> None:
    """Raise DataError if a group has images in `manifest` and in the test folder."""
    groups = [{image.file.group for image in each.images} - {None} for each in (tests, manifest)]
    if both := sorted(map(str, groups[0] & groups[1])):
        raise DataError(
            f"{count_noun(len(both), 'group')} ({join_names(both[:3])}) have images in "
            f"{manifest.folder} and in {tests.folder}: a group must not train and test"
        )


def units_of(manifest: Manifest) -> list[Unit]:
    """Return the images by unit, the largest first, those of equal size by content.

    Images of one group, or of one group of near-duplicates, are in one unit. So are two groups that
    share a picture.
    """
    images = sorted(manifest.images, key=lambda image: image.sha256)
    of_content: dict[str, list[int]] = defaultdict(list)
    named: dict[str, list[int]] = defaultdict(list)
    for number, image in enumerate(images):
        of_content[image.sha256].append(number)
        if image.file.group is not None:
            named[image.file.group].append(number)
    copies = [  # some may lie outside `manifest.images`, as in another part of a given split
        [number for image in group for number in of_content.get(image.sha256, ())]
        for group in manifest.duplicates
    ]
    together = (*copies, *named.values(), *of_content.values())
    pairs = [(numbers[0], other) for numbers in together for other in numbers[1:]]
    return sorted(linked(images, pairs), key=lambda unit: (-len(unit), unit[0].sha256))


def deal(units: Sequence[Unit], shares: Sequence[float], classes: Sequence[str]) -> list[Unit]:
    """Return one part for each of `shares`: the images of whole units, by class and content.

    Each unit goes where the counts of its classes then come nearest to the shares. A part that
    lacks a class gets the smallest unit with it.

    Raises:
        DataError: a class has too few units.
    """
    counts = [[0] * len(classes) for _ in shares]
    total = [sum(image.file.label == k for unit in units for image in unit)
             for k in range(len(classes))]  # fmt: skip
    dealt: list[list[Unit]] = [[] for _ in shares]

    def cost(part: int, unit: Unit) -> float:
        change = 0.0
        for label in {image.file.label for image in unit}:
            wanted, there = shares[part] * total[label], counts[part][label]
            more = sum(image.file.label == label for image in unit)
            change += ((there + more - wanted) ** 2 - (there - wanted) ** 2) / wanted
        return change

    def move(unit: Unit, to: int, sign: int = 1) -> None:
        for image in unit:
            counts[to][image.file.label] += sign

    for unit in units:
        part = min(range(len(shares)), key=lambda part: cost(part, unit))
        dealt[part].append(unit)
        move(unit, part)
    for label, name in enumerate(classes):
        for part in range(len(shares)):
            if not counts[part][label]:
                source, unit = _spare(dealt, label, name, len(shares))
                dealt[source].remove(unit)
                dealt[part].append(unit)
                move(unit, source, -1)
                move(unit, part)
    return [_in_order(part) for part in dealt]


def _spare(dealt: Sequence[Sequence[Unit]], label: int, name: str, parts: int) -> tuple[int, Unit]:
    """Return the smallest unit with `label`, and its part, which keeps another with it."""
    holding = [[unit for unit in part if _holds(unit, label)] for part in dealt]
    spare = [(len(unit), unit[0].sha256, number, unit) for number, units in enumerate(holding)
             if len(units) > 1 for unit in units]  # fmt: skip
    if not spare:
        groups = sum(map(len, holding))
        raise DataError(
            f"class {name!r} has {count_noun(groups, 'group')} of images, too few for {parts} "
            "parts: give more groups, or fewer folds"
        )
    *_, number, unit = min(spare, key=lambda each: each[:2])
    return number, unit


def _holds(unit: Unit, label: int) -> bool:
    return any(image.file.label == label for image in unit)


def _in_order(units: Iterable[Unit]) -> Unit:
    """Return the images by class, then by unit, as the splits without groups do."""
    images = [(image.file.label, unit[0].sha256, image.sha256, n, image)
              for unit in units for n, image in enumerate(unit)]  # fmt: skip
    return tuple(each[-1] for each in sorted(images, key=lambda each: each[:-1]))
