from __future__ import annotations

from pathlib import Path

import pytest

from bench.data.find import find
from registry.errors import DataError


def _touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")
    return folder


@pytest.mark.parametrize(
    "names",
    [
        ("Cat/cat.0.jpg", "Dog/dog.0.jpg"),
        ("cats/a.png", "dogs/b.png"),
        ("train/cat.0.jpg", "train/dog.0.jpg", "test1/1.jpg"),
        ("PetImages/Cat/0.jpg", "PetImages/Dog/0.jpg"),
        ("cat.0.jpg", "dog.0.jpg"),
        ("train/Cat/1.jpg", "train/Dog/1.jpg"),
    ],
)
def test_every_layout_is_understood(tmp_path, names):
    """Class folders, Kaggle's flat folder and Microsoft's PetImages all give cat 0 and dog 1."""
    finding = find(_touch(tmp_path, *names))

    assert finding.classes == ("cat", "dog")
    assert [image.label for image in finding.images] == [0, 1]


def test_cat_and_dog_come_first(tmp_path):
    """Other classes follow cat and dog in the order of their names."""
    finding = find(_touch(tmp_path, "Dog/1.jpg", "Ant/1.jpg", "Cat/1.jpg", "Bee/1.jpg"))

    assert finding.classes == ("cat", "dog", "Ant", "Bee")


def test_images_are_sorted_as_text(tmp_path):
    """The order is the one of `sorted` paths, as in the chapter: cat.10 before cat.2."""
    finding = find(_touch(tmp_path, "Cat/cat.2.jpg", "Cat/cat.10.jpg", "Dog/dog.1.jpg"))

    assert [image.name for image in finding.images] == [
        "Cat/cat.10.jpg",
        "Cat/cat.2.jpg",
        "Dog/dog.1.jpg",
    ]


def test_no_file_is_dropped_silently(tmp_path):
    """A file that is no image by its name, or tells no class, is a reject with a reason."""
    finding = find(_touch(tmp_path, "Cat/1.jpg", "Dog/1.jpg", "Dog/notes.txt", "123.jpg"))

    assert [(reject.name, reject.reason) for reject in finding.rejects] == [
        ("123.jpg", "it lies beside the folders of images"),
        ("Dog/notes.txt", "it is no image"),
    ]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ((), "no images in"),
        (("Cat/1.jpg",), "only one class, 'cat'"),
        (("notes.txt",), "no images in"),
    ],
)
def test_an_unusable_folder_is_told_in_one_line(tmp_path, names, message):
    """No images, or one class, says what is missing and what a folder should hold."""
    with pytest.raises(DataError, match=message) as caught:
        find(_touch(tmp_path, *names))

    assert "\n" not in str(caught.value)


def test_a_missing_folder_is_named(tmp_path):
    """A folder that is not there is told as such."""
    with pytest.raises(DataError, match="does not exist"):
        find(tmp_path / "nowhere")
