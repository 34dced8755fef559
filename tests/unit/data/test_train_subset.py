"""Subsets of the training images: nested, with the shares of the classes, the tests unchanged."""

from __future__ import annotations

import random
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from bench.data.check import CheckedImage
from bench.data.facts import Facts
from bench.data.find import ImageFile
from bench.data.folds import Splits
from bench.data.split import Split
from bench.data.train_subset import limit_training
from registry.errors import DataError

_CLASSES = ("cat", "dog", "fox")


def _image(number, label, group=None):
    name = f"{label}-{number}.jpg"
    file = ImageFile(path=Path(name), label=label, name=name, group=group)
    digest = f"{random.Random(name).getrandbits(256):064x}"
    facts = Facts(width=8, height=8, difference_hash=0)
    return CheckedImage(file=file, sha256=digest, bytes=1, facts=facts)


def _splits(counts, group_of=lambda number: None):
    train = tuple(_image(number, label, group_of(number))
                  for label, count in enumerate(counts) for number in range(count))  # fmt: skip
    rest = tuple(_image(number, 0) for number in range(900, 906))
    split = Split(name="stratified", train=train, validation=rest[:3], test=rest[3:])
    return Splits(name="stratified", each=(split,))


def _train(splits, most):
    return limit_training(splits, most, _CLASSES).each[0].train


def test_each_subset_lies_within_the_next():
    """Whatever the sizes, and each has as many images as were asked for."""
    splits = _splits((60, 30, 10))
    parts = [_train(splits, most) for most in range(10, 101)]

    assert [len(part) for part in parts] == list(range(10, 101))
    assert all({*one} < {*other} for one, other in pairwise(parts))


def test_classes_keep_their_shares():
    """To within an image, at each size."""
    splits = _splits((60, 30, 10))

    for most in range(10, 100):
        counts = Counter(image.file.label for image in _train(splits, most))
        assert all(abs(counts[label] - most * share) < 1 for label, share in
                   enumerate((0.6, 0.3, 0.1)))  # fmt: skip


def test_only_content_decides():
    """Not the order in which images are listed; the order of a subset is that of the whole."""
    splits = _splits((20, 20))
    (split,) = splits.each
    turned = Splits(name="s", each=(Split(name="s", train=split.train[::-1], validation=(),
                                          test=()),))  # fmt: skip

    assert _train(turned, 11)[::-1] == _train(splits, 11)


def test_a_subset_of_a_subset_is_that_of_the_whole_for_equal_classes():
    """So a limited run can be limited further."""
    splits = _splits((32, 32))
    half = limit_training(splits, 32, _CLASSES)

    assert _train(half, 8) == _train(splits, 8)


def test_fewer_images_are_of_fewer_groups():
    """Groups of five follow one another: eight images of a class are of two or three."""
    part = _train(_splits((40, 40), lambda number: f"patient {number // 5}"), 16)
    dogs = {image.file.group for image in part if image.file.label == 1}

    assert len(dogs) == 2


def test_other_parts_are_the_same():
    """And more images than there are change nothing."""
    splits = _splits((20, 20))
    found = limit_training(splits, 8, _CLASSES).each[0]

    assert (found.validation, found.test) == (splits.each[0].validation, splits.each[0].test)
    assert limit_training(splits, 41, _CLASSES) == splits
    assert found.fingerprint != splits.fingerprint


def test_a_size_that_empties_a_class_is_refused():
    """The class is named."""
    with pytest.raises(DataError, match="4 of 100 training images leave none of class 'fox'"):
        limit_training(_splits((60, 30, 10)), 4, _CLASSES)
