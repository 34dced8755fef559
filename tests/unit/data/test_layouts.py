"""Folders of pictures as people have them: read as they are meant, or refused with a reason."""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from pathlib import Path

import pytest

from bench.data.find import Finding, find
from registry.errors import DataError

_JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF"


def _touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(_JPEG)
    return folder


def _in_parts(finding: Finding) -> Counter[tuple[str | None, str]]:
    return Counter((image.part, finding.classes[image.label]) for image in finding.images)


_BOTH = {("train", "cat"): 1, ("train", "dog"): 1, ("test", "cat"): 1, ("test", "dog"): 1}
_THREE = {**_BOTH, ("validation", "cat"): 1, ("validation", "dog"): 1}


@pytest.mark.parametrize(
    ("pattern", "parts", "expected"),
    [
        ("{part}/{kind}s/1.jpg", ("train", "test"), _BOTH),
        ("{part}/{part}/{kind}s/1.jpg", ("training_set", "test_set"), _BOTH),
        ("archive/{part}/{kind}/1.jpg", ("Training", "Testing"), _BOTH),
        ("{part}/images/{kind}/1.jpg", ("train-set", "TestSet"), _BOTH),
        ("{part}/{kind}/a/1.jpg", ("train", "valid", "test"), _THREE),
        ("{part}/{kind}/1.jpg", ("train", "dev", "test1"), _THREE),
        ("{part}/{kind}.1.jpg", ("train", "validation", "test"), _THREE),
        ("{kind}/{part}/1.jpg", ("train", "val", "test"), _THREE),
        ("data/{kind}/{part}/1.jpg", ("train", "test"), _BOTH),
    ],
)
def test_a_split_that_somebody_made_is_found(tmp_path, pattern, parts, expected):
    """Folders of parts that hold classes, classes that hold parts, one or two levels deep."""
    names = [pattern.format(part=part, kind=kind) for part in parts for kind in ("cat", "dog")]
    finding = find(_touch(tmp_path, *names))

    assert _in_parts(finding) == expected
    assert finding.split_from is not None
    assert "train" in finding.split_from.lower()


def test_a_validation_part_alone_is_the_test(tmp_path):
    """train/ and val/ are training and test images; the reading says so."""
    names = [f"{part}/{kind}/1.jpg" for part in ("train", "val") for kind in ("ant", "bee")]
    finding = find(_touch(tmp_path, *names))

    assert set(_in_parts(finding)) == {(p, k) for p in ("train", "test") for k in ("ant", "bee")}
    assert finding.split_from == (
        "train/ trains, val/ tests, validation images are drawn from train"
    )


def test_test_images_without_a_class_are_not_used_and_named(tmp_path):
    """Kaggle's test/1.jpg has no class: train/ alone is split, and one line names the folder."""
    finding = find(_touch(tmp_path, "train/cat.0.jpg", "train/dog.0.jpg", "test/1.jpg"))

    assert [image.name for image in finding.images] == ["cat.0.jpg", "dog.0.jpg"]
    assert finding.split_from is None
    assert [(each.name, each.reason) for each in finding.rejects] == [
        ("../test", "the names of its 1 image give no classes")
    ]


