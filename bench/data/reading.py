"""An image file's bytes, from regular files of bearable size only."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path

from registry.errors import DataError

MAX_FILE_BYTES = 256 * 2**20
_CHUNK = 2**20
_WITHOUT_WAITING = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


class UnreadableImageError(DataError):
    """A file that can't be used as an image; the message is the reason, without the name."""


def read_content(path: Path) -> bytes:
    """Return the bytes of an image file.

    Raises:
        UnreadableImageError: it is a pipe or device, empty, too large, or can't be read.
    """
    with _open_regular(path) as file:
        return file.read(MAX_FILE_BYTES)


def content_digest(path: Path) -> tuple[str, int]:
    """Return the SHA-256 and the size of a file's content, with a megabyte of memory.

    Raises:
        UnreadableImageError: as `read_content`.
    """
    digest, size = hashlib.sha256(), 0
    with _open_regular(path) as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
    return digest.hexdigest(), size


@contextmanager
def _open_regular(path: Path) -> Iterator[BufferedReader]:
    """Yield a regular file, open: looked at before, since to open a pipe may be to wait for ever.

    It is looked at once more when it is open, since it may be another by then; O_NONBLOCK lets even
    a pipe be opened at once.
    """
    try:
        _require_regular_file(path.stat())
        with os.fdopen(os.open(path, os.O_RDONLY | _WITHOUT_WAITING), "rb") as file:
            _require_regular_file(os.fstat(file.fileno()))
            yield file
    except OSError as error:
        if isinstance(error, FileNotFoundError) and path.is_symlink():
            raise UnreadableImageError("a link that leads nowhere") from error
        raise UnreadableImageError(error.strerror or str(error)) from error


def _require_regular_file(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableImageError("not a regular file")
    if status.st_size == 0:
        raise UnreadableImageError("empty file")
    if status.st_size > MAX_FILE_BYTES:
        raise UnreadableImageError(f"{status.st_size:,} bytes, over the cap of {MAX_FILE_BYTES:,}")
