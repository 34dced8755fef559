"""Labels, a split and groups from a table."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.data.find import find
from registry.errors import DataError

_JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF"


@pytest.fixture
def hashed(tmp_path) -> Path:
    """Four images whose names say nothing, one of them in a folder."""
    folder = tmp_path / "images"
    for name in ("a1f3.jpg", "b2c4.png", "c3d5.jpg", "more/d4e6.jpg"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(_JPEG)
    return folder


def _write(folder: Path, text: str, name: str = "labels.csv") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("file,label\na1f3.jpg,Ant\nb2c4.png,Bee\nc3d5.jpg,Ant\nmore/d4e6.jpg,Bee\n", "labels.csv"),
        ("id,label\na1f3,Ant\nb2c4,Bee\nc3d5,Ant\nd4e6,Bee\n", "labels.csv"),
        ("label\tfile\nAnt\ta1f3\nBee\tb2c4\nAnt\tc3d5\nBee\tmore/d4e6\n", "labels.tsv"),
        ("\ufeffFilename;Class\na1f3.jpg;Ant\nb2c4.png;Bee\nc3d5.jpg;Ant\nd4e6.jpg;Bee\n", "x.csv"),
        ('image,x,label\r\na1f3,1,Ant\r\n"b2c4",,"Bee"\r\nc3d5,,Ant\r\n./more/d4e6.jpg,,Bee\r\n\r\n',
         "labels.csv"),
    ],
)  # fmt: skip
def test_labels_come_from_a_table(hashed, text, name):
    """Commas, semicolons or tabs; with or without suffix and folder; columns in any order."""
    finding = find(hashed, labels=_write(hashed, text, name))

    assert {image.name: finding.classes[image.label] for image in finding.images} == {
        "a1f3.jpg": "Ant",
        "c3d5.jpg": "Ant",
        "b2c4.png": "Bee",
        "more/d4e6.jpg": "Bee",
    }
    assert finding.classes_from.startswith(f"{name}, column ")


def test_a_split_and_groups_come_from_the_table(hashed):
    """Columns `split` and `group` are read where they stand."""
    table = _write(
        hashed,
        "id,label,split,patient\na1f3,a,train,1\nb2c4,b,Training,1\nc3d5,a,test,2\nd4e6,b,test,\n",
    )
    finding = find(hashed, labels=table)

    found = {image.name: (image.part, image.group) for image in finding.images}
    assert found == {
        "a1f3.jpg": ("train", "1"),
        "b2c4.png": ("train", "1"),
        "c3d5.jpg": ("test", "2"),
        "more/d4e6.jpg": ("test", None),
    }
    assert finding.split_from == (
        "labels.csv, column split: train trains, test tests, validation images are drawn from train"
    )


def test_the_table_may_lie_in_the_folder(hashed, tmp_path, monkeypatch):
    """`--labels labels.csv` finds it here first, then in the folder of images."""
    monkeypatch.chdir(tmp_path)
    _write(hashed, "id,label\na1f3,a\nb2c4,b\n")

    assert find(hashed, labels=Path("labels.csv")).classes == ("a", "b")


def test_images_and_rows_without_partner_are_named(hashed):
    """A row without an image counts as an unusable image; an image without a row does not."""
    finding = find(hashed, labels=_write(hashed, "id,label\na1f3,a\nb2c4,b\nc3d5,\nzzz,a\n"))

    assert [(each.name, each.reason, each.by_name) for each in finding.rejects] == [
        ("c3d5.jpg", "it has no label", False),
        ("more/d4e6.jpg", "not in labels.csv", True),
        ("zzz", "named in labels.csv, but not there", False),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a1f3,Ant\n", "has the columns a1f3 and Ant, but none for the file: name one 'file'"),
        ("id,kind\na1f3,Ant\n", "none for the label: name one 'label'"),
        ("", "columns none, but none for the file"),
        ("id,label\nzzz,a\nyyy,b\n", r"2 rows \(zzz, yyy\), but none names an image"),
        ("id,label\na1f3,a\na1f3,b\n", "two different rows for a1f3"),
        ("id,label\na1f3,a\nb2c4,A\n", "'a' and 'A' .* differ only by case"),
        ("id,label,split\na1f3,a,train\nb2c4,b,holdout\n", "split 'holdout' for b2c4: use train"),
        ("id,label,split\na1f3,a,test\nb2c4,b,val\n", "no training images"),
        ("id,label\na1f3,a\nb2c4,a\n", "only one class, 'a'"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(hashed, text, message):
    """One line says which column, row or file is wrong."""
    with pytest.raises(DataError, match=message) as caught:
        find(hashed, labels=_write(hashed, text))

    assert "\n" not in str(caught.value)


def test_a_missing_table_is_named(hashed):
    """A path that leads nowhere is told as such."""
    with pytest.raises(DataError, match=r"cannot read the labels in .*nowhere\.csv: No such file"):
        find(hashed, labels=Path("nowhere.csv"))


def test_a_name_of_two_images_is_refused(hashed):
    """`a1f3` may be a1f3.jpg or more/a1f3.jpg; the exact path is never in doubt."""
    (hashed / "more" / "a1f3.png").write_bytes(_JPEG)

    with pytest.raises(DataError, match=r"'a1f3' in .* fits 2 images"):
        find(hashed / "..", labels=_write(hashed, "id,label\na1f3,a\nb2c4,b\n"))
    exact = find(hashed, labels=_write(hashed, "id,label\na1f3.jpg,a\nb2c4,b\n"))
    assert exact.classes == ("a", "b")


@pytest.mark.parametrize(
    ("pattern", "groups"),
    [(r"p\d+", {"p1", "p2"}), (r"(\d+)_", {"1", "2"}), (r"^(?:Cat|Dog)/p(\d)", {"1", "2"})],
)
def test_groups_come_from_a_pattern(tmp_path, pattern, groups):
    """The first group in brackets names the group, or else the whole match."""
    for name in ("Cat/p1_1.jpg", "Cat/p2_2.jpg", "Dog/p1_3.jpg", "Dog/p2_4.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(_JPEG)
    finding = find(tmp_path, group_by=pattern)

    assert {image.group for image in finding.images} == groups


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("(x)?p", r"finds no group in 2 of 2 names"),
        ("p(", "is no regular expression"),
        ("q", r"finds no group in 2 of 2 names \(Cat/p1.jpg"),
    ],
)
def test_a_pattern_that_does_not_fit_is_refused(tmp_path, pattern, message):
    """An image without a group would be counted as a group of its own, without a word."""
    for name in ("Cat/p1.jpg", "Dog/p2.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(_JPEG)

    with pytest.raises(DataError, match=message):
        find(tmp_path, group_by=pattern)


def test_groups_from_two_sources_are_refused(hashed):
    """Either the table or the pattern says what belongs together."""
    table = _write(hashed, "id,label,group\na1f3,a,1\nb2c4,b,2\n")

    with pytest.raises(DataError, match=r"--group-by and .*labels\.csv both name groups"):
        find(hashed, labels=table, group_by=".")
