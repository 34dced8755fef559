from __future__ import annotations

import errno
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from drawn_folder import draw_folder, noise
from warm import warm

from bench.data import pixel_cache, pixel_source
from bench.data.check import check
from bench.data.find import find
from bench.data.pixel_cache import open_pixel_cache
from bench.data.pixel_file import write_pixel_file
from bench.data.pixel_source import DirectPixels
from bench.data.validation_cache import ValidationCache
from registry.errors import DataError

_SHAPE = (3, 32, 32)
_BUILDER = """
import sys
from pathlib import Path
from bench.data.check import check
from bench.data.find import find
from bench.data.pixel_cache import open_pixel_cache
from bench.data.pixel_source import DirectPixels
from bench.runs.progress import Progress

images = check(find(Path(sys.argv[1]))).images
print("begun", flush=True)
source = open_pixel_cache(images, images, [(3, 32, 32)], folder=Path(sys.argv[2]), threads=2,
                      report=Progress(shown=False))
direct = DirectPixels()
assert all((source.full(i.file) == direct.full(i.file)).all() for i in images)
print("right", flush=True)
"""


class Reporter:
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.lines = []
        self.counted = 0

    def say(self, text):
        """Hear one line."""
        self.lines.append(text)

    @contextmanager
    def counting(self, what, total):
        """Count."""
        yield SimpleNamespace(update=self._count)

    def _count(self):
        self.counted += 1


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of 24 images, which no test changes."""
    return draw_folder(tmp_path_factory.mktemp("images") / "drawn")


@pytest.fixture(scope="module")
def images(folder):
    """Its checked images."""
    return check(find(folder)).images


@pytest.fixture
def source_of(images, tmp_path):
    """Makes a source of the images, all of them validated, from one cache folder."""

    def make(report=None, folder=tmp_path / "cache"):
        return open_pixel_cache(
            images, images, [_SHAPE], folder=folder, threads=2, report=report or Reporter()
        )

    return make


def _right(source, images):
    direct = DirectPixels()
    return all(
        np.array_equal(source.full(image.file), direct.full(image.file))
        and np.array_equal(source.centre(image.file, _SHAPE), direct.centre(image.file, _SHAPE))
        for image in images
    )


def _counted_decodes(monkeypatch):
    calls = []
    decode, examine = pixel_source.decode_content, sys.modules["bench.data.check"].examine
    monkeypatch.setattr(
        pixel_source, "decode_content", lambda content: calls.append(1) or decode(content)
    )
    monkeypatch.setattr(
        "bench.data.check.examine",
        lambda files, **how: calls.extend(files) or examine(files, **how),
    )
    return calls


def test_open_pixel_cache_are_the_decoded_ones(source_of, images):
    """Whole pictures and centres, the first time and when the files are there."""
    assert _right(source_of(), images)
    assert _right(source_of(), images)


def test_a_second_source_decodes_only_a_sample(source_of, images, monkeypatch):
    """What is in the files is not decoded, nor written, again, but for eight images to compare."""
    source_of()
    decodes = _counted_decodes(monkeypatch)
    report = Reporter()
    source = source_of(report)
    for image in images:
        source.full(image.file)
        source.centre(image.file, _SHAPE)

    assert (len(decodes), report.counted, report.lines) == (8, 0, [])


def test_the_counter_counts(source_of, monkeypatch):
    """The test above can fail: the first source decodes each image once."""
    decodes = _counted_decodes(monkeypatch)
    source_of()

    assert len(decodes) == 24


def test_a_second_check_decodes_nothing(drawn, tmp_path, monkeypatch):
    """A ledger knows content by its digest, wherever the folder lies."""
    ledger = ValidationCache(tmp_path / "checked.sqlite")
    first = check(find(drawn), ledger=ledger)
    decodes = _counted_decodes(monkeypatch)

    assert check(find(drawn), ledger=ledger) == first
    assert decodes == []


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\0 and no more", b"x" * 5000])
def test_a_damaged_ledger_is_begun_anew(drawn, tmp_path, content):
    """It costs a decode, not a comparison."""
    path = tmp_path / "checked.sqlite"
    path.write_bytes(content)
    first = check(find(drawn), ledger=ValidationCache(path))

    digests = [image.sha256 for image in first.images]

    assert first == check(find(drawn))
    assert len(ValidationCache(path).read(digests)) in (0, 24)
    check(find(drawn), ledger=ValidationCache(path))
    assert len(ValidationCache(path).read(digests)) == 24


def test_a_ledger_that_cannot_be_written_is_done_without(drawn, tmp_path):
    """A file in the folder's place changes nothing."""
    (tmp_path / "file").touch()

    assert check(find(drawn), ledger=ValidationCache(tmp_path / "file" / "checked.sqlite")).images


