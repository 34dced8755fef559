"""What a run says about its folder before anything is trained."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bench.data.find import Reject
from bench.data.manifest import reject_lines
from bench.runs.load_data import load_data
from bench.runs.progress import Progress
from bench.runs.request import Request, as_plain, request_of

_PARTS = ("train", "validation", "test")


@pytest.fixture
def given(drawn, tmp_path) -> Path:
    """The drawings, one in three of them in test/, the others in train/."""
    folder = tmp_path / "given"
    for number, each in enumerate(sorted(drawn.glob("*/*.jpg"))):
        part = folder / ("test" if number % 3 == 2 else "train") / each.parent.name
        part.mkdir(parents=True, exist_ok=True)
        shutil.copy(each, part / each.name)
    return folder


def _load(folder: Path, **options):
    request = Request(models=("lenet5",), data=folder, cache=False, **options)
    return load_data(request, Progress())


def test_the_reading_is_one_line(given, capsys):
    """Classes, split, and where they come from, before any training."""
    _, splits = _load(given)

    assert splits.name == "given"
    assert capsys.readouterr().err == (
        "2 classes from folder names: cat (12) and dog (12); split: train/ trains, test/ tests, "
        "validation images are drawn from train\n"
    )


@pytest.mark.parametrize("split", ["stratified", "kfold:2"])
def test_another_split_leaves_the_given_test_images_unused(given, capsys, split):
    """Test images that somebody set aside never train, and the line says so."""
    _, splits = _load(given, split=split)

    used = {image.file.name for s in splits.each for part in _PARTS for image in getattr(s, part)}
    assert len(used) == 16
    assert all(name.startswith("train/") for name in used)
    assert f"--split {split} leaves the test images of" in capsys.readouterr().err


def test_folds_within_the_given_training_part(given):
    """`--within given` is the training part, for a search or for folds."""
    _, splits = _load(given, split="kfold:2", within="given")

    assert {image.file.part for image in splits.test} == {"train"}


def test_groups_are_counted_in_the_line(drawn, capsys):
    """--group-by says how many groups it has found."""
    _load(drawn, group_by=r"\d+")

    assert "; 12 groups, each kept in one part" in capsys.readouterr().err


def test_many_files_with_one_reason_share_a_line():
    """A folder with 1,500 bad files does not fill the screen."""
    rejects = [Reject(name=f"{n}.jpg", reason=f"damaged: byte {n}") for n in range(1500)]
    lines = reject_lines([*rejects, Reject(name="x.jpg", reason="empty file")])

    assert lines == [
        "1,500 files: damaged (0.jpg, 1.jpg, 2.jpg, ...)",
        "x.jpg: empty file",
    ]


def test_labels_and_groups_are_stored_with_the_request(tmp_path):
    """A resumed run reads the same table, from wherever it is resumed."""
    table = tmp_path / "labels.csv"
    table.write_text("id,label\n")
    request = Request(models=("lenet5",), data=tmp_path, labels=table, group_by="p")

    assert request_of(as_plain(request)) == request_of(as_plain(request_of(as_plain(request))))
    assert as_plain(request)["labels"] == str(table)


def test_a_request_of_an_earlier_version_has_no_labels(tmp_path):
    """Fields that an earlier version did not store have their defaults."""
    plain = as_plain(Request(models=("lenet5",), data=tmp_path, split="stratified"))
    for name in ("labels", "group_by"):
        del plain[name]
    request = request_of(plain)

    assert (request.labels, request.group_by, request.split) == (None, None, "stratified")
