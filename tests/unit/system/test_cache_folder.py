from __future__ import annotations

import os

import pytest

from bench.data.synthetic import synthetic_folder
from bench.system.cache_folder import cache_folder, clear_cache, own_cache_folder
from registry.errors import DataError


@pytest.fixture
def asked(tmp_path, monkeypatch):
    """The folder in $ZOO_CACHE, which does not exist yet."""
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def _of_another_user(monkeypatch):
    monkeypatch.setattr("bench.system.own_files.os.geteuid", lambda: 12345)


def test_a_new_cache_folder_is_for_this_user_alone(asked):
    """Whatever the mask for new files says."""
    before = os.umask(0)
    try:
        assert own_cache_folder() == asked
    finally:
        os.umask(before)
    assert asked.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o775])
def test_in_a_shared_folder_the_cache_is_a_folder_of_ones_own(asked, mode):
    """As for $ZOO_CACHE=/tmp: nobody else can write to it, and nothing is said."""
    asked.mkdir()
    asked.chmod(mode)
    said = []
    folder = own_cache_folder(said.append)

    assert folder == asked / f"zoo-{os.geteuid()}"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert said == []
    assert cache_folder() == folder


def test_in_another_users_folder_the_cache_is_a_folder_of_ones_own(asked, monkeypatch):
    """As for root with a user's home."""
    asked.mkdir()
    _of_another_user(monkeypatch)

    assert cache_folder() == asked / "zoo-12345"


def test_a_cache_folder_made_by_another_user_is_not_used(asked, monkeypatch):
    """One line says so; this also holds where a file server changes all owners."""
    _of_another_user(monkeypatch)
    said = []

    assert own_cache_folder(said.append) is None
    assert len(said) == 1
    assert said[0].startswith(f"no cache: {asked}: it belongs to the user number ")
    assert said[0].endswith(", you are 12345; set $ZOO_CACHE to a folder of your own")


def test_a_link_to_a_folder_of_ones_own_is_a_cache_folder(asked, tmp_path):
    """As for a home with little room."""
    (tmp_path / "elsewhere").mkdir(0o700)
    asked.symlink_to(tmp_path / "elsewhere")

    assert own_cache_folder() == asked


def test_a_folder_that_cannot_be_made_is_left_to_its_writer(tmp_path, monkeypatch):
    """A file in its place: no crash here, and whoever writes there says why that fails."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "file" / "cache"))

    assert own_cache_folder() == tmp_path / "file" / "cache"


def test_drawings_of_another_user_are_not_used(asked, monkeypatch):
    """They could be any pictures, and there is no other place for them."""
    _of_another_user(monkeypatch)

    with pytest.raises(DataError, match=r"^nowhere to write the drawings: no cache: .*ZOO_CACHE"):
        synthetic_folder()


def test_clearing_removes_no_file_of_the_user(asked):
    """Neither beside our files, nor behind a link."""
    own = [asked / "pixels" / f"whole-{'0' * 16}.pixels", asked / "checked.sqlite"]
    users = [asked / "pixels" / "notes.txt", asked / "synthetic-v2" / "mine.jpg", asked / "a.txt"]
    for path in (*own, *users):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("content")
    other = asked.parent / "other"
    other.mkdir()
    (other / f"{'0' * 32}.json").write_text("mine")
    (asked / "layouts").symlink_to(other)
    clear_cache(asked)

    assert not [path for path in own if path.exists()]
    assert all(path.exists() for path in users)
    assert (other / f"{'0' * 32}.json").exists()
