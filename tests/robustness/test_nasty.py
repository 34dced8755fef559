from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
from nasty import nasty_files, write_nasty_folder

from bench.data.decode import decode
from bench.data.decode_pool import SECONDS_PER_FILE, examine
from bench.data.manifest import as_json_value
from bench.system.display import display

_TOLERANCE = 30  # of 255: JPEG of large flat quarters
_LARGE = 1000  # of more pixels a side, some are looked at
_CHECK = """
import pickle, resource, sys
from pathlib import Path
from bench.data.check import check
from bench.data.find import find
manifest = check(find(Path(sys.argv[1])), seconds=300)  # however busy the machine is
most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
Path(sys.argv[2]).write_bytes(pickle.dumps((manifest, most)))
"""
_FILES = nasty_files()
(_ENDLESS,) = (file for file in _FILES if file.name == "many-scans.jpg")
_ENDING = [file for file in _FILES if file is not _ENDLESS]


@pytest.fixture(scope="module")
def nasty(tmp_path_factory):
    """The folder of nasty files, but for the one that takes minutes."""
    folder = tmp_path_factory.mktemp("nasty") / "images"
    write_nasty_folder(folder, _ENDING)
    return folder


@pytest.fixture(scope="module")
def checked(nasty):
    """Its manifest, made once, and the most memory that any process took for that, in bytes."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    told = nasty.parent / "told"
    command = [sys.executable, "-c", _CHECK, str(nasty), str(told)]
    subprocess.run(command, check=True, env=environment)
    return pickle.loads(told.read_bytes())


@pytest.fixture(scope="module")
def manifest(checked):
    """The manifest of the nasty files."""
    return checked[0]


def _quarters(picture):
    step = 1 + min(picture.size) // _LARGE
    levels = np.asarray(picture)[::step, ::step]
    height, width = levels.shape[:2]
    top, left = slice(0, max(1, height // 2)), slice(0, max(1, width // 2))
    bottom, right = slice(height // 2, None), slice(width // 2, None)
    parts = [levels[top, left], levels[top, right], levels[bottom, left], levels[bottom, right]]
    return np.array([part.mean((0, 1)) for part in parts])


def test_there_are_many_kinds():
    """Each under a name of its own, and made alike each time."""
    names = [file.name for file in _FILES]
    again = [file.make for file in nasty_files() if isinstance(file.make, bytes)]

    assert len(names) == len(set(names)) > 150
    assert again == [file.make for file in _FILES if isinstance(file.make, bytes)]


def test_every_nasty_file_is_used_or_named(nasty, manifest):
    """None is lost: what lies in the folder is an image or a reject, never both."""
    images = {image.file.name for image in manifest.images}
    rejects = {reject.name for reject in manifest.rejects}
    there = {
        os.path.relpath(os.path.join(parent, name), nasty)  # noqa: PTH118
        for parent, folders, names in os.walk(nasty)
        for name in [*folders, *names]
    } - {"Cat", "Dog"}

    assert not images & rejects
    assert images | rejects == there


@pytest.mark.parametrize("file", _ENDING, ids=lambda file: ascii(file.name)[:60])
def test_each_nasty_file_is_what_it_must_be(nasty, manifest, file):
    """A picture of the right size with the right colours where they belong, or its reason."""
    images = {image.file.name: image for image in manifest.images}
    reasons = {reject.name: reject.reason for reject in manifest.rejects}
    name = f"Cat/{file.name}"

    if file.reason is not None:
        assert file.reason in reasons[name]
        return
    image = images[name]
    picture = decode(image.file.path)
    assert (picture.mode, picture.size) == ("RGB", file.size)
    assert (image.facts.width, image.facts.height) == file.size
    if file.colours is not None:
        assert np.abs(_quarters(picture) - np.array(file.colours)).max() < _TOLERANCE


def test_a_nasty_file_that_takes_minutes_is_given_up(tmp_path):
    """After its CPU time, which is under ten seconds where nothing else is said."""
    _ENDLESS.write(tmp_path / _ENDLESS.name)
    (found,) = examine([tmp_path / _ENDLESS.name], seconds=0.5)

    assert _ENDLESS.reason in found.verdict.reason == "took over 0.5 s of CPU time to decode"
    assert SECONDS_PER_FILE < 10


def test_nasty_files_never_take_a_gigabyte(checked):
    """Of resident memory, in the largest process of a whole check."""
    assert 3e8 < checked[1] < 1e9


def test_what_is_told_of_nasty_files_is_plain(manifest):
    """Names and reasons reach a terminal and JSON without a control character."""
    for reject in manifest.rejects:
        shown = display(f"{reject.name}: {reject.reason}")
        assert shown.isprintable()
        assert "\n" not in reject.reason
        assert 0 < len(reject.reason) < 300
    assert json.dumps(as_json_value(manifest)).isascii()
