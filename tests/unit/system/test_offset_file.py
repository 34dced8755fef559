"""Bytes at an offset, with the calls that Windows lacks and without."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from bench.system import offset_file
from bench.system.offset_file import OffsetFile


@pytest.mark.parametrize("offsets", [True, False], ids=["pread", "seek"])
def test_threads_read_and_write_where_they_say(tmp_path, monkeypatch, offsets):
    """No thread moves the place of another."""
    monkeypatch.setattr(offset_file, "_OFFSETS", offsets)
    with (tmp_path / "file").open("w+b") as opened, ThreadPoolExecutor(8) as pool:
        file = OffsetFile(opened.fileno())
        file.claim(256 * 1000)
        parts = [bytes([number]) * 1000 for number in range(256)]
        numbers = range(256)
        list(pool.map(lambda n: file.write(memoryview(parts[n]), 1000 * n), numbers))
        found = list(pool.map(lambda n: file.read(1000, 1000 * n), numbers))

    assert found == parts
    assert (tmp_path / "file").stat().st_size == 256_000


def test_room_is_claimed_where_the_system_cannot_tell(tmp_path, monkeypatch):
    """The file is as long as it will be."""
    monkeypatch.delattr("os.posix_fallocate", raising=False)
    with (tmp_path / "file").open("wb") as opened:
        OffsetFile(opened.fileno()).claim(1000)

    assert (tmp_path / "file").stat().st_size == 1000
