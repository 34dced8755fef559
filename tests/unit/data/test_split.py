from __future__ import annotations

import os
import random
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from drawn_folder import draw_folder

from bench.data.check import CheckedImage, Manifest, check
from bench.data.facts import Facts
from bench.data.find import ImageFile, find
from bench.data.split import limit_images, stratified_split, textbook_split
from registry.errors import DataError


def _manifest(folder):
    return check(find(folder))


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """12 cats and 12 dogs."""
    return _manifest(draw_folder(tmp_path_factory.mktemp("few") / "drawn"))


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """40 cats and 40 dogs."""
    return _manifest(draw_folder(tmp_path_factory.mktemp("many") / "drawn", each=40))


def _names(images):
    return [image.file.name for image in images]


@pytest.mark.photographs
def test_the_textbook_split_is_the_chapters_own(chapter_photographs):
    """The same 400, 92 and 10 files in the same order as the chapter's plain Python gives."""
    paths = []
    for kind in ("Cat", "Dog"):
        directory = str(chapter_photographs / kind)
        paths += sorted(os.path.join(directory, name) for name in os.listdir(directory))  # noqa: PTH118, PTH208
    random.seed(42)
    random.shuffle(paths)

    usable = tuple(_checked(file) for file in find(chapter_photographs).images)
    split = textbook_split(Manifest(folder=chapter_photographs, classes=("cat", "dog"),
                                    images=usable, rejects=(), duplicates=()))  # fmt: skip

    assert [str(image.file.path) for image in split.train] == paths[:400]
    assert [str(image.file.path) for image in split.validation] == paths[400:-10]
    assert [str(image.file.path) for image in split.test] == paths[-10:]


def _checked(file):
    """Return a file's image, as if it had been looked at."""
    digest = f"{random.Random(file.name).getrandbits(256):064x}"
    facts = Facts(width=8, height=8, difference_hash=0)
    return CheckedImage(file=file, sha256=digest, bytes=1, facts=facts)


def test_the_textbook_split_needs_enough_images(few):
    """24 images can't be split into 400, some and 10."""
    with pytest.raises(DataError, match="needs 411 readable images, there are 24"):
        textbook_split(few)


def test_the_stratified_split_keeps_shares(many):
    """Each class is dealt 70/15/15, nothing is lost and nothing stands twice."""
    split = stratified_split(many)

    for part, size in ((split.train, 28), (split.validation, 6), (split.test, 6)):
        assert [sum(i.file.label == label for i in part) for label in (0, 1)] == [size, size]
    dealt = _names(split.train + split.validation + split.test)
    assert sorted(dealt) == sorted(_names(many.images))


def test_the_stratified_split_depends_on_content_alone(drawn, tmp_path):
    """Renamed files fall into the same parts."""
    renamed = tmp_path / "renamed"
    for kind in ("Cat", "Dog"):
        (renamed / kind).mkdir(parents=True)
        for number, path in enumerate(sorted((drawn / kind).iterdir(), reverse=True)):
            shutil.copy(path, renamed / kind / f"{number}.jpg")

    first, second = stratified_split(_manifest(drawn)), stratified_split(_manifest(renamed))

    assert first.fingerprint == second.fingerprint
    assert _names(first.train) != _names(second.train)


def test_another_label_is_another_fingerprint(few):
    """Two splits are called equal only if images, labels and order are."""
    split = stratified_split(few)
    wrong = replace(split.train[0], file=replace(split.train[0].file, label=1))

    changed = replace(split, train=(wrong, *split.train[1:]))

    assert changed.fingerprint != split.fingerprint


def test_duplicates_never_straddle_parts(tmp_path):
    """However many copies there are, all lie in one part."""
    folder = draw_folder(tmp_path / "drawn", each=30)
    for number in range(8):
        source = folder / "Cat" / f"cat.{number}.jpg"
        for copy in range(3):
            shutil.copy(source, folder / "Cat" / f"copy-{number}-{copy}.jpg")

    split = stratified_split(_manifest(folder))

    parts = [{i.sha256 for i in part} for part in (split.train, split.validation, split.test)]
    assert not (parts[0] & parts[1] | parts[0] & parts[2] | parts[1] & parts[2])


def test_too_few_images_are_told(tmp_path):
    """Three images of a class do not make three parts; the message counts distinct pictures."""
    with pytest.raises(DataError, match="class 'cat' has 3 images, 3 of them distinct pictures"):
        stratified_split(_manifest(draw_folder(tmp_path / "drawn", each=3)))


def test_a_limit_keeps_the_classes_balance(many):
    """A limit of 20 of 80 images keeps ten of each class, always the same ones."""
    part = limit_images(many, 20)

    assert (part.count(0), part.count(1)) == (10, 10)
    assert _names(part.images) == _names(limit_images(many, 20).images)


def test_a_limit_that_empties_a_class_is_refused(few):
    """One image can't stand for two classes."""
    with pytest.raises(DataError, match="leaves no image of class 'cat'"):
        limit_images(few, 1)


@pytest.mark.parametrize("count", range(7, 27))
def test_near_duplicates_are_dealt_together_wherever_a_cut_falls(count):
    """Each picture is there three times; whatever the digests are, no three are parted."""
    images = [
        _checked(ImageFile(path=Path(f"{number}.jpg"), label=number % 2, name=f"{number}.jpg"))
        for number in range(6 * count)
    ]
    groups = [tuple(images[start + label : start + 6 : 2]) for label in (0, 1)
              for start in range(0, len(images), 6)]  # fmt: skip
    manifest = Manifest(folder=Path(), classes=("cat", "dog"), images=tuple(images), rejects=(),
                        duplicates=tuple(groups))  # fmt: skip
    split = stratified_split(manifest)

    for part in (split.train, split.validation, split.test):
        assert {len(set(group) & set(part)) for group in groups} <= {0, 3}
