from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from drawn_folder import noise
from PIL import Image
from rich.console import Console
from sklearn.datasets import load_digits

from bench.data.check import check, require_one_label_each
from bench.data.duplicates import find_duplicates
from bench.data.facts import CheckedImage, Facts
from bench.data.find import ImageFile, find
from bench.data.manifest import render
from bench.data.near_copies import near_pairs
from bench.data.picture_facts import facts_of, pixel_digest
from registry.errors import DataError


def _image(picture: Image.Image, label: int, number: int) -> CheckedImage:
    file = ImageFile(path=Path(f"/{number}"), label=label, name=str(number))
    facts = facts_of(picture.convert("RGB"))
    return CheckedImage(file=file, sha256=f"{number:064x}", bytes=1, facts=facts)


def _digits(count: int) -> list[CheckedImage]:
    found = load_digits()
    pictures = (Image.fromarray((each * 15.9).astype(np.uint8)) for each in found.images[:count])
    large = (each.resize((28, 28), Image.Resampling.BILINEAR) for each in pictures)
    return [_image(each, int(found.target[n]), n) for n, each in enumerate(large)]


def _near(*pictures: Image.Image) -> list[tuple[int, int]]:
    return near_pairs([facts_of(each) for each in pictures])


@pytest.fixture
def photo():
    return noise(5, 300, 260)


def test_handwritten_digits_are_no_copies_of_one_another():
    """Plain small pictures agree in most cells; pixels tell them apart, also across labels."""
    found = find_duplicates(_digits(600))

    assert (found.two_labels, found.noted) == ((), ())
    assert sum(map(len, found.together)) <= 4


def test_small_plain_pictures_of_two_labels_are_used(tmp_path):
    """A folder of digits passes the check that one picture has one label."""
    found = load_digits()
    for number, label in enumerate(found.target[:60]):
        folder = tmp_path / f"digit{label}"
        folder.mkdir(exist_ok=True)
        Image.fromarray((found.images[number] * 15.9).astype(np.uint8)).save(
            folder / f"{number}.png"
        )
    manifest = check(find(tmp_path))

    require_one_label_each(manifest)
    assert len(manifest.images) == 60


@pytest.mark.parametrize("near", ["group", "note", "off"])
def test_equal_pixels_under_two_labels_are_refused(drawn, near):
    """A lossless copy in another format is the same picture, however near ones are treated."""
    Image.open(drawn / "Cat" / "cat.3.jpg").save(drawn / "Dog" / "dog.99.png")
    manifest = check(find(drawn), near_duplicates=near)

    with pytest.raises(
        DataError, match=r"two labels: Cat/cat\.3\.jpg and Dog/dog\.99\.png: remove"
    ):
        require_one_label_each(manifest)


def test_one_picture_many_times_under_two_labels_is_one_short_line(drawn):
    """One file of each label is named, and the rest counted."""
    for number in range(30):
        shutil.copy(drawn / "Cat" / "cat.3.jpg", drawn / "Dog" / f"copy.{number}.jpg")
    Image.open(drawn / "Cat" / "cat.4.jpg").save(drawn / "Dog" / "dog.99.png")

    with pytest.raises(DataError, match=r"\(and 29 more\), and 1 other picture: remove"):
        require_one_label_each(check(find(drawn)))


def test_near_copies_of_two_labels_are_noted(photo):
    """They are no error and no group: a split may separate them."""
    found = find_duplicates([_image(photo, 0, 0), _image(photo.resize((200, 190)), 1, 1)])

    assert [len(group) for group in found.noted] == [2]
    assert (found.together, found.two_labels) == ((), ())


@pytest.mark.parametrize(
    ("near", "together", "noted"), [("group", [3], []), ("note", [2], [3]), ("off", [2], [])]
)
def test_near_copies_are_grouped_noted_or_not_searched(photo, near, together, noted):
    """Equal pixels are always grouped; a resized copy as the option says."""
    images = [_image(each, 0, n) for n, each in enumerate((photo, photo, photo.resize((90, 80))))]
    found = find_duplicates(images, near)

    assert [len(group) for group in found.together] == together
    assert [len(group) for group in found.noted] == noted