def test_equal_content_is_kept_once(tmp_path):
    """Two files of one content share their pixels; other names change no cache."""
    folder = draw_folder(tmp_path / "drawn", each=8)
    (folder / "Cat" / "cat.0.jpg").rename(folder / "Cat" / "cat.99.jpg")
    report = Reporter()
    images = check(find(folder)).images
    open_pixel_cache(images, (), (), folder=tmp_path / "cache", threads=1, report=report)
    (folder / "Cat" / "cat.99.jpg").rename(folder / "Cat" / "cat.0.jpg")
    images = check(find(folder)).images
    source = open_pixel_cache(images, (), (), folder=tmp_path / "cache", threads=1, report=report)

    assert report.counted == 16
    assert _right(source, images)


def test_a_flipped_byte_is_decoded_anew_and_written_anew(source_of, images, tmp_path, monkeypatch):
    """The altered image is right all the same, it is said once, the next run has a new file."""
    monkeypatch.setattr(pixel_cache, "_SAMPLE", 0)  # it would find the image when it is in it
    source_of()
    (path,) = (tmp_path / "cache").glob("whole-*.pixels")
    data = bytearray(path.read_bytes())
    data[-5] ^= 1
    path.write_bytes(data)
    report = Reporter()
    source = source_of(report)

    assert _right(source, images)
    assert _right(source, images)
    assert len(report.lines) == 1
    assert "is damaged" in report.lines[0]
    again = Reporter()
    assert _right(source_of(again), images)
    assert (again.counted, again.lines) == (24, [])


def test_a_truncated_file_is_written_anew(source_of, images, tmp_path):
    """It is noticed when it is opened."""
    source_of()
    (path,) = (tmp_path / "cache").glob("whole-*.pixels")
    path.write_bytes(path.read_bytes()[:-1])
    report = Reporter()

    assert _right(source_of(report), images)
    assert report.counted == 24


def test_too_little_memory_is_said(source_of, images, monkeypatch):
    """Over 60 % of the free memory, each image is decoded when it is needed."""
    monkeypatch.setattr(pixel_cache, "available_bytes", lambda: 200_000)
    report = Reporter()
    source = source_of(report)

    assert "exceed 60% of the 0.2 MB of free memory" in report.lines[0]
    assert report.counted == 24  # the centres are small enough
    assert _right(source, images)


def test_a_folder_that_cannot_be_made_is_said(source_of, images, tmp_path):
    """A file stands in its place: the pixels are right, and one line a file says why."""
    (tmp_path / "file").touch()
    report = Reporter()
    source = source_of(report, tmp_path / "file" / "cache")

    assert _right(source, images)
    assert all("no pixel cache: cannot store" in line for line in report.lines)
    assert "Not a directory" in report.lines[0]


@pytest.mark.parametrize("code", [errno.EROFS, errno.ENOSPC, errno.EDQUOT])
def test_a_disk_that_takes_nothing_is_said(source_of, images, monkeypatch, tmp_path, code):
    """Read-only, full or over a quota: right pixels, the reason, no file left."""

    def refuse(*_):
        raise OSError(code, "no writing here")

    monkeypatch.setattr("bench.data.pixel_file.os.posix_fallocate", refuse)
    report = Reporter()

    assert _right(source_of(report), images)
    assert "(no writing here)" in report.lines[0]
    assert [path.suffix for path in (tmp_path / "cache").iterdir()] == [".lock", ".lock"]


def test_what_a_killed_builder_left_is_removed(folder, source_of, images, tmp_path):
    """The next builder is not stopped by a dead one's lock, and clears its partial file."""
    cache = tmp_path / "cache"
    reading, writing = os.pipe()
    builder = warm().start(
        ["-c", _BUILDER, folder, cache], stdout=writing, stderr=sys.__stderr__.fileno()
    )
    os.close(writing)
    with os.fdopen(reading) as told:
        told.readline()
        while not cache.exists() and builder.poll() is None:
            time.sleep(0.0005)
        builder.kill()
        builder.wait()
    os.close(builder.output)
    builder.close()
    source = source_of()

    assert _right(source, images)
    assert not [path for path in cache.iterdir() if path.name.startswith(".")]


def test_builders_at_once_all_end_well(folder, tmp_path):
    """Three give the same pixels, and leave one file of each kind."""
    with ThreadPoolExecutor(3) as pool:
        command = ["-c", _BUILDER, folder, tmp_path / "cache"]
        told = list(pool.map(warm().run, [command] * 3))

    assert [each.stdout for each in told] == ["begun\nright\n"] * 3, told[0].stderr
    assert len(list((tmp_path / "cache").glob("*.pixels"))) == 2


def test_an_image_that_changes_under_us_is_an_error(images, tmp_path):
    """What is kept under a digest is what has that digest."""
    changed = replace(images[3], file=images[4].file)

    with pytest.raises(Exception, match=r"Cat/cat\.\d+\.jpg changed after it was checked"):
        open_pixel_cache(
            [*images[:3], changed], (), (), folder=tmp_path, threads=2, report=Reporter()
        )


