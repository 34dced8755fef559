from __future__ import annotations

import itertools
import random
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from bench.data.check import CheckedImage, Manifest
from bench.data.facts import Facts
from bench.data.find import ImageFile
from bench.data.folds import Splits, kfold_splits, make_splits, straddling
from bench.data.split import Split, stratified_split
from bench.runs.request import Request
from registry.errors import DataError, RunError

CLASSES = ("cat", "dog", "fish")


def _image(label: int, number: int, digest: str | None = None) -> CheckedImage:
    name = f"{CLASSES[label]}/{number}.jpg"
    return CheckedImage(
        file=ImageFile(path=Path(name), label=label, name=name),
        sha256=digest or f"{random.Random(f'{label} {number}').getrandbits(256):064x}",
        bytes=1,
        facts=Facts(width=8, height=8, difference_hash=0),
    )


def _manifest(*counts: int, twins: int = 0, copies: int = 0) -> Manifest:
    """Return so many images of each class; `twins` pairs of the first class are near-duplicates.

    And `copies` of its first image.
    """
    images = [_image(label, n) for label, count in enumerate(counts) for n in range(count)]
    pairs = [tuple(images[2 * n : 2 * n + 2]) for n in range(twins)]
    same = [_image(0, 1000 + n, images[0].sha256) for n in range(copies)]
    if same:
        pairs[:1] = [(*(pairs[0] if pairs else images[:1]), *same)]
    return Manifest(
        folder=Path(),
        classes=CLASSES[: len(counts)],
        images=(*images, *same),
        rejects=(),
        duplicates=tuple(pairs),
    )


SIZES = [(20, 20), (251, 251), (33, 7), (11, 40, 23), (5, 5)]
MANIFESTS = [_manifest(*sizes) for sizes in SIZES]
MANIFESTS += [_manifest(60, 50, twins=12, copies=4), _manifest(40, 40, copies=17)]
CASES = [
    pytest.param(
        manifest, folds, id=f"{'-'.join(str(manifest.count(n)) for n in range(3))}x{folds}"
    )
    for manifest, folds in itertools.product(MANIFESTS, (2, 3, 5))
]


def _parts(split: Split) -> tuple[tuple[CheckedImage, ...], ...]:
    return split.train, split.validation, split.test


def _require_sound(manifest: Manifest, folds: tuple[Split, ...]) -> None:
    """Raise AssertionError unless these splits are the folds of `manifest`."""
    tested = Counter(image.file.name for split in folds for image in split.test)
    assert set(tested.values()) == {1}, "tested twice"
    assert set(tested) == {image.file.name for image in manifest.images}, "not all are tested"
    groups = [{image.file.name for image in group} for group in manifest.duplicates]
    for split in folds:
        parts = [
            {i.file.name for i in part} for part in (split.train, split.validation, split.test)
        ]
        assert sum(map(len, parts)) == len(manifest.images), "a part is short, or parts overlap"
        assert set().union(*parts) == set(tested), "an image is in no part"
        for part, group in itertools.product(parts, groups):
            assert not part & group or group <= part, "near-duplicates straddle"
        for part in _parts(split):
            labels = {image.file.label for image in part}
            assert labels == set(range(len(manifest.classes))), "a class is missing"


@pytest.mark.parametrize(("manifest", "folds"), CASES)
def test_folds_are_disjoint_cover_all_and_keep_duplicates_together(manifest, folds):
    """Each image is tested once; each fold has it in one part, near-duplicates in the same."""
    _require_sound(manifest, kfold_splits(manifest, folds))


def _swapped(folds):
    """Let fold 1 train on an image that it tests."""
    first = folds[0]
    return (replace(first, train=(*first.train[1:], first.test[0])), *folds[1:])


def _torn(folds):
    """Move one image of fold 1 to another part, and leave its twin where both were."""
    twin = _manifest(60, 50, twins=12).duplicates[0][0]
    parts = [[image for image in part if image != twin] for part in _parts(folds[0])]
    parts[1 if twin in folds[0].train else 0].append(twin)
    train, validation, test = map(tuple, parts)
    return (replace(folds[0], train=train, validation=validation, test=test), *folds[1:])


@pytest.mark.parametrize(
    ("liar", "told"),
    [
        (lambda folds: folds[1:], "not all are tested"),
        (lambda folds: (folds[0], *folds), "tested twice"),
        (_swapped, "parts overlap|in no part"),
        (_torn, "straddle|tested"),
    ],
)
def test_folds_that_are_none_are_told(liar, told):
    """The check above notices a fold that is missing, twice there, overlapping or torn."""
    manifest = _manifest(60, 50, twins=12)

    with pytest.raises(AssertionError, match=told):
        _require_sound(manifest, liar(kfold_splits(manifest, 5)))


@pytest.mark.parametrize("sizes", SIZES)
def test_folds_are_stratified(sizes):
    """The classes' counts, and the sums, differ by one at most between the tests of the folds."""
    folds = kfold_splits(_manifest(*sizes), 5)

    for label in range(len(sizes)):
        counts = [sum(i.file.label == label for i in split.test) for split in folds]
        assert max(counts) - min(counts) <= 1
    assert max(len(s.test) for s in folds) - min(len(s.test) for s in folds) <= 1


