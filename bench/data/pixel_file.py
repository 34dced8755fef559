"""Pixels of many images in one file, written atomically, checked when read."""

from __future__ import annotations

import hashlib
import os
import struct
import time
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.system.atomic_files import whole_file
from bench.system.offset_file import OffsetFile
from bench.system.own_files import open_own
from registry.errors import DataError

if TYPE_CHECKING:
    from bench.data.transform import Pixels  # which needs torch, and writing pixels does not

Shape = tuple[int, int, int]  # (H, W, C)

_MAGIC = b"zoopix02"
_HEADER = struct.Struct("<8s32sQQ32s")  # magic, key, images, bytes in all, SHA-256 of the index
_INDEX = np.dtype(
    [("offset", "<u8"), ("height", "<u4"), ("width", "<u4"), ("channels", "<u4"), ("sha256", "V32")]
)
_ALIGNMENT = 64  # bytes: no image shares a cache line with another
_COARSEST_CLOCK_NS = 2_000_000_000  # of a file's times: FAT's


class DamagedPixelsError(Exception):
    """The file, or an image in it, is damaged."""


class PixelFile:
    """A pixel file, open for reading. Processes that open it share the system's copy in memory.

    The first read of an image checks its SHA-256 (0.3 ms for 450 kB, a quarter of a decode). Once
    the file's size or times change, each read does. A read copies (0.03 ms), so a file that is cut
    is an error; a memory map would end the process.

    Attributes:
        digest: SHA-256 of the index, which holds the SHA-256 of each image.
        shapes: shape (H, W, C) of each image.
    """

    def __init__(self, path: Path, key: bytes, digest: bytes | None = None) -> None:
        """Open `path`, whose index must have the SHA-256 `digest` if given.

        Raises:
            DamagedPixelsError: it is truncated, altered or of another key or digest.
            ForeignFileError: others can write to it.
            OSError: it is missing or unreadable.
        """
        self._descriptor = open_own(path)
        weakref.finalize(self, os.close, self._descriptor)
        self._opened = self._state()
        self._file = OffsetFile(self._descriptor)
        header = self._file.read(_HEADER.size, 0)
        if len(header) < _HEADER.size:
            raise DamagedPixelsError("truncated")
        magic, found, images, size, self.digest = _HEADER.unpack(header)
        if magic != _MAGIC or found != key:
            raise DamagedPixelsError("not a pixel cache of these images, or of another version")
        index_bytes = images * _INDEX.itemsize
        if not index_bytes <= size == self._opened[0]:
            raise DamagedPixelsError("truncated or altered")
        index = self._file.read(index_bytes, _HEADER.size)
        if hashlib.sha256(index).digest() != self.digest:
            raise DamagedPixelsError("truncated or altered")
        if digest not in (None, self.digest):
            raise DamagedPixelsError("replaced since the run began")
        self._index = np.frombuffer(index, _INDEX)
        self._checked = np.zeros(images, dtype=bool)

    @property
    def shapes(self) -> list[Shape]:
        """Shape (H, W, C) of each image."""
        return [(height, width, channels) for _, height, width, channels, _ in self._index.tolist()]

    def read(self, number: int) -> Pixels:
        """Return the image `number` (H, W, C), read-only, or raise DamagedPixelsError."""
        offset, height, width, channels, sha256 = self._index[number].item()
        started = time.time_ns()
        data = self._bytes(offset, height * width * channels)
        unchanged = self._state() == self._opened  # after the bytes were read
        if not (unchanged and self._checked[number]):
            if hashlib.sha256(data).digest() != sha256:
                raise DamagedPixelsError(f"image {number} is altered")
            # just after a change, another one may leave the times as they are
            settled = started - self._opened[-1] > _COARSEST_CLOCK_NS
            self._checked[number] = unchanged and settled
        return np.frombuffer(data, "u1").reshape(height, width, channels)

    def _bytes(self, offset: int, count: int) -> bytes:
        try:
            data = self._file.read(count, offset)
        except (OSError, OverflowError) as error:  # a faulty disk, or a file server that is gone
            raise DamagedPixelsError(f"unreadable: {error}") from error
        if len(data) < count:
            raise DamagedPixelsError("truncated")
        return data

    def _state(self) -> tuple[int, int, int]:
        """Return size and times, of which the user cannot set the last one back (0.001 ms)."""
        status = os.fstat(self._descriptor)
        return status.st_size, status.st_mtime_ns, status.st_ctime_ns


def write_pixel_file(
    path: Path,
    key: bytes,
    shapes: Sequence[Shape],
    make: Callable[[int], Pixels],
    *,
    threads: int,
    on_image: Callable[[], object] = lambda: None,
) -> None:
    """Write the images that `make` returns for 0, 1, 2, ... to `path`, by several threads.

    They are written beside `path`, synced and renamed, so `path` is always complete. Only this
    user may read or write it. Only one writer may run at a time; it overwrites the remains of a
    killed one.

    Raises:
        OSError: no room or permission to write; no file is left. Room is claimed first.
        DataError: an image does not have the shape in `shapes`.
    """
    offsets, size = image_offsets(shapes)
    index = np.zeros(len(shapes), _INDEX)
    with whole_file(path, mode=0o600) as partial, partial.open("wb") as file:
        opened = OffsetFile(file.fileno())
        opened.claim(size)

        def put(number: int) -> None:
            pixels = np.ascontiguousarray(make(number))
            if pixels.shape != tuple(shapes[number]):
                raise DataError(f"image {number} is {pixels.shape}, not {shapes[number]}")
            sha256 = hashlib.sha256(pixels.data).digest()
            index[number] = (offsets[number], *pixels.shape, sha256)
            opened.write(pixels.reshape(-1).data, offsets[number])
            on_image()

        with ThreadPoolExecutor(threads) as pool:
            try:
                list(pool.map(put, range(len(shapes))))
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
        plain = index.tobytes()
        digest = hashlib.sha256(plain).digest()
        header = _HEADER.pack(_MAGIC, key, len(shapes), size, digest)
        opened.write(memoryview(header + plain), 0)


def image_offsets(shapes: Sequence[Shape]) -> tuple[list[int], int]:
    """Return the offset of each image in the file, and the size of the file in bytes."""
    offsets: list[int] = []
    end = _HEADER.size + len(shapes) * _INDEX.itemsize
    for height, width, channels in shapes:
        start = -(-end // _ALIGNMENT) * _ALIGNMENT
        offsets.append(start)
        end = start + height * width * channels
    return offsets, end
