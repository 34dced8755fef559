"""What a power cut leaves: nothing has a name before it is on the disk, and the name is, too."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest

from bench.data.pixel_file import write_pixel_file
from bench.system.atomic_files import put_folder_in_place, write_text


@pytest.fixture
def steps(monkeypatch):
    """What is synced and what is named, in order: `sync NAME`, `name NAME`."""
    found = []
    fsync, replace = os.fsync, Path.replace

    def synced(descriptor):
        found.append(f"sync {Path(f'/proc/self/fd/{descriptor}').readlink().name}")
        fsync(descriptor)

    def named(path, target):
        found.append(f"name {Path(path).name}")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", named)
    return found


def test_a_file_is_synced_before_it_has_its_name_and_its_folder_after(steps, tmp_path):
    """In another order a power cut could leave the new name with nothing in it, or the old one."""
    write_text(tmp_path / "runs.json", "{}")
    partial = steps[0].removeprefix("sync ")

    assert steps == [f"sync {partial}", f"name {partial}", f"sync {tmp_path.name}"]
    assert partial != "runs.json"


def test_pixels_are_synced_before_they_have_their_name(steps, tmp_path):
    """Several threads write them, by other code than that of small files."""
    picture = np.zeros((2, 2, 3), np.uint8)
    write_pixel_file(tmp_path / "a", bytes(32), [picture.shape], lambda _: picture, threads=1)

    assert [step.partition(" ")[0] for step in steps] == ["sync", "name", "sync"]
    assert steps[2] == f"sync {tmp_path.name}"


def test_a_link_at_the_temporary_name_is_not_followed(tmp_path):
    """Somebody who made the folder could otherwise have any file of the user written."""
    write_text(tmp_path / "mine", "mine")
    name = hashlib.sha256(b"config.json").hexdigest()[:16]
    (tmp_path / f".{name}.partial").symlink_to(tmp_path / "mine")
    write_text(tmp_path / "config.json", "{}")

    assert (tmp_path / "mine").read_text() == "mine"
    assert (tmp_path / "config.json").read_text() == "{}"


def test_a_folder_takes_the_place_of_an_empty_one(tmp_path):
    """On every system; one with content stays."""
    for name in ("draft", "full"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").touch()
    (tmp_path / "empty").mkdir()
    with pytest.raises(OSError, match="full"):
        put_folder_in_place(tmp_path / "draft", tmp_path / "full")
    put_folder_in_place(tmp_path / "draft", tmp_path / "empty")

    assert (tmp_path / "empty" / "file").is_file()