def test_validation_has_the_default_splits_share():
    """15 of 85 of what does not test, in each class."""
    manifest = _manifest(100, 60)
    wanted = len(stratified_split(manifest).validation) / 0.85 / 160

    for split in kfold_splits(manifest, 5):
        rest = len(split.train) + len(split.validation)
        assert len(split.validation) / rest == pytest.approx(wanted, abs=0.01)
        assert sum(i.file.label == 1 for i in split.validation) / len(split.validation) == (
            pytest.approx(60 / 160, abs=0.03)
        )


def test_every_image_trains_in_most_folds():
    """None validates each time it does not test, so that all are learned from."""
    folds = kfold_splits(_manifest(50, 50), 5)
    trains = Counter(image.file.name for split in folds for image in split.train)

    assert len(trains) == 100
    assert set(trains.values()) == {3, 4}


def test_folds_depend_on_content_alone():
    """Renamed and reordered files fall into the same folds."""
    manifest = _manifest(60, 50, twins=12, copies=4)
    images = [
        replace(image, file=replace(image.file, name=f"{number}.png", path=Path(f"{number}.png")))
        for number, image in enumerate(random.Random(1).sample(manifest.images, 114))
    ]
    groups = [tuple(i for i in images if i.sha256 in {each.sha256 for each in group})
              for group in reversed(manifest.duplicates)]  # fmt: skip
    other = replace(manifest, images=tuple(images), duplicates=tuple(groups))

    first, second = (make_splits("kfold:5", each) for each in (manifest, other))
    assert [each.fingerprint for each in first.each] == [each.fingerprint for each in second.each]
    assert first.fingerprint == second.fingerprint
    assert first.test != second.test  # the names are others


def test_other_content_is_another_fingerprint():
    """One image more changes the digest of all folds together."""
    few, more = (make_splits("kfold:5", _manifest(20, count)) for count in (20, 21))

    assert few.fingerprint != more.fingerprint


@pytest.mark.parametrize(
    ("split", "told"),
    [
        ("kfold", "unknown split 'kfold': use auto, stratified, textbook, given, or kfold:5"),
        ("kfold:", "unknown split"),
        ("kfold:1", "so 2 or more are needed: try kfold:5"),
        ("kfold:0", "2 or more are needed"),
        ("kfold:-3", "unknown split"),
        ("kfold:2.5", "unknown split"),
        ("kfold:5 ", "unknown split"),
        ("KFOLD:5", "unknown split"),
    ],
)
def test_a_bad_number_of_folds_is_told(split, told):
    """One line says what there is, before anything is read."""
    with pytest.raises(RunError, match=told):
        Request(models=("lenet5",), split=split)


@pytest.mark.parametrize(
    ("manifest", "folds", "told"),
    [
        (
            _manifest(20, 4),
            5,
            r"'dog' has 4 images, 4 of them distinct pictures, too few for 5 .*kfold:4 at most",
        ),
        (_manifest(20, 4), 999_999, "too few for 999999 folds"),
        (
            _manifest(3, 3),
            2,
            "'cat' has 3 images, 3 of them distinct pictures, too few for 2 folds",
        ),
        (_manifest(2, 2), 2, "too few"),
        (
            _manifest(9, 9, twins=4),
            6,
            r"'cat' has 9 images, 5 of them distinct pictures, too few for 6 folds",
        ),
    ],
)
def test_too_many_folds_are_told(manifest, folds, told):
    """More folds than a class has distinct images: the most that there can be is named."""
    with pytest.raises(DataError, match=told):
        kfold_splits(manifest, folds)


def test_as_many_folds_as_images_leave_one_out():
    """The most that there can be works: one image of each class tests."""
    manifest = _manifest(6, 6)
    folds = kfold_splits(manifest, 6)

    _require_sound(manifest, folds)
    assert {len(split.test) for split in folds} == {2}


def test_a_split_that_is_not_repeated_is_the_same_as_ever():
    """Without folds there is one split, with its own fingerprint and no number."""
    manifest = _manifest(20, 20)
    splits = make_splits("stratified", manifest)

    assert isinstance(splits, Splits)
    assert (splits.folds, splits.numbers) == (None, (None,))
    assert splits.of(None) == stratified_split(manifest)
    assert splits.fingerprint == stratified_split(manifest).fingerprint


def test_a_fold_is_counted_from_1():
    """Fold 1 is the first split, the last fold the last."""
    splits = make_splits("kfold:3", _manifest(20, 20))

    assert splits.numbers == (1, 2, 3)
    assert [splits.of(fold) for fold in splits.numbers] == list(splits.each)


def test_straddling_counts_groups_in_two_parts():
    """A group counts once, however many folds separate it; one that stays together does not."""
    manifest = _manifest(30, 30, twins=6)
    kept = make_splits("stratified", manifest)
    split = kept.each[0]
    pair = next(group for group in manifest.duplicates if set(group) <= set(split.train))
    rest = tuple(image for image in split.train if image != pair[0])
    torn = replace(split, train=rest, test=(*split.test, pair[0]))

    assert straddling(manifest, kept) == 0
    assert straddling(manifest, replace(kept, each=(torn,))) == 1
    assert straddling(manifest, replace(kept, each=(torn, torn))) == 1
