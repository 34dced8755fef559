"""An image file's bytes, from regular files of bearable size only."""

from __future__ import annotations

import hashlib
import os
import stat
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
    try:
        with _open_regular(path) as file:
            return file.read(MAX_FILE_BYTES)
    except OSError as error:
        raise UnreadableImageError(_reason(path, error)) from error


def content_digest(path: Path) -> tuple[str, int]:
    """Return the SHA-256 and the size of a file's content, with a megabyte of memory.

    Raises:
        UnreadableImageError: as `read_content`.
    """
    digest, size = hashlib.sha256(), 0
    try:
        with _open_regular(path) as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
                size += len(chunk)
    except OSError as error:
        raise UnreadableImageError(_reason(path, error)) from error
    return digest.hexdigest(), size


def _open_regular(path: Path) -> BufferedReader:
    """Open a regular file: looked at before, since to open a pipe may be to wait for ever.

    It is looked at once more when it is open, since it may be another by then; O_NONBLOCK lets even
    a pipe be opened at once.
    """
    _require_regular_file(path.stat())
    descriptor = os.open(path, os.O_RDONLY | _WITHOUT_WAITING)
    file = os.fdopen(descriptor, "rb")
    try:
        _require_regular_file(os.fstat(descriptor))
    except UnreadableImageError:
        file.close()
        raise
    return file


def _require_regular_file(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableImageError("not a regular file")
    if status.st_size == 0:
        raise UnreadableImageError("empty file")
    if status.st_size > MAX_FILE_BYTES:
        raise UnreadableImageError(f"{status.st_size:,} bytes, over the cap of {MAX_FILE_BYTES:,}")


def _reason(path: Path, error: OSError) -> str:
    if isinstance(error, FileNotFoundError) and path.is_symlink():
        return "a link that leads nowhere"
    return error.strerror or str(error)
