from __future__ import annotations

import shutil

import pytest

from bench.data.check import check
from bench.data.find import find
from bench.runs.load_data import locate_images
from registry.errors import DataError


@pytest.fixture
def images(drawn):
    """24 checked images."""
    return check(find(drawn)).images


def test_images_are_where_they_were(images):
    """Each is read, and is what it was."""
    assert locate_images(images) == {image: image for image in images}


def test_another_content_under_the_same_name_is_refused(images):
    """What a plan was made with is trained on, or nothing."""
    shutil.copy(images[1].file.path, images[0].file.path)

    with pytest.raises(DataError, match=r"1 of the plan's 24 .*cat\.0\.jpg \(different content\)"):
        locate_images(images)


def test_images_are_found_elsewhere_by_their_content(images, drawn, tmp_path):
    """Whatever they are called there; one that is not there is named."""
    for number, image in enumerate(reversed(images)):
        place = tmp_path / "there" / image.file.path.parent.name / f"{number}.jpg"
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(image.file.path, place)
    found = locate_images(images, [tmp_path / "there"])

    assert all(each.file.path.read_bytes() == image.file.path.read_bytes()
               for image, each in found.items())  # fmt: skip
    assert {each.file.label for each in found.values()} == {0, 1}
    place.unlink()
    with pytest.raises(DataError, match=r"1 of the plan's 24 images are not in .*cat\.0\.jpg"):
        locate_images(images, [tmp_path / "there"])
