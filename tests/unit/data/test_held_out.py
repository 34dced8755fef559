from __future__ import annotations

import json
import shutil

import pytest
from drawn_folder import draw_folder
from PIL import Image

import bench
from bench.data.check import check
from bench.data.find import find
from bench.data.folds import exclude_known_images, make_splits, with_tests_of
from bench.data.split import textbook_split
from bench.runs.load_data import load_data
from bench.runs.progress import Progress
from bench.runs.request import Request, as_plain, request_of
from registry.errors import DataError

pytestmark = pytest.mark.usefixtures("hastened_runs")

_QUIET = Progress(shown=False)


@pytest.fixture
def larger(drawn, tmp_path):
    """A folder of 40 pictures: the 24 that are `drawn`, one of them saved again, and 16 others."""
    folder = draw_folder(tmp_path / "larger", each=8, first=50)
    for label in ("Cat", "Dog"):
        for number, path in enumerate(sorted((drawn / label).iterdir())):
            shutil.copy(path, folder / label / f"known-{number}{path.suffix}")
    again = next((folder / "Cat").glob("known-0*"))
    with Image.open(again) as picture:
        picture.save(again.with_suffix(".webp"), lossless=True)
    again.unlink()
    return folder


def _request(drawn, larger, **changes):
    return Request(**{"models": ("lenet5",), "data": drawn, "test_data": larger} | changes)


def test_tests_are_of_the_other_folder_alone(drawn, larger):
    """The test part is what only the other folder has; the other parts stay as they were."""
    _, before = load_data(Request(models=("lenet5",), data=drawn), _QUIET)
    _, splits = load_data(_request(drawn, larger), _QUIET)
    (one,), (was,) = splits.each, before.each

    assert len(one.test) == 16
    assert {image.file.path.parents[1] for image in one.test} == {larger}
    assert all(image.file.name.startswith("larger/") for image in one.test)
    assert (one.train, one.validation) == (was.train, was.validation)
    assert one.fingerprint != was.fingerprint
    assert splits.name == "stratified, tested on larger"


def test_picture_that_was_trained_on_is_never_tested(drawn, larger):
    """Neither the same bytes under another name nor the same picture in another format."""
    manifest, other = check(find(drawn)), check(find(larger))
    found = {image.file.path.stem for image in exclude_known_images(other, manifest)}

    assert len(other.images) == 40
    assert not any(stem.startswith("known") for stem in found)


def test_pictures_left_out_of_the_tests_are_counted(drawn, larger, capsys):
    """How many of which class are not tested, as both folders have them."""
    load_data(_request(drawn, larger), Progress())

    said = "24 of 40 images of larger are also in drawn and left out: cat 12, dog 12"
    assert said in capsys.readouterr().err


def test_groups_in_two_parts_are_said(drawn, monkeypatch, capsys):
    """A fixed split cannot keep copies together; one line says so."""
    shutil.copy(drawn / "Cat" / "cat.3.jpg", drawn / "Cat" / "copy.jpg")
    monkeypatch.setattr("bench.runs.load_data.straddling", lambda *_: 1)
    load_data(Request(models=("lenet5",), data=drawn), Progress())

    said = "1 of 1 groups of near-duplicates are in two parts of the stratified split"
    assert said in capsys.readouterr().err


def test_class_without_a_test_is_refused(drawn, larger):
    """A table whose tests have no cat would only look right."""
    for path in (larger / "Cat").glob("cat.*"):
        path.unlink()

    with pytest.raises(DataError, match=r"all 12 images of class 'cat' in .*larger are also in"):
        load_data(_request(drawn, larger), _QUIET)


def test_near_copies_are_tested_where_they_are_only_noted(drawn, tmp_path):
    """With --near-duplicates note, only equal pixels are left out."""
    folder = draw_folder(tmp_path / "again", each=2, first=70)
    Image.open(drawn / "Cat" / "cat.1.jpg").save(folder / "Cat" / "cat.99.jpg", quality=70)
    kept = {
        near: len(load_data(_request(drawn, folder, near_duplicates=near), _QUIET)[1].test)
        for near in ("group", "note")
    }

    assert kept == {"group": 4, "note": 5}


def test_request_of_an_earlier_version_groups_near_duplicates():
    """The field is absent there."""
    plain = as_plain(Request(models=("lenet5",)))
    del plain["near_duplicates"]

    assert request_of(plain).near_duplicates == "group"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"split": "kfold:3"}, "kfold:3 tests on its own images: drop it or --test-data"),
        ({"test_data": "drawn"}, "every picture of .* is also in .*, so no image is left to test"),
        ({"test_data": "foxes"}, "foxes has the classes cat, Fox, .* has cat, dog"),
    ],
)
def test_unsuitable_folder_is_refused(drawn, larger, change, said):
    """Folds, no stranger, other classes: one line that says what to do."""
    foxes = larger.parent / "foxes"
    shutil.copytree(larger / "Cat", foxes / "Cat")
    shutil.copytree(larger / "Dog", foxes / "Fox")
    if "test_data" in change:
        change = {"test_data": {"drawn": drawn, "foxes": foxes}[change["test_data"]]}
    with pytest.raises(DataError, match=said):
        load_data(_request(drawn, larger, **change), _QUIET)


def test_request_survives_json(drawn, larger):
    """A run that is gone on with tests on the same folder."""
    request = _request(drawn, larger)
    plain = json.loads(json.dumps(as_plain(request)))

    assert request_of(plain).test_data == larger
    assert request_of({**plain, "test_data": None}).test_data is None


def test_run_answers_for_the_other_folder(drawn, larger, tmp_path):
    """The whole comparison: the table counts the others, the predictions name them."""
    results = bench.run(
        ["lenet5"], drawn, test_data=larger, epochs=1, isolate=False, progress=False,
        runs=tmp_path / "runs", threads=1, layout="contiguous",
    )  # fmt: skip
    predictions = next(results.folder.rglob("predictions.csv")).read_text().splitlines()

    assert len(predictions) == 1 + 16
    assert all("larger/" in line for line in predictions[1:])


@pytest.mark.photographs
def test_chapter_is_tested_on_1500_others(chapter_photographs, many_photographs):
    """The textbook split of the 502 photographs, tested on those of the 2,002 not among them."""
    manifest, other = check(find(chapter_photographs)), check(find(many_photographs))
    splits = make_splits("textbook", manifest)
    tested = with_tests_of(other, splits, manifest).each[0]

    assert len(tested.test) == 1500
    assert tested.train == textbook_split(manifest).train


def test_only_the_test_images_of_a_split_folder_test(drawn, larger, tmp_path, capsys):
    """--test-data with train/ and test/ of its own: its training images do not test."""
    given = tmp_path / "given"
    for number, each in enumerate(sorted(larger.glob("*/*.jpg"))):
        part = given / ("test" if number % 2 else "train") / each.parent.name
        part.mkdir(parents=True, exist_ok=True)
        shutil.copy(each, part / each.name)
    request = Request(models=("lenet5",), data=drawn, test_data=given)
    _, splits = load_data(request, Progress())

    assert splits.test
    assert all(image.file.name.startswith("given/test/") for image in splits.test)
    assert "only the test images of" in capsys.readouterr().err


def test_a_group_does_not_train_and_test(drawn, larger):
    """A patient with images in both folders is named; other groups may be tested."""
    request = Request(models=("lenet5",), data=drawn, test_data=larger, group_by=r"\d(?=[.])")

    with pytest.raises(
        DataError, match=r"10 groups \(0, 1 and 2\) have images in .* and in .*larger"
    ):
        load_data(request, _QUIET)
