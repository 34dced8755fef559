"""Bytes at an offset of an open file, read and written by several threads."""

from __future__ import annotations

import os
import threading

_OFFSETS = hasattr(os, "pread") and hasattr(os, "pwrite")  # Windows has neither


class OffsetFile:
    """An open file without a position: each read and write names its offset in bytes."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor, self._lock = descriptor, threading.Lock()

    def read(self, count: int, offset: int) -> bytes:
        """Return at most `count` bytes at `offset`; raise OSError if the disk fails."""
        if _OFFSETS:
            return os.pread(self._descriptor, count, offset)
        with self._lock:
            os.lseek(self._descriptor, offset, os.SEEK_SET)
            return os.read(self._descriptor, count)

    def write(self, content: memoryview, offset: int) -> None:
        """Write all of `content` at `offset`; raise OSError if there is no room."""
        while content:
            written = self._write_some(content, offset)
            content, offset = content[written:], offset + written

    def claim(self, size: int) -> None:
        """Make the file `size` bytes long, with room for them where the system can tell.

        A full disk is then an OSError now, not half-way.
        """
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(self._descriptor, 0, size)
        else:
            os.ftruncate(self._descriptor, size)

    def _write_some(self, content: memoryview, offset: int) -> int:
        if _OFFSETS:
            return os.pwrite(self._descriptor, content, offset)
        with self._lock:
            os.lseek(self._descriptor, offset, os.SEEK_SET)
            return os.write(self._descriptor, content)
