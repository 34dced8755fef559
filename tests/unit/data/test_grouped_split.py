"""Splits of groups, and splits that the folder's owner made."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.data.check import CheckedImage, Manifest
from bench.data.facts import Facts
from bench.data.find import ImageFile
from bench.data.folds import AUTO, make_splits
from bench.data.split import Split, given_split, stratified_split, textbook_split
from registry.errors import DataError

_PARTS = ("train", "validation", "test")


def _manifest(labels, groups, parts=None) -> Manifest:
    images = tuple(
        CheckedImage(
            file=ImageFile(
                path=Path(f"{n}.jpg"), label=label, name=f"{n}.jpg", group=group,
                part=None if parts is None else parts[n],
            ),
            sha256=f"{n * 7919 % 10007:064d}", bytes=1,
            facts=Facts(width=8, height=8, difference_hash=n << 20),
        )
        for n, (label, group) in enumerate(zip(labels, groups, strict=True))
    )  # fmt: skip
    return Manifest(
        folder=Path("data"), classes=("a", "b"), images=images, rejects=(), duplicates=(),
        split_from=None if parts is None else "folders",
    )  # fmt: skip


def _where(split: Split) -> dict[str | None, set[str]]:
    found: dict[str | None, set[str]] = {}
    for part in _PARTS:
        for image in getattr(split, part):
            found.setdefault(image.file.group, set()).add(part)
    return found


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("name", ["stratified", "kfold:3"])
def test_no_group_is_in_two_parts(seed, name):
    """Groups of any size, of one class or both, stay whole; every image is in one part."""
    rng = np.random.default_rng(seed)
    groups = [f"g{number}" for number in rng.integers(0, 25, 200)]
    labels = rng.integers(0, 2, 200).tolist()
    splits = make_splits(name, _manifest(labels, groups))

    for split in splits.each:
        assert all(len(parts) == 1 for parts in _where(split).values())
        assert len({*split.train, *split.validation, *split.test}) == 200
        assert all({i.file.label for i in getattr(split, part)} == {0, 1} for part in _PARTS)
    if splits.folds:
        assert len(set(splits.test)) == len(splits.test) == 200


def test_parts_have_nearly_their_shares():
    """With 40 groups of 10, 70/15/15 of the images are met within one group a class."""
    labels = [n // 10 % 2 for n in range(400)]
    split = stratified_split(_manifest(labels, [str(n // 10) for n in range(400)]))

    assert [len(getattr(split, part)) for part in _PARTS] == [280, 60, 60]


def test_the_split_of_groups_depends_on_content_alone():
    """Other names and another order of the same images give the same parts."""
    rng = np.random.default_rng(1)
    manifest = _manifest(rng.integers(0, 2, 60).tolist(), [str(n % 12) for n in range(60)])
    turned = replace(manifest, images=manifest.images[::-1])

    assert stratified_split(turned).fingerprint == stratified_split(manifest).fingerprint


def test_too_few_groups_are_refused():
    """Two groups of a class cannot fill three parts."""
    manifest = _manifest([0, 1] * 10, [str(n % 4) for n in range(20)])

    with pytest.raises(DataError, match="class 'a' has 2 groups of images, too few for 3"):
        stratified_split(manifest)


def test_near_duplicates_join_groups():
    """A picture that two patients share keeps both on one side."""
    manifest = _manifest([0, 1] * 30, [str(n // 2) for n in range(60)])
    joined = replace(manifest, duplicates=((manifest.images[0], manifest.images[59]),))
    where = _where(stratified_split(joined))

    assert where["0"] == where["29"]


def test_the_given_split_is_used_as_it_is():
    """Each image is where its owner put it; `auto` is the given split where there is one."""
    parts = [("train", "validation", "test")[n % 3] for n in range(30)]
    manifest = _manifest([n // 3 % 2 for n in range(30)], [None] * 30, parts)
    split = make_splits(AUTO, manifest).of(None)

    assert split.name == "given"
    for part in _PARTS:
        assert {image.file.part for image in getattr(split, part)} == {part}


def test_a_missing_validation_part_comes_from_train():
    """15 of 85 training images of each class validate; the test part stays."""
    parts = ["test" if n % 4 == 3 else "train" for n in range(160)]
    split = given_split(_manifest([n // 4 % 2 for n in range(160)], [None] * 160, parts))

    assert [len(getattr(split, part)) for part in _PARTS] == [98, 22, 40]
    assert {image.file.part for image in split.validation} == {"train"}


@pytest.mark.parametrize("turned", [False, True])
def test_a_copy_in_the_given_test_part_is_no_matter_for_the_others(turned):
    """Its copy trains or validates as any other image does, whichever of the two comes first."""
    parts = ["test" if n % 4 == 3 else "train" for n in range(160)]
    manifest = _manifest([n // 4 % 2 for n in range(160)], [None] * 160, parts)
    pair = (manifest.images[3], manifest.images[0])
    joined = replace(manifest, duplicates=(pair[::-1] if turned else pair,))

    assert given_split(joined) == given_split(manifest)


def test_a_group_in_two_fixed_parts_is_refused():
    """A split that is fixed cannot keep a group together: it is named."""
    parts = [("train", "validation", "test")[n % 3] for n in range(30)]
    manifest = _manifest([n // 3 % 2 for n in range(30)], ["one patient"] * 30, parts)

    with pytest.raises(DataError, match="group 'one patient' has images in the train and the val"):
        given_split(manifest)
    many = _manifest([n % 2 for n in range(600)], [str(n // 2) for n in range(600)])
    with pytest.raises(DataError, match="of the textbook split: use --split stratified"):
        textbook_split(many)


def test_a_folder_without_a_split_has_none_to_give():
    """`--split given` without one says what to do."""
    with pytest.raises(DataError, match=r"has no split of its own .*: use --split stratified"):
        given_split(_manifest([0, 1], [None, None]))


def test_a_part_without_a_class_is_refused():
    """A test part whose images of a class are all unreadable cannot compare anything."""
    parts = ["train", "train", "validation", "validation", "test", "test"]
    manifest = _manifest([0, 1, 0, 1, 0, 0], [None] * 6, parts)

    with pytest.raises(DataError, match="the test part of data has no readable image of class 'b'"):
        given_split(manifest)
