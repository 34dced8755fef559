from __future__ import annotations

import shutil

import pytest
from drawn_folder import draw_folder, noise
from PIL import Image

from bench.data.check import check, require_few_rejects, require_one_label_each
from bench.data.find import find
from bench.data.manifest import as_json_value
from bench.data.picture_facts import difference_hash
from bench.data.validation_cache import ValidationCache
from registry.errors import DataError


def test_every_reject_has_a_name_and_a_reason(drawn):
    """Unreadable files are listed, the readable ones used."""
    (drawn / "Cat" / "cat.0.jpg").write_bytes(b"")
    (drawn / "Dog" / "page.jpg").write_text("<html>")

    manifest = check(find(drawn))

    assert [(reject.name, reject.reason) for reject in manifest.rejects] == [
        ("Cat/cat.0.jpg", "empty file"),
        ("Dog/page.jpg", "not an image: it looks like HTML or XML"),
    ]
    assert (manifest.count(0), manifest.count(1)) == (11, 12)


def test_check_tells_how_many_pictures_are_shown_on_white(drawn, tmp_path):
    """Also the second time, when their content is known and nothing is decoded."""
    clear = noise(1).convert("RGBA")
    clear.putalpha(Image.linear_gradient("L").resize(clear.size))
    clear.save(drawn / "Cat" / "clear.png")
    ledger = ValidationCache(tmp_path / "checked.sqlite")
    first, second = (check(find(drawn), ledger=ledger) for _ in range(2))

    assert first.notes == second.notes == (("transparent, shown on white", 1),)
    assert as_json_value(first)["notes"] == {"transparent, shown on white": 1}


def test_a_class_without_a_readable_image_is_an_error(drawn):
    """Nothing is trained on one class because the other could not be read."""
    for path in (drawn / "Dog").iterdir():
        path.write_bytes(b"")

    with pytest.raises(DataError, match="no readable image of class 'dog'"):
        check(find(drawn))


def test_identical_files_are_duplicates(drawn):
    """A copy under another name is found; pictures that differ are not."""
    shutil.copy(drawn / "Cat" / "cat.3.jpg", drawn / "Cat" / "copy.jpg")

    (group,) = check(find(drawn)).duplicates

    assert [image.file.name for image in group] == ["Cat/cat.3.jpg", "Cat/copy.jpg"]


def test_a_picture_saved_again_is_a_duplicate(tmp_path):
    """Another quality and size changes every byte, but not what the picture is."""
    folder = draw_folder(tmp_path / "drawn")
    picture = Image.open(folder / "Dog" / "dog.1.jpg")
    picture.resize((96, 80)).save(folder / "Dog" / "again.jpg", quality=60)

    (group,) = check(find(folder)).duplicates

    assert {image.file.name for image in group} == {"Dog/again.jpg", "Dog/dog.1.jpg"}


def test_different_pictures_have_distant_hashes():
    """The hash does not call everything the same."""
    distance = (difference_hash(noise(1)) ^ difference_hash(noise(2))).bit_count()

    assert distance > 60


def test_one_picture_under_two_labels_is_refused(drawn):
    """A wrong label would be trained and tested on; both files are named."""
    shutil.copy(drawn / "Cat" / "cat.3.jpg", drawn / "Dog" / "dog.99.jpg")

    with pytest.raises(DataError, match=r"Cat/cat\.3\.jpg and Dog/dog\.99\.jpg"):
        require_one_label_each(check(find(drawn)))


def test_many_rejects_are_an_error_that_names_them(drawn):
    """A folder gone wrong is not trained on in silence; the first three are named."""
    for number in range(4):
        (drawn / "Cat" / f"cat.{number}.jpg").write_bytes(b"")

    with pytest.raises(
        DataError, match=r"4 of 24 .*16\.7%, allowed 1%.*cat\.0\.jpg \(empty file\)"
    ):
        require_few_rejects(check(find(drawn)))


def test_few_rejects_pass(drawn):
    """At most the allowed share is no error; nor is a file that does not claim to be an image."""
    (drawn / "Cat" / "cat.0.jpg").write_bytes(b"")
    for number in range(30):
        (drawn / "Dog" / f"notes.{number}.txt").touch()
    manifest = check(find(drawn))

    require_few_rejects(manifest, share=0.05)
    with pytest.raises(DataError, match="1 of 24"):
        require_few_rejects(manifest, share=0.04)


def test_folders_that_look_like_images_are_named(drawn):
    """A folder or a link with an image's name is listed, not passed over."""
    (drawn / "Cat" / "folder.jpg").mkdir()
    (drawn / "Cat" / "other").symlink_to(drawn / "Dog")
    (drawn / "Cat" / "nowhere.jpg").symlink_to(drawn / "nothing")

    assert [(reject.name, reject.reason) for reject in check(find(drawn)).rejects] == [
        ("Cat/folder.jpg", "a folder with an image's name"),
        ("Cat/nowhere.jpg", "a broken link"),
        ("Cat/other", "a link to a folder that is read already"),
    ]


@pytest.mark.photographs
def test_the_chapters_one_pair_of_duplicates_is_found(chapter_photographs):
    """dog.74 and dog.180 are one picture, which a digest of the bytes misses; nothing else is.

    And the strict decoder refuses none of the 502.
    """
    manifest = check(find(chapter_photographs))

    assert [[image.file.name for image in group] for group in manifest.duplicates] == [
        ["Dog/dog.180.jpg", "Dog/dog.74.jpg"]
    ]
    assert (manifest.count(0), manifest.count(1), manifest.rejects) == (251, 251, ())


@pytest.mark.photographs
def test_every_real_photograph_is_used(many_photographs):
    """The strict decoder refuses none of 2,002 photographs, and takes only two for one."""
    manifest = check(find(many_photographs))

    assert (len(manifest.images), manifest.rejects, manifest.noted) == (2002, (), ())
    assert [[image.file.name for image in group] for group in manifest.duplicates] == [
        ["Dog/dog.180.jpg", "Dog/dog.74.jpg"]
    ]


def test_a_class_of_unread_formats_is_refused_with_the_reason(drawn):
    """A folder of HEIC pictures is no class to train without: format and remedy are named."""
    for path in (drawn / "Dog").iterdir():
        path.unlink()
    for number in range(3):
        heic = b"\0\0\0\x18ftypheic" + bytes(40)
        (drawn / "Dog" / f"IMG_{number}.HEIC").write_bytes(heic)

    with pytest.raises(DataError, match=r"class 'dog' .*IMG_0.HEIC \(HEIC, .* for 3 files"):
        check(find(drawn))


def test_images_of_unread_formats_count_as_rejects(drawn):
    """One HEIC among 24 JPEGs is more than 1 %: nobody trains without it by chance."""
    (drawn / "Dog" / "IMG_0.HEIC").write_bytes(b"\0\0\0\x18ftypheic" + bytes(40))

    with pytest.raises(DataError, match=r"1 of 25 image files .*\(HEIC, which"):
        require_few_rejects(check(find(drawn)))