@pytest.mark.parametrize(
    "change",
    [
        lambda each: each.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
        lambda each: each.crop((0, 13, 285, 260)),
        lambda each: each.crop((9, 2, 294, 249)).transpose(Image.Transpose.FLIP_LEFT_RIGHT),
        lambda each: each.resize((120, 110)),
        lambda each: each.point(lambda level: level * 0.8 + 20),
    ],
    ids=["mirrored", "cropped", "cropped and mirrored", "resized", "brighter"],
)
def test_changed_copy_is_found(photo, change):
    """A copy is found whichever comes first; another picture is not taken for it."""
    assert _near(photo, noise(6, 300, 260), change(photo)) == [(0, 2)]
    assert _near(change(photo), noise(6, 300, 260), photo) == [(0, 2)]


def test_crops_of_small_pictures_are_not_searched(photo):
    """In under 64 pixels, different pictures look like crops of each other."""
    small = photo.resize((60, 52))

    assert _near(small, small.crop((0, 2, 57, 52))) == []


def test_mark_on_equal_plates_makes_two_pictures():
    """A small local difference is what a picture of a scratch shows, not another quality."""
    levels = np.tile(np.linspace(90, 160, 256), (256, 1))
    plates = np.stack([levels, levels])
    plates[1, 100:130, 60:64] = 255
    one, other = (Image.fromarray(each.astype(np.uint8)).convert("RGB") for each in plates)

    assert _near(one, other) == []


def test_pictures_without_contrast_have_no_copies():
    """Flat pictures are compared by their pixels alone."""
    flat = [Image.new("RGB", (28, 28), (level, level, level)) for level in (10, 11, 250)]

    assert _near(*flat) == []
    assert near_pairs([Facts(width=8, height=8, difference_hash=0)] * 2) == []


def test_pairs_of_many_like_pictures_are_bounded():
    """Each picture is compared with at most four others, as it is and mirrored."""
    dots = []
    for level in range(200):
        picture = Image.new("RGB", (28, 28), "white")
        picture.putpixel((14, 9), (level, level, level))
        dots.append(picture)

    assert 0 < len(_near(*dots)) <= 200 * 4


def test_groups_of_duplicates_are_listed_in_a_few_lines(tmp_path):
    """Hundreds of copies are counted; the first few are named."""
    for kind in ("cat", "dog"):
        (tmp_path / kind).mkdir()
        for number in range(40):
            noise(number + 50 * (kind == "dog")).save(tmp_path / kind / f"{kind}.{number}.png")
            for copy in "a":
                path = tmp_path / kind / f"{kind}.{number}.png"
                shutil.copy(path, path.with_name(f"{kind}.{number}.{copy}.png"))
    console = Console(width=1000)
    with console.capture() as captured:
        console.print(render(check(find(tmp_path))))
    lines = captured.get().splitlines()

    assert len(lines) <= 20
    assert any("75 more such groups with 150 images" in line for line in lines)


def test_pixel_digest_is_of_size_and_pixels():
    """The same bytes in another shape are another picture; rows are hashed in parts."""
    wide, high = Image.new("RGB", (200, 100), "red"), Image.new("RGB", (100, 200), "red")
    marked = high.copy()
    marked.putpixel((99, 199), (0, 0, 0))

    assert len({pixel_digest(each) for each in (wide, high, marked)}) == 3
    assert pixel_digest(high) == pixel_digest(high.copy())


def test_facts_of_earlier_plans_are_read():
    """Three values, without the pixels and the sketch, are equal to the facts with both."""
    facts = facts_of(noise(1))

    assert Facts.of_plain(*facts.as_plain()) == facts
    assert Facts.of_plain(*facts.as_full()).sketch == facts.sketch
