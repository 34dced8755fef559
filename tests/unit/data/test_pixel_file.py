from __future__ import annotations

import os
import random
import resource
import signal

import numpy as np
import pytest
from warm import warm

from bench.data.pixel_file import (
    DamagedPixelsError,
    PixelFile,
    image_offsets,
    write_pixel_file,
)
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