def test_train_is_a_class_beside_bus_and_car(tmp_path):
    """Vehicles: the folder `train` is no wrapper where other classes stand beside it."""
    folder = _touch(tmp_path, "bus/1.jpg", "car/1.jpg", "train/steam_1.jpg", "train/diesel_2.jpg")

    assert find(folder).classes == ("bus", "car", "train")


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("Cat/1.jpg", "Dog/1.jpg", "train/cat.1.jpg"), "train/, as of a split, beside Cat/, Dog/"),
        (("Cat/1.jpg", "Dog/1.jpg", "test/1.jpg"), "which are the classes"),
        (("Cat/1.jpg", "train/Cat/1.jpg", "train/Dog/1.jpg"), "which are the classes"),
        (("images/1.jpg", "Cat/1.jpg", "Dog/1.jpg"), "images lies beside Cat/, Dog/"),
        (
            ("train/a/1.jpg", "train/b/1.jpg", "val/a/1.jpg", "val/b/1.jpg", "valid/a/1.jpg"),
            "two folders for one part of a split, val/ and valid/",
        ),
        (("train/a/1.jpg", "train/b/1.jpg", "test/a/1.jpg"), "test/ has no 'b'"),
        (
            ("train/A/1.jpg", "train/b/1.jpg", "test/a/1.jpg", "test/b/1.jpg"),
            "no 'A', but 'a': rename one",
        ),
        (("val/a/1.jpg", "test/b/1.jpg"), "no images to train on"),
        (("train_1.jpg", "test_1.jpg"), "parts of a split and no classes"),
        (("train_cats/1.jpg", "test_cats/1.jpg"), "parts of a split and no classes"),
        (("day1/Cat/1.jpg", "day1/Dog/1.jpg", "day2/Cat/1.jpg", "day2/Dog/1.jpg"), "all hold Cat/"),
        (("a/train/1.jpg", "a/test/1.jpg", "b/1.jpg"), "a split within a class needs train/"),
    ],
)
def test_a_folder_that_can_be_read_in_two_ways_is_refused(tmp_path, names, message):
    """The message names the folders and asks which are the classes."""
    with pytest.raises(DataError, match=message) as caught:
        find(_touch(tmp_path, *names))

    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("first", "second"),
    [("A", "a"), ("Straße", "STRASSE"), ("cat", "cats "), ("\ufb01sh", "fish")],
)
def test_two_classes_that_differ_by_case_or_form_are_refused(tmp_path, first, second):
    """The program never joins two folders into a class by itself, and shows both names."""
    folder = _touch(tmp_path, f"{first}/1.jpg", f"{second}/1.jpg", "other/1.jpg")

    with pytest.raises(DataError, match="differ only by case or form") as caught:
        find(folder)
    assert second in str(caught.value)


def test_unicode_forms_of_a_class_are_one(tmp_path):
    """A class name is the composed form, whatever the file system wrote."""
    found = [
        find(_touch(tmp_path / form, *(unicodedata.normalize(form, f"{kind}/1.jpg")
                                       for kind in ("Bär", "Hündin"))))
        for form in ("NFC", "NFD")
    ]  # fmt: skip

    assert found[0].classes == found[1].classes == ("Bär", "Hündin")


def test_case_of_a_class_name_is_kept(tmp_path):
    """Only the textbook's cats and dogs are written in one way."""
    assert find(_touch(tmp_path, "Ants/1.jpg", "cats/1.jpg")).classes == ("cat", "Ants")


@pytest.mark.parametrize(
    ("names", "classes"),
    [
        (("american_bulldog_1", "american_pit_bull_terrier_2", "beagle_33"),
         ("american_bulldog", "american_pit_bull_terrier", "beagle")),
        (("digit_0_12", "digit_1_7"), ("digit_0", "digit_1")),
        (("São Paulo 1", "Rio (2)"), ("Rio", "São Paulo")),
        (("n02085620_7", "n02085782_2"), ("n02085620", "n02085782")),
    ],
)  # fmt: skip
def test_a_flat_folder_gives_all_before_the_last_number(tmp_path, names, classes):
    """american_bulldog_1.jpg is an American bulldog; the source of the classes is stated."""
    finding = find(_touch(tmp_path, *(f"{name}.jpg" for name in names)))

    assert finding.classes == classes
    assert finding.classes_from == "file names"


@pytest.mark.parametrize(
    "names",
    [
        ("IMG_0001", "IMG_0002", "DSC_0003"),
        ("a1b2c3d4e5", "b2c3d4e5f6", "c3d4e5f6a7"),
        ("0001", "0002", "12"),
        ("PXL_20230101_123456789", "PXL_20230102_123456789"),
        ("3f2504e0-4f89-11d3-9a0c-0305e82c3301", "5f2504e0-4f89-11d3-9a0c-0305e82c3302"),
        tuple(f"x{chr(97 + n)}{chr(98 + n)}_{n}" for n in range(12)),
    ],
)
def test_file_names_without_a_class_are_refused(tmp_path, names):
    """Cameras, hashes, numbers, and a class for each file: none of them is a label."""
    with pytest.raises(DataError, match="their names give no classes"):
        find(_touch(tmp_path, *(f"{name}.jpg" for name in names)))


def test_a_table_beside_hash_names_is_mentioned(tmp_path):
    """Where labels.csv lies beside the images, the refusal says how to use it."""
    folder = _touch(tmp_path, "a1b2c3d4e5.jpg", "b2c3d4e5f6.jpg")
    (folder / "labels.csv").write_text("id,label\na1b2c3d4e5,cat\n")

    with pytest.raises(DataError, match=r"labels.csv lies there: try --labels .*labels.csv"):
        find(folder)


