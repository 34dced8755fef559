"""The splits of a run: one for all trials, or k folds that test every image once.

A single split may test on another folder, whose images neither train nor validate.

```text
kfold:5   image    1 . . . . . . . . 20
fold 1             T T T T v v v . . . . . . . . . . . . .    T tests, v validates, . trains
fold 2             . . . . T T T T v v v . . . . . . . . .
fold 5             v v v . . . . . . . . . . . . . T T T T
```
"""

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, chain
from pathlib import Path

from bench.data.check import CheckedImage, Manifest
from bench.data.duplicates import duplicates_of
from bench.data.grouped_split import deal, has_groups, units_of
from bench.data.split import (
    SPLITS,
    TRAIN_SHARE,
    VALIDATION_SHARE,
    Split,
    join_classes,
    leaders_of,
    training_part,
)
from bench.system.display import count_noun
from registry.errors import DataError, RunError

AUTO = "auto"  # the split that the folder's owner made, else stratified
_SHARE = VALIDATION_SHARE / (TRAIN_SHARE + VALIDATION_SHARE)  # of the images that do not test
_Group = tuple[CheckedImage, ...]  # near-duplicates or one image, all of one class


@dataclass(frozen=True, slots=True, kw_only=True)
class Splits:
    """The one split of a run, or its folds.

    Attributes:
        name: name as requested: `stratified`, `kfold:5`.
        each: the one split, or the splits of fold 1, 2 and so on.
        within: outer split, whose training part is split here; None for all images.
    """

    name: str
    each: tuple[Split, ...]
    within: str | None = None

    @property
    def folds(self) -> int | None:
        """Number of folds; None for a single split."""
        return len(self.each) if len(self.each) > 1 else None

    @property
    def numbers(self) -> tuple[int | None, ...]:
        """Numbers of the folds, from 1, or only None."""
        return tuple(range(1, len(self.each) + 1)) if self.folds else (None,)

    def of(self, fold: int | None) -> Split:
        """Return the split of a fold, or the only split."""
        return self.each[0 if fold is None else fold - 1]

    @property
    def test(self) -> tuple[CheckedImage, ...]:
        """Test images, fold by fold."""
        return tuple(image for split in self.each for image in split.test)

    @property
    def evaluated(self) -> tuple[CheckedImage, ...]:
        """Validation and test images, each once."""
        images = (image for split in self.each for image in (*split.validation, *split.test))
        return tuple(dict.fromkeys(images))

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the split, or the digest of those of the folds, in order."""
        found = [split.fingerprint for split in self.each]
        return hashlib.sha256("\n".join(found).encode()).hexdigest() if self.folds else found[0]


def parse_folds(split: str) -> int | None:
    """Return k of `kfold:k`, None for a single split; raise RunError for an unknown one."""
    if split in (AUTO, *SPLITS):
        return None
    found = re.fullmatch(r"kfold:(\d{1,6})", split)
    if found is None:
        known = ", ".join((AUTO, *SPLITS))
        raise RunError(f"unknown split {split!r}: use {known}, or kfold:5 (or another number)")
    if (folds := int(found[1])) < 2:
        raise RunError(
            f"--split {split}: a model that tests one fold trains on the others, so 2 or "
            "more are needed: try kfold:5"
        )
    return folds


def check_within(within: str | None) -> None:
    """Raise RunError unless `within` is None or names a single split."""
    if within is not None and within not in SPLITS:
        known = ", ".join(SPLITS)
        raise RunError(f"--within takes a split with one training part ({known}), not {within!r}")


def make_splits(name: str, manifest: Manifest, within: str | None = None) -> Splits:
    """Return the split or folds called `name`, of the training part of `within` if given.

    Raises:
        RunError: the name is unknown.
        DataError: there are too few images for it.
    """
    if name == AUTO:
        name = "given" if manifest.split_from and within is None else "stratified"
    folds = parse_folds(name)
    check_within(within)
    images = manifest if within is None else training_part(manifest, within)
    each = [SPLITS[name](images)] if folds is None else kfold_splits(images, folds)
    splits = tuple(replace(split, within=within) for split in each)
    return Splits(name=name, each=splits, within=within)


def kfold_splits(manifest: Manifest, folds: int) -> tuple[Split, ...]:
    """Return one split for each of `folds`, so that every image tests in one of them.

    All folds have equal shares of each class. Images are dealt by content, so names and order do
    not matter, and near-duplicates stay in one part. Of the rest, 15 of 85 validate, as in the
    stratified split: images of the next folds, so that each image trains in most splits.

    Raises:
        DataError: a class has too few images or groups for so many folds.
    """
    if has_groups(manifest):
        return _grouped_folds(manifest, folds)
    totals, leaders = [0] * folds, leaders_of(manifest)
    tests: list[list[list[_Group]]] = []  # by class and fold
    for label, name in enumerate(manifest.classes):
        images = [image for image in manifest.images if image.file.label == label]
        groups = _groups(images, leaders)
        parts = _deal(groups, totals) if len(groups) >= folds else []
        if not parts or any(len(groups) - len(part) < 2 for part in parts):
            most = f" (kfold:{len(groups)} at most)" if 3 <= len(groups) < folds else ""
            raise DataError(
                f"class {name!r} has {count_noun(len(images), 'image')}, {len(groups)} of them "
                f"distinct pictures, too few for {folds} folds, each of which trains, validates "
                f"and tests: give more images or another number of folds{most}"
            )
        tests.append(parts)
    return tuple(_split(f"kfold:{folds}", tests, fold) for fold in range(folds))


def _grouped_folds(manifest: Manifest, folds: int) -> tuple[Split, ...]:
    """Return one split for each of `folds`; each group of images is in one part of it."""
    units = units_of(manifest)
    tests = [set(part) for part in deal(units, [1 / folds] * folds, manifest.classes)]
    splits = []
    for test in tests:
        rest = [unit for unit in units if unit[0] not in test]
        validation, train = deal(rest, (_SHARE, 1 - _SHARE), manifest.classes)
        tested = tuple(image for unit in units if unit[0] in test for image in unit)
        ordered = tuple(sorted(tested, key=lambda image: (image.file.label, image.sha256)))
        splits.append(
            Split(name=f"kfold:{folds}", train=train, validation=validation, test=ordered)
        )
    return tuple(splits)


def with_tests_of(other: Manifest, splits: Splits, manifest: Manifest) -> Splits:
    """Return `splits` of `manifest`, with the images of `other` as the test part.

    Pictures that `manifest` holds too, even saved again, are left out.

    Raises:
        DataError: `splits` are folds, the classes differ, or a class has no image left to test.
    """
    if splits.folds is not None:
        raise DataError(f"--split {splits.name} tests on its own images: drop it or --test-data")
    if other.classes != manifest.classes:
        raise DataError(
            f"{other.folder} has the classes {', '.join(other.classes)}, {manifest.folder} has "
            f"{', '.join(manifest.classes)}: the classes must be the same"
        )
    new = exclude_known_images(other, manifest)
    if not new:
        raise DataError(
            f"every picture of {other.folder} is also in {manifest.folder}, so no image is left "
            "to test: name another folder for --test-data"
        )
    _require_each_class(new, other, manifest)
    folder, name = other.folder.name, f"{splits.name}, tested on {other.folder.name}"
    named = (replace(image.file, name=f"{folder}/{image.file.name}") for image in new)
    test = tuple(replace(image, file=file) for image, file in zip(new, named, strict=True))
    return replace(splits, name=name, each=(replace(splits.each[0], name=name, test=test),))


def exclude_known_images(other: Manifest, manifest: Manifest) -> list[CheckedImage]:
    """Return the images of `other` whose pictures `manifest` lacks, even saved again.

    Near-copies count where those of `manifest` are grouped.
    """
    near = manifest.near_duplicates
    known = {image.file.path for image in manifest.images}
    known_contents = {image.sha256 for image in manifest.images}
    for group in duplicates_of([*manifest.images, *other.images], near):
        if any(image.file.path in known for image in group):
            known_contents.update(image.sha256 for image in group)
    return [image for image in other.images if image.sha256 not in known_contents]


def describe_left_out(splits: Splits, other: Manifest, manifest: Manifest) -> str | None:
    """Return how many images of `other` are no tests since `manifest` has them; None for none."""
    tested = Counter(image.file.label for image in splits.test)
    left_out = len(other.images) - tested.total()
    if not left_out:
        return None
    by_class = ", ".join(
        f"{name} {other.count(label) - tested[label]:,}" for label, name in enumerate(other.classes)
    )
    return (
        f"{left_out:,} of {len(other.images):,} images of {other.folder.name} are also in "
        f"{manifest.folder.name} and left out: {by_class}"
    )


def straddling(manifest: Manifest, splits: Splits) -> int:
    """Return how many groups of duplicates have images in different parts of a split."""
    parts: list[dict[Path, int]] = [
        {
            image.file.path: number
            for number, part in enumerate((split.train, split.validation, split.test))
            for image in part
        }
        for split in splits.each
    ]
    return sum(
        any(len({of[i.file.path] for i in group if i.file.path in of}) > 1 for of in parts)
        for group in manifest.duplicates
    )


def _require_each_class(new: Sequence[CheckedImage], other: Manifest, manifest: Manifest) -> None:
    """Raise DataError if a class of `other` has no image among the `new` ones."""
    left = {image.file.label for image in new}
    for label, name in enumerate(other.classes):
        if label not in left:
            raise DataError(
                f"all {other.count(label):,} images of class {name!r} in {other.folder} are also "
                f"in {manifest.folder}, so none is left to test: use another --test-data"
            )


def _groups(images: Sequence[CheckedImage], leaders: dict[str, str]) -> list[_Group]:
    """Return `images` sorted by digest, with near-duplicates grouped."""
    groups: dict[str, list[CheckedImage]] = {}
    for image in sorted(images, key=lambda image: image.sha256):
        groups.setdefault(leaders[image.sha256], []).append(image)
    return [tuple(groups[leader]) for leader in sorted(groups)]


def _deal(groups: Sequence[_Group], totals: list[int]) -> list[list[_Group]]:
    """Return the groups of one class by fold, and add their sizes to `totals`.

    The largest groups come first. Each goes to the fold with the fewest images of the class, and
    among equals the fewest in total. With enough single images, counts differ by at most 1.
    """
    counts, numbers = [0] * len(totals), [list[int]() for _ in totals]
    for number in sorted(range(len(groups)), key=lambda number: -len(groups[number])):
        fold = min(range(len(totals)), key=lambda fold: (counts[fold], totals[fold]))
        numbers[fold].append(number)
        counts[fold] += len(groups[number])
        totals[fold] += len(groups[number])
    return [[groups[number] for number in sorted(each)] for each in numbers]


def _split(name: str, tests: Sequence[Sequence[Sequence[_Group]]], fold: int) -> Split:
    classes = []
    for parts in tests:  # class by class
        rest = [group for part in (*parts[fold + 1 :], *parts[:fold]) for group in part]
        cut = _cut(rest)
        train, validation, test = map(chain.from_iterable, (rest[cut:], rest[:cut], parts[fold]))
        classes.append((train, validation, test))
    return join_classes(name, classes)


def _cut(groups: Sequence[_Group]) -> int:
    """Return how many of `groups` validate: at least one, and not all."""
    wanted = round(_SHARE * sum(map(len, groups)))
    sizes = accumulate(len(group) for group in groups[:-2])  # of the first, the first two, ...
    return 1 + sum(size < wanted for size in sizes)
