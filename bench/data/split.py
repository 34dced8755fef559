"""One split for every model and seed: which images train, validate and test."""

import hashlib
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import Any

from bench.data.check import CheckedImage, Manifest
from bench.data.facts import Facts
from bench.data.find import ImageFile
from bench.data.grouped_split import deal, has_groups, units_of
from bench.data.layout_names import PARTS
from bench.system.display import count_noun
from registry.errors import DataError

TRAIN_SHARE, VALIDATION_SHARE = 0.70, 0.15
_TEXTBOOK_TRAIN, _TEXTBOOK_TEST, _TEXTBOOK_SEED = 400, 10, 42


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Three disjoint parts of a manifest's images, and the rule that made them.

    `within` names the outer split, whose training part is split here.
    """

    name: str
    train: tuple[CheckedImage, ...]
    validation: tuple[CheckedImage, ...]
    test: tuple[CheckedImage, ...]
    within: str | None = None

    @property
    def fingerprint(self) -> str:
        """Digest of the content and labels of each part, in order: equal only for equal data."""
        digest = hashlib.sha256()
        if self.within is not None:
            digest.update(f"within {self.within}\n".encode())
        for part in (self.train, self.validation, self.test):
            for image in part:
                digest.update(f"{image.sha256} {image.file.label}\n".encode())
            digest.update(b"--\n")
        return digest.hexdigest()


def textbook_split(manifest: Manifest) -> Split:
    """Return the chapter's split: 400 to train, the last ten to test, the rest to validate.

    The readable images, sorted, cats before dogs, are shuffled by Python's generator with seed 42.

    Raises:
        DataError: fewer than 411 readable images.
    """
    needed = _TEXTBOOK_TRAIN + _TEXTBOOK_TEST + 1
    images = list(manifest.images)
    if len(images) < needed:
        raise DataError(
            f"the textbook split needs {needed} readable images, there are {len(images)}: "
            "use --split stratified"
        )
    random.Random(_TEXTBOOK_SEED).shuffle(images)
    train, rest = images[:_TEXTBOOK_TRAIN], images[_TEXTBOOK_TRAIN:]
    split = _split("textbook", (train, rest[:-_TEXTBOOK_TEST], rest[-_TEXTBOOK_TEST:]))
    require_whole_groups(split)
    return split


def stratified_split(manifest: Manifest) -> Split:
    """Return 70/15/15 of every class, dealt by content, so that file names do not matter.

    Near-duplicates stay in one part, and so do groups that the owner named.

    Raises:
        DataError: a class has too few images or groups for three parts.
    """
    if has_groups(manifest):
        shares = (TRAIN_SHARE, VALIDATION_SHARE, 1 - TRAIN_SHARE - VALIDATION_SHARE)
        return _split("stratified", deal(units_of(manifest), shares, manifest.classes))
    leaders, parts = leaders_of(manifest), []
    for label, name in enumerate(manifest.classes):
        images = [image for image in manifest.images if image.file.label == label]
        images.sort(key=lambda image: (leaders[image.sha256], image.sha256))
        first = _cut(images, leaders, round(len(images) * TRAIN_SHARE))
        second = _cut(images, leaders, round(len(images) * (TRAIN_SHARE + VALIDATION_SHARE)))
        if not 0 < first < second < len(images):
            distinct = len({leaders[image.sha256] for image in images})
            raise DataError(
                f"class {name!r} has {count_noun(len(images), 'image')}, {distinct} of them "
                "distinct pictures, too few for a training, a validation and a test part: it "
                "needs about 7 distinct pictures"
            )
        parts.append((images[:first], images[first:second], images[second:]))
    return join_classes("stratified", parts)


def given_split(manifest: Manifest) -> Split:
    """Return the split that the owner made by folders or by a table.

    Without a validation part, 15 of 85 training images of each class validate, dealt by content.

    Raises:
        DataError: there is no such split, a class lacks images in a part, or a group is in two.
    """
    if manifest.split_from is None:
        raise DataError(
            f"{manifest.folder} has no split of its own (train/, val/, test/): use --split "
            "stratified"
        )
    of = {part: tuple(i for i in manifest.images if i.file.part == part) for part in PARTS}
    if not of["validation"]:
        share = VALIDATION_SHARE / (TRAIN_SHARE + VALIDATION_SHARE)
        units = units_of(replace(manifest, images=of["train"]))
        of["validation"], of["train"] = deal(units, (share, 1 - share), manifest.classes)
    for part, images in of.items():
        for label, name in enumerate(manifest.classes):
            if not any(image.file.label == label for image in images):
                raise DataError(
                    f"the {part} part of {manifest.folder} has no readable image of class {name!r}"
                )
    split = _split("given", list(of.values()))
    require_whole_groups(split)
    return split


def require_whole_groups(split: Split) -> None:
    """Raise DataError if images of one group lie in two parts of a split that is fixed."""
    where: dict[str, str] = {}
    for part in PARTS:
        for image in getattr(split, part):
            group = image.file.group
            if group is not None and where.setdefault(group, part) != part:
                raise DataError(
                    f"group {group!r} has images in the {where[group]} and the {part} part of the "
                    f"{split.name} split: use --split stratified, which keeps groups together"
                )


def _split(name: str, parts: Sequence[Sequence[CheckedImage]]) -> Split:
    train, validation, test = map(tuple, parts)
    return Split(name=name, train=train, validation=validation, test=test)


def join_classes(name: str, parts: Iterable[Sequence[Iterable[CheckedImage]]]) -> Split:
    """Return one split from the three parts of each class."""
    train, validation, test = (tuple(chain(*part)) for part in zip(*parts, strict=True))
    return Split(name=name, train=train, validation=validation, test=test)


def as_plain(split: Split) -> dict[str, Any]:
    """Return `split` as JSON values, for another process."""
    plain: dict[str, Any] = {"name": split.name, "within": split.within}
    return plain | {part: [image_as_plain(i) for i in getattr(split, part)] for part in PARTS}


def split_of(plain: dict[str, Any]) -> Split:
    """Return the split from the values of `as_plain`."""
    images = {part: tuple(map(image_of, plain[part])) for part in PARTS}
    return Split(name=plain["name"], within=plain["within"], **images)


SPLITS = MappingProxyType(
    {"stratified": stratified_split, "textbook": textbook_split, "given": given_split}
)


def without_given_test(manifest: Manifest) -> Manifest:
    """Return `manifest` without the owner's test images, for a split of the others."""
    images = tuple(image for image in manifest.images if image.file.part != "test")
    return replace(manifest, images=images, split_from=None)