def test_loose_images_beside_class_folders_are_named(tmp_path):
    """sample_1.jpg beside Cat/ and Dog/ is no third class."""
    finding = find(_touch(tmp_path, "Cat/1.jpg", "Dog/1.jpg", "sample_1.jpg", "sample_2.jpg"))

    assert finding.classes == ("cat", "dog")
    assert [(each.name, each.by_name) for each in finding.rejects] == [
        ("sample_1.jpg", True),
        ("sample_2.jpg", True),
    ]


@pytest.mark.parametrize("content", ["empty", "text", "nothing behind a link", "twice"])
def test_a_class_folder_that_gives_nothing_is_an_error(tmp_path, content):
    """Nobody trains two classes of three without knowing."""
    folder = _touch(tmp_path, "Cat/1.jpg", "Dog/1.jpg")
    fox = folder / "Fox"
    if content.startswith("nothing"):
        fox.symlink_to(folder / "nowhere")
    elif content == "twice":
        fox.symlink_to(folder / "Dog")
    else:
        fox.mkdir()
        if content == "text":
            (fox / "notes.txt").write_text("later")

    with pytest.raises(DataError, match="Fox"):
        find(folder)


def test_an_unreadable_class_folder_is_an_error(tmp_path, monkeypatch):
    """No permission is no reason to train without a class."""
    folder, scandir = _touch(tmp_path, "Cat/1.jpg", "Dog/1.jpg", "Fox/1.jpg"), os.scandir

    def deny(path):
        if Path(path).name == "Fox":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    def deny_files(path):
        if "Fox" in path.parts:
            raise PermissionError(13, "Permission denied")
        return is_file(path)

    is_file = Path.is_file
    monkeypatch.setattr("bench.data.folder_tree.os.scandir", deny)
    monkeypatch.setattr(Path, "is_file", deny_files)

    with pytest.raises(DataError, match="Fox gives no image: cannot read it"):
        find(folder)


def test_links_to_folders_are_followed_once(tmp_path):
    """A class may be a link to a folder elsewhere; a loop ends."""
    inside, outside = tmp_path / "inside", _touch(tmp_path / "outside", "1.jpg", "more/2.jpg")
    _touch(inside, "Cat/1.jpg")
    (inside / "Dog").symlink_to(outside)
    (outside / "again").symlink_to(outside)
    (inside / "Cat" / "up").symlink_to(inside)
    finding = find(inside)

    assert [image.name for image in finding.images] == ["Cat/1.jpg", "Dog/1.jpg", "Dog/more/2.jpg"]
    assert {each.name for each in finding.rejects} == {"Cat/up", "Dog/again"}


def test_folders_of_systems_and_of_zoo_are_never_read(tmp_path):
    """Neither a recycle bin nor thumbnails nor an earlier run in the data folder is a class."""
    folder = _touch(
        tmp_path, "Cat/1.jpg", "Dog/1.jpg", "$RECYCLE.BIN/1.jpg", "@eaDir/1.jpg",
        "__MACOSX/Cat/1.jpg", "Cat/@eaDir/1.jpg", ".thumbs/1.jpg", "lost+found/1.jpg",
        "runs/0001-lenet/figures/1.png", "runs/0001-lenet/run.db", "cache/pixels/1.png",
        "cache/checked.sqlite",
    )  # fmt: skip
    finding = find(folder)

    assert [image.name for image in finding.images] == ["Cat/1.jpg", "Dog/1.jpg"]
    assert finding.rejects == ()


def test_files_without_suffix_are_read_by_their_first_bytes(tmp_path):
    """A JPEG without a suffix is a picture; a text without one is named."""
    folder = _touch(tmp_path, "Cat/1", "Dog/1")
    (folder / "Dog" / "README").write_text("dogs")
    finding = find(folder)

    assert [image.name for image in finding.images] == ["Cat/1", "Dog/1"]
    assert [each.name for each in finding.rejects] == ["Dog/README"]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("Cat/cat.1.jpg",), "only one class, 'cat'"),
        (("notes.txt", "more.txt"), "no images in .*: it holds 2 files, none of them an image"),
        ((), "no images in .*: it is empty"),
        (("x/y/notes.txt",), "no images in .*: it holds 1 file, none of them an image"),
    ],
)
def test_a_refusal_says_what_is_there(tmp_path, names, message):
    """A folder without images or without classes is described."""
    folder = tmp_path
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(_JPEG if name.endswith("jpg") else b"text")

    with pytest.raises(DataError, match=message):
        find(folder)