def test_an_image_that_is_in_no_file_is_decoded(images, tmp_path):
    """A source can be asked for any image."""
    source = open_pixel_cache(
        images[:5], (), (), folder=tmp_path / "cache", threads=1, report=Reporter()
    )

    assert _right(source, images)


def test_the_whole_command_decodes_a_sample_the_second_time(folder, tmp_path, monkeypatch):
    """Check, training, validation, test and figures: a second run decodes eight images."""
    import bench

    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    decodes = _counted_decodes(monkeypatch)

    def run():
        decodes.clear()
        given = {"epochs": 1, "progress": False, "runs": tmp_path / "runs", "isolate": False}
        bench.run(["lenet5"], folder, **given)
        return len(decodes)

    assert run() == 2 * 24  # once to check them, once to keep their pixels
    assert run() == 8


def test_another_decoder_decodes_anew(source_of, monkeypatch):
    """What an earlier version made of a photograph is not what this one makes of it."""
    source_of()
    monkeypatch.setattr(pixel_cache, "DECODER_VERSION", pixel_cache.DECODER_VERSION + 1)
    report = Reporter()
    source_of(report)

    assert report.counted == 2 * 24


def test_another_decoder_checks_anew(drawn, tmp_path, monkeypatch):
    """A ledger's verdicts are those of the decoder that gave them."""
    ledger = ValidationCache(tmp_path / "checked.sqlite")
    check(find(drawn), ledger=ledger)
    monkeypatch.setattr("bench.data.validation_cache._VERSION", "another")
    decodes = _counted_decodes(monkeypatch)
    check(find(drawn), ledger=ledger)

    assert len(decodes) == 24


def test_a_sound_file_of_other_pixels_is_written_anew(source_of, images, tmp_path):
    """Black pictures under the right key, with the right digests of black: a sample tells."""
    source_of()
    (path,) = (tmp_path / "cache").glob("whole-*.pixels")
    _blacken(path, images)
    report = Reporter()

    assert _right(source_of(report), images)
    assert [line for line in report.lines if "its pixels are not those of the images" in line]
    assert report.counted == 24


def _blacken(path, images):
    key, shapes = path.read_bytes()[8:40], [image.shape for image in images]  # all of one shape
    write_pixel_file(path, key, shapes, lambda n: np.zeros(shapes[n], np.uint8), threads=1)


@pytest.mark.parametrize("harm", [lambda path: path.chmod(0o666), lambda path: _linked(path)])
def test_a_file_that_others_may_have_written_is_written_anew(source_of, images, tmp_path, harm):
    """It is said once, with the reason; the new one is this user's alone."""
    source_of()
    (path,) = (tmp_path / "cache").glob("whole-*.pixels")
    harm(path)
    report = Reporter()

    assert _right(source_of(report), images)
    assert len(report.lines) == 1
    assert "is not used (" in report.lines[0]
    assert path.lstat().st_mode & 0o777 == 0o600


def _linked(path):
    path.rename(path.with_suffix(".elsewhere"))
    path.symlink_to(path.with_suffix(".elsewhere"))


def test_a_folder_that_others_can_write_holds_no_cache(source_of, images, tmp_path):
    """It is said once, nothing is written, and the pixels are right."""
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache").chmod(0o777)
    report = Reporter()

    assert _right(source_of(report), images)
    assert len(report.lines) == 1
    assert "other users can write to it, so each image is decoded every time" in report.lines[0]
    assert list((tmp_path / "cache").iterdir()) == []


def test_files_replaced_before_a_trial_opens_them_are_not_used(source_of, images, tmp_path):
    """The trial decodes, and says so."""
    plain = source_of().as_plain()
    (path,) = (tmp_path / "cache").glob("whole-*.pixels")
    _blacken(path, images)
    report = Reporter()
    source = pixel_cache.CachedPixels.reopened(plain, DirectPixels.of(images), report)

    assert _right(source, images)
    assert "(replaced since the run began): decoding instead" in report.lines[0]


def test_what_replaces_a_damaged_cache_is_the_checked_image(tmp_path):
    """With cache and image altered, the image is refused by name."""
    images = check(find(draw_folder(tmp_path / "drawn", each=2))).images
    source = open_pixel_cache(images, (), (), folder=tmp_path, threads=1, report=Reporter())
    (path,) = tmp_path.glob("whole-*.pixels")
    os.truncate(path, 100)
    noise(99).save(images[0].file.path)

    with pytest.raises(DataError, match=r"cat\.0\.jpg changed after it was checked"):
        source.full(images[0].file)


def test_a_ledger_of_another_user_is_not_read(drawn, tmp_path, monkeypatch):
    """All images are examined again."""
    ledger = ValidationCache(tmp_path / "checked.sqlite")
    first = check(find(drawn), ledger=ledger)
    monkeypatch.setattr("bench.system.own_files.os.geteuid", lambda: 12345)
    decodes = _counted_decodes(monkeypatch)

    assert check(find(drawn), ledger=ledger) == first
    assert len(decodes) == 24
