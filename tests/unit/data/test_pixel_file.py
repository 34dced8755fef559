from __future__ import annotations

import errno
import os
import random
import resource
import signal
import time

import numpy as np
import pytest
from warm import warm

from bench.data.pixel_file import (
    DamagedPixelsError,
    PixelFile,
    image_offsets,
    write_pixel_file,
)
from bench.system.own_files import ForeignFileError
from registry.errors import DataError

_KEY = b"k" * 32
_SHAPES = [(5, 7, 3), (1, 1, 1), (64, 48, 3), (9, 9, 1)]
_WRITER = """
import os, signal, sys, threading
from pathlib import Path
import numpy as np
from bench.data.pixel_file import write_pixel_file

moment, seen = int(sys.argv[2]), 0

def count(*event):
    global seen
    seen += 1
    if seen == moment:
        os.kill(os.getpid(), signal.SIGKILL)

def make(number):
    return np.full((64, 64, 3), number, np.uint8)

threading.setprofile(count)
sys.setprofile(count)
write_pixel_file(Path(sys.argv[1]), b"k" * 32, [(64, 64, 3)] * 20, make, threads=2)
sys.setprofile(None)
print(seen)
"""


def _make(number):
    return np.random.default_rng(number).integers(0, 256, _SHAPES[number], dtype=np.uint8)


@pytest.fixture
def written(tmp_path):
    """A file of four images."""
    path = tmp_path / "four.pixels"
    write_pixel_file(path, _KEY, _SHAPES, _make, threads=2)
    return path


def test_what_was_written_is_read(written):
    """Every image has its shape and its bytes; the file has the size that was foretold."""
    file = PixelFile(written, _KEY)

    for number in range(len(_SHAPES)):
        assert np.array_equal(file.read(number), _make(number))
    assert written.stat().st_size == image_offsets(_SHAPES)[1]


def test_pixels_cannot_be_written_to(written):
    """Nobody changes what others read."""
    with pytest.raises(ValueError, match="read-only"):
        PixelFile(written, _KEY).read(0)[0, 0, 0] = 1


def test_another_key_is_not_opened(written):
    """A file of other images is never taken for these."""
    with pytest.raises(DamagedPixelsError, match="not a pixel cache of these images"):
        PixelFile(written, b"x" * 32)


@pytest.mark.parametrize("size", [0, 10, 70, 100, 5000])
def test_a_truncated_file_is_noticed(written, size):
    """Cut anywhere, it is not opened."""
    os.truncate(written, size)

    with pytest.raises(DamagedPixelsError, match="truncated"):
        PixelFile(written, _KEY)


def test_a_flipped_byte_is_noticed_wherever_it_lies(written):
    """Each byte of header, index and pixels, changed alone, is told at opening or reading."""
    good = written.read_bytes()
    chance = random.Random(0)
    positions = set(range(300)) | {chance.randrange(len(good)) for _ in range(100)}
    for position in sorted(positions):
        data = bytearray(good)
        data[position] ^= 0x10
        written.write_bytes(data)

        assert _damaged(written) or _is_padding(position), position


def _damaged(path):
    try:
        file = PixelFile(path, _KEY)
        for number in range(len(_SHAPES)):
            file.read(number)
    except DamagedPixelsError:
        return True
    return False