def test_annotations_beside_images_are_no_class(tmp_path):
    """images/ and annotations/ hold pictures and facts about them, not two classes."""
    folder = _touch(tmp_path, "images/cat_1.jpg", "images/dog_1.jpg", "annotations/trimaps/1.png")
    finding = find(folder)

    assert finding.classes == ("cat", "dog")
    assert [each.name for each in finding.rejects] == ["../annotations/trimaps/1.png"]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("Cat/more/test/1.jpg", "Dog/1.jpg"), "Cat: is it a part of a split"),
        (("train/Cat/test/1.jpg", "train/Dog/1.jpg", "val/Cat/1.jpg", "val/Dog/1.jpg"),
         "Cat holds|is it a part of a split"),
        (("Cat/train/1.jpg", "Cat/test/1.jpg", "Dog/train/1.jpg", "Dog/test/1.jpg", "train/9.jpg"),
         "which are the classes"),
        (("Cat/1.jpg", "Dog/1.jpg", "masks/1.png"), "masks lies beside Cat/, Dog/"),
        (("a/train/x/1.jpg", "a/train/y/1.jpg", "a/test/x/1.jpg", "a/test/y/1.jpg",
          "b/train/x/1.jpg", "b/train/y/1.jpg", "b/test/x/1.jpg", "b/test/y/1.jpg"), "all hold x/"),
    ],
)  # fmt: skip
def test_a_part_within_a_class_is_refused(tmp_path, names, message):
    """Test images that somebody set aside never train because they lie one folder deeper."""
    with pytest.raises(DataError, match=message):
        find(_touch(tmp_path, *names))


def test_a_link_for_a_part_that_is_read_already_is_refused(tmp_path):
    """`test -> val` would test on the validation images, without a word."""
    folder = _touch(tmp_path, *(f"{p}/{k}/1.jpg" for p in ("train", "val") for k in ("a", "b")))
    (folder / "test").symlink_to(folder / "val")

    with pytest.raises(DataError, match=r"test is a link to a folder that is read already"):
        find(folder)


def test_images_deeper_within_a_part_of_a_class_are_read(tmp_path):
    """Cat/train/day1/0.jpg is a cat that trains."""
    names = [f"{kind}/{p}/day{d}/{d}.jpg" for d in (1, 2)
             for kind, p in (("a", "train"), ("a", "test"), ("b", "train"))]  # fmt: skip
    finding = find(_touch(tmp_path, *names, "b/test/1.jpg"))

    assert set(_in_parts(finding)) == {(p, k) for p in ("train", "test") for k in ("a", "b")}


def test_vehicles_may_have_a_split(tmp_path):
    """`train` beside bus and car is a class within train/ and test/, too."""
    names = [
        f"{part}/{kind}/1.jpg" for part in ("train", "test") for kind in ("bus", "car", "train")
    ]
    finding = find(_touch(tmp_path, *names))

    assert finding.classes == ("bus", "car", "train")
    assert finding.split_from is not None


def test_empty_folders_are_named(tmp_path):
    """A part or folder without images changes nothing, and is listed."""
    folder = _touch(tmp_path, "cat_1.jpg", "dog_1.jpg")
    for name in ("valid", "later"):
        (folder / name).mkdir()

    assert [(each.name, each.reason) for each in find(folder).rejects] == [
        ("later", "an empty folder"),
        ("valid", "an empty folder"),
    ]


def test_a_link_to_a_run_is_no_class(tmp_path):
    """Runs are never read, whatever way leads to them."""
    folder = _touch(tmp_path, "Cat/1.jpg", "Dog/1.jpg", "Fox/run.db", "Fox/1.jpg")
    (folder / "Bus").symlink_to(folder / "Fox")

    with pytest.raises(DataError, match="Bus is a link to a run or the cache of zoo"):
        find(folder)


def test_a_class_folder_with_an_images_name_is_refused(tmp_path):
    """`Fox.jpg/` beside Cat/ and Dog/ may be a class: nobody trains without it by chance."""
    with pytest.raises(DataError, match=r"Fox.jpg is a folder with an image's name"):
        find(_touch(tmp_path, "Cat/1.jpg", "Dog/1.jpg", "Fox.jpg/1.jpg"))


def test_empty_parts_within_a_class_are_named(tmp_path):
    """An empty train/ in a class folder makes no split."""
    folder = _touch(tmp_path, "Cat/1.jpg", "Dog/1.jpg")
    (folder / "Cat" / "train").mkdir()

    assert find(folder).classes == ("cat", "dog")
    assert [each.name for each in find(folder).rejects] == ["Cat/train"]
