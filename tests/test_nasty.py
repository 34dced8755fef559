from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from nasty import nasty_files, write_nasty_folder

from bench.data.check import check
from bench.data.decode import decode
from bench.data.find import find
from bench.report.display import display
from bench.report.manifest import as_json_value

_TOLERANCE = 30  # of 255: JPEG of large flat quarters
_CHECK = """
import json, resource, sys
from pathlib import Path
from bench.data.check import check
from bench.data.find import find
check(find(Path(sys.argv[1])))
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)
"""


@pytest.fixture(scope="module")
def nasty(tmp_path_factory):
    """The folder of nasty files."""
    folder = tmp_path_factory.mktemp("nasty") / "images"
    write_nasty_folder(folder)
    return folder


@pytest.fixture(scope="module")
def timed_manifest(nasty):
    """Its manifest, made once, and the seconds between two files of one thread at most."""
    last, gaps = {}, [0.0]

    def tick():
        thread, now = threading.get_ident(), time.monotonic()
        gaps.append(now - last.get(thread, begun))
        last[thread] = now

    begun = time.monotonic()
    manifest = check(find(nasty), on_image=tick)
    return manifest, max(gaps)


@pytest.fixture(scope="module")
def manifest(timed_manifest):
    """The manifest of the nasty files."""
    return timed_manifest[0]


def _quarters(picture):
    levels = np.asarray(picture)
    height, width = levels.shape[:2]
    top, left = slice(0, max(1, height // 2)), slice(0, max(1, width // 2))
    bottom, right = slice(height // 2, None), slice(width // 2, None)
    parts = [levels[top, left], levels[top, right], levels[bottom, left], levels[bottom, right]]
    return np.array([part.mean((0, 1)) for part in parts])


def test_there_are_many_kinds():
    """Each under a name of its own, and made alike each time."""
    names = [file.name for file in nasty_files()]

    assert len(names) == len(set(names)) > 150
    assert [file.make for file in nasty_files() if isinstance(file.make, bytes)] == [
        file.make for file in nasty_files() if isinstance(file.make, bytes)
    ]


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


@pytest.mark.parametrize("file", nasty_files(), ids=lambda file: ascii(file.name)[:60])
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


def test_no_nasty_file_takes_ten_seconds(timed_manifest):
    """From one file to the next in one thread, the one that never ends included."""
    assert 1 < timed_manifest[1] < 10


def test_nasty_files_never_take_a_gigabyte(nasty):
    """Of resident memory, in the largest process of a whole check."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    (nasty / "Cat" / "many-scans.jpg").rename(nasty / "many-scans")  # it has been waited for
    done = subprocess.run(
        [sys.executable, "-c", _CHECK, str(nasty)],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    (nasty / "many-scans").rename(nasty / "Cat" / "many-scans.jpg")

    assert 3e8 < int(done.stdout) < 1e9


def test_what_is_told_of_nasty_files_is_plain(manifest):
    """Names and reasons reach a terminal and JSON without a control character."""
    for reject in manifest.rejects:
        shown = display(f"{reject.name}: {reject.reason}")
        assert shown.isprintable()
        assert "\n" not in reject.reason
        assert 0 < len(reject.reason) < 300
    assert json.dumps(as_json_value(manifest)).isascii()


@pytest.mark.photographs
def test_no_real_photograph_is_refused(chapter_photographs, many_photographs):
    """502 of 502 and 2,002 of 2,002, by the decoder that refuses all of the above."""
    for folder, count in ((chapter_photographs, 502), (many_photographs, 2002)):
        manifest = check(find(folder))
        assert (len(manifest.images), manifest.rejects) == (count, ())