def _is_padding(position):
    """Is the byte between two images, which nobody reads."""
    end = 88 + 52 * len(_SHAPES)
    for height, width, channels in _SHAPES:
        start = -(-end // 64) * 64
        if end <= position < start:
            return True
        end = start + height * width * channels
    return False


@pytest.fixture
def settled(written):
    """The file of four images, old enough that a change must show in its times."""
    PixelFile(written, _KEY)
    old = time.time_ns() - 10**12
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bench.data.pixel_file.time.time_ns", lambda: old + 2 * 10**12)
        yield written


def test_an_image_altered_after_its_first_read_is_noticed(settled):
    """Even with the file's time of change set back; the other images are still read."""
    file, before = PixelFile(settled, _KEY), settled.stat()
    file.read(3)
    _alter_last_byte(settled)
    os.utime(settled, ns=(before.st_atime_ns, before.st_mtime_ns))

    with pytest.raises(DamagedPixelsError, match="image 3 is altered"):
        file.read(3)
    assert np.array_equal(file.read(2), _make(2))


def _alter_last_byte(path):
    with path.open("r+b") as opened:
        opened.seek(-1, os.SEEK_END)
        opened.write(bytes([1 ^ _make(3).flat[-1]]))


def test_a_change_within_the_clocks_coarseness_is_noticed(written):
    """A file that has just been written is compared at each read: its times may stay equal."""
    file = PixelFile(written, _KEY)
    file.read(3)
    _alter_last_byte(written)
    file._opened = file._state()

    with pytest.raises(DamagedPixelsError, match="image 3 is altered"):
        file.read(3)


def test_an_unchanged_image_is_compared_once(settled, monkeypatch):
    """Later reads cost a copy."""
    file = PixelFile(settled, _KEY)
    file.read(2)
    monkeypatch.setattr("bench.data.pixel_file.hashlib", None)

    assert np.array_equal(file.read(2), _make(2))


def test_a_file_cut_while_it_is_open_is_an_error(written):
    """A memory map would end the process by a signal."""
    file = PixelFile(written, _KEY)
    file.read(2)
    os.truncate(written, 1000)

    with pytest.raises(DamagedPixelsError, match="truncated"):
        file.read(2)


def test_a_disk_that_fails_is_an_error(written, monkeypatch):
    """The reader decodes instead."""
    file = PixelFile(written, _KEY)

    def fail(*_):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("bench.data.pixel_file.os.pread", fail)

    with pytest.raises(DamagedPixelsError, match=r"unreadable: .*Input/output error"):
        file.read(0)


def test_another_sound_file_under_its_name_is_not_opened(written):
    """Whoever opens it again says which one it was."""
    digest = PixelFile(written, _KEY).digest
    write_pixel_file(written, _KEY, _SHAPES, lambda n: 255 - _make(n), threads=1)

    with pytest.raises(DamagedPixelsError, match="replaced since the run began"):
        PixelFile(written, _KEY, digest)


def test_a_file_of_another_user_is_not_opened(written, monkeypatch):
    """Its number is told."""
    monkeypatch.setattr("bench.system.own_files.os.geteuid", lambda: 12345)

    with pytest.raises(ForeignFileError, match=r"it belongs to the user number \d+, you are 12345"):
        PixelFile(written, _KEY)


def test_a_file_that_others_can_write_is_not_opened(written):
    """Whoever may write to it may have done so."""
    assert written.stat().st_mode & 0o777 == 0o600
    written.chmod(0o620)

    with pytest.raises(ForeignFileError, match="other users can write to it"):
        PixelFile(written, _KEY)


def test_a_link_to_a_pixel_file_is_not_followed(written, tmp_path):
    """It may lead to what somebody else chose."""
    (tmp_path / "link").symlink_to(written)

    with pytest.raises(ForeignFileError, match="it is a link"):
        PixelFile(tmp_path / "link", _KEY)


def test_a_pipe_in_a_pixel_files_place_is_not_waited_for(tmp_path):
    """It is no regular file."""
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(ForeignFileError, match="no regular file"):
        PixelFile(tmp_path / "pipe", _KEY)


def test_an_image_of_another_shape_is_refused(tmp_path):
    """What a writer is given is checked, and nothing is left."""
    with pytest.raises(DataError, match=r"image 1 is \(2, 2, 3\), not \(3, 3, 3\)"):
        write_pixel_file(
            tmp_path / "wrong.pixels",
            _KEY,
            [(2, 2, 3), (3, 3, 3)],
            lambda _: np.zeros((2, 2, 3), np.uint8),
            threads=1,
        )

    assert list(tmp_path.iterdir()) == []


def test_no_room_is_told_before_anything_is_made(tmp_path):
    """Where the file may not grow to its size, no image is decoded, and nothing is left."""
    made = []
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            write_pixel_file(
                tmp_path / "big.pixels", _KEY, _SHAPES, lambda n: made.append(n), threads=1
            )
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)

    assert made == []
    assert list(tmp_path.iterdir()) == []


def test_a_kill_at_any_moment_leaves_all_or_nothing(tmp_path):
    """After each of 20 SIGKILLs the file is absent or whole, with one partial file beside it.

    Moments are calls and returns of functions, which are counted by a writer that is let alone.
    """
    path = tmp_path / "killed.pixels"
    moments = int(warm().run(["-c", _WRITER, path, 0]).stdout)
    found = [_is_whole(path)]
    for moment in random.Random(1).sample(range(1, moments * 9 // 10), 20):
        killed = warm().run(["-c", _WRITER, path, moment]).returncode == -signal.SIGKILL
        found.append(_is_whole(path))

        assert killed
    assert found[0]
    assert not all(found)
    assert [left.suffix for left in tmp_path.iterdir()] == [".partial"]


def _is_whole(path):
    """Say whether there is a file, which must be whole then, and take it away."""
    if not path.exists():
        return False
    file = PixelFile(path, _KEY)
    assert all((file.read(number) == number).all() for number in range(20))
    path.unlink()
    return True
