"""Pictures that a person names: which files they are, in which order, and what is left out."""

from __future__ import annotations

import pytest
from drawn_folder import noise

from bench.data.given_pictures import read_given


@pytest.fixture
def pictures(tmp_path, monkeypatch):
    """A folder with four pictures, a damaged one, notes, and what systems leave."""
    monkeypatch.chdir(tmp_path)
    for number, name in enumerate(("b.jpg", "a.PNG", "deep/er/c.jpg", "deep/d.bmp")):
        path = tmp_path / "pics" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        noise(number).save(path)
    for name in ("@eaDir/b.jpg", "__MACOSX/b.jpg", "$RECYCLE.BIN/b.jpg", ".b.jpg", ".x/b.jpg"):
        path = tmp_path / "pics" / name
        path.parent.mkdir(exist_ok=True)
        noise(9).save(path)
    (tmp_path / "pics" / "Thumbs.db").write_bytes(b"thumbs")
    (tmp_path / "pics" / "notes.txt").write_text("notes")
    (tmp_path / "pics" / "bad.jpg").write_text("no picture")
    return tmp_path / "pics"


def _names(paths, folder):
    return [path.relative_to(folder).as_posix() for path in paths]


def test_a_folder_stands_for_all_pictures_in_it(pictures):
    """Sorted by path, with its folders; hidden files and those of systems are not looked at."""
    given = read_given([pictures])

    assert _names(given.pictures, pictures) == ["a.PNG", "b.jpg", "deep/d.bmp", "deep/er/c.jpg"]


def test_a_bad_picture_has_its_reason_beside_the_good_ones(pictures):
    """Named by its path; what is no picture by its name is counted apart."""
    given = read_given([pictures])

    (reject,) = given.rejects
    assert reject.name == str(pictures / "bad.jpg")
    assert reject.reason.startswith("not an image")
    assert _names(given.others, pictures) == ["notes.txt"]


def test_a_picture_is_read_once(pictures):
    """However it is named: alone, by another spelling of its path, in a folder given twice."""
    one = pictures / "b.jpg"
    again = pictures / "deep" / ".." / "b.jpg"
    given = read_given([one, again, pictures, pictures / "deep", one])

    assert given.pictures[0] == one
    assert _names(given.pictures[1:], pictures) == ["a.PNG", "deep/d.bmp", "deep/er/c.jpg"]


def test_two_links_are_two_pictures(pictures):
    """Each has a name of its own, so each has an answer."""
    (pictures / "deep" / "link.jpg").symlink_to(pictures / "b.jpg")
    given = read_given([pictures / "deep"])

    assert _names(given.pictures, pictures / "deep") == ["d.bmp", "er/c.jpg", "link.jpg"]


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ([], "a folder without pictures"),
        (["a.txt", "b"], "a folder without pictures: none of its 2 files is a picture"),
        ([".a.jpg"], "a folder without pictures"),
    ],
)
def test_a_folder_without_pictures_is_a_reject(tmp_path, files, reason):
    """With the number of other files that it holds."""
    for name in files:
        (tmp_path / name).write_text("text")
    (reject,) = read_given([tmp_path]).rejects

    assert (reject.name, reject.reason[: len(reason)]) == (str(tmp_path), reason)


def test_a_file_that_is_named_alone_may_have_any_name(tmp_path):
    """It is what its content says."""
    noise(1).save(tmp_path / "picture", "JPEG")

    assert read_given([tmp_path / "picture"]).pictures == (tmp_path / "picture",)


def test_a_picture_of_a_kind_that_cannot_be_read_is_a_reject(tmp_path):
    """A telephone's HEIC is a picture to its owner: never left out in silence."""
    (tmp_path / "IMG_1.HEIC").write_bytes(b"\0\0\0\x18ftypheic" + bytes(40))
    noise(1).save(tmp_path / "a.jpg")
    given = read_given([tmp_path])

    assert [reject.name for reject in given.rejects] == [str(tmp_path / "IMG_1.HEIC")]
    assert given.others == ()


@pytest.mark.parametrize("name", ["nothing.jpg", "x" * 300])
def test_what_is_not_there_is_a_reject(tmp_path, name):
    """With the system's reason."""
    (reject,) = read_given([tmp_path / name]).rejects

    assert reject.reason in ("No such file or directory", "File name too long")


def test_a_link_to_a_folder_around_it_is_named_and_not_followed(pictures):
    """It would never end."""
    (pictures / "deep" / "loop").symlink_to(pictures)
    given = read_given([pictures / "deep"])

    assert [reject.name for reject in given.rejects] == [str(pictures / "deep" / "loop")]
    assert len(given.pictures) == 2


def test_a_folder_that_cannot_be_read_is_a_reject(tmp_path, monkeypatch):
    """With the system's reason, and not as an empty one."""

    def deny(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("bench.data.folder_tree.os.scandir", deny)
    (reject,) = read_given([tmp_path]).rejects

    assert reject.reason == "Permission denied"