def only_given_test(manifest: Manifest) -> Manifest:
    """Return `manifest` with the owner's test images alone."""
    images = tuple(image for image in manifest.images if image.file.part == "test")
    return replace(manifest, images=images, split_from=None)


def limit_images(manifest: Manifest, limit: int) -> Manifest:
    """Return `manifest` with at most `limit` images, picked by content; class shares stay.

    DataError names a class without an image left.
    """
    if limit >= len(manifest.images):
        return manifest
    chosen: set[str] = set()
    for label, name in enumerate(manifest.classes):
        digests = sorted({i.sha256 for i in manifest.images if i.file.label == label})
        share = round(limit * manifest.count(label) / len(manifest.images))
        if not share:
            raise DataError(
                f"--limit {limit} leaves no image of class {name!r}: give a higher limit"
            )
        chosen.update(digests[:share])
    images = tuple(image for image in manifest.images if image.sha256 in chosen)
    return replace(manifest, images=images)


def training_part(manifest: Manifest, name: str) -> Manifest:
    """Return `manifest` with only the training images of the split `name`."""
    train = set(SPLITS[name](manifest).train)
    groups = (tuple(image for image in group if image in train) for group in manifest.duplicates)
    return replace(
        manifest,
        images=tuple(image for image in manifest.images if image in train),
        duplicates=tuple(group for group in groups if len(group) > 1),
    )


def image_as_plain(image: CheckedImage) -> list[Any]:
    """Return `image` as JSON values."""
    file = image.file
    plain = [str(file.path), file.label, file.name, image.sha256, image.bytes]
    return [*plain, *image.facts.as_plain()]


def image_of(plain: list[Any]) -> CheckedImage:
    """Return the image from the values of `image_as_plain`."""
    path, label, name, sha256, size, *facts = plain
    file = ImageFile(path=Path(path), label=label, name=name)
    return CheckedImage(file=file, sha256=sha256, bytes=size, facts=Facts.of_plain(*facts))


def leaders_of(manifest: Manifest) -> dict[str, str]:
    """Return, by image digest, the smallest digest in its group of near-duplicates."""
    leaders = {image.sha256: image.sha256 for image in manifest.images}
    for group in manifest.duplicates:
        smallest = min(image.sha256 for image in group)
        leaders.update({image.sha256: smallest for image in group})
    return leaders


def _cut(images: Sequence[CheckedImage], leaders: dict[str, str], at: int) -> int:
    """Return the first index from `at` that splits no group of near-duplicates."""
    while 0 < at < len(images) and leaders[images[at - 1].sha256] == leaders[images[at].sha256]:
        at += 1
    return at
