"""Files that are there whole or not at all, also after a kill or a power cut."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def whole_file(path: Path, *, shared: bool = False) -> Iterator[Path]:
    """Yield where to write; it becomes `path` in the end, or is removed if the block fails.

    The old content or the new one is there, never a part. What a kill has left is written over
    the next time; where others may write `path` too (`shared`), each has a name of its own.
    """
    name = hashlib.sha256(os.fsencode(path.name)).hexdigest()[:16]
    partial = path.with_name(f".{name}{secrets.token_hex(8) if shared else ''}.partial")
    try:
        yield partial
        _sync(partial)
        put_in_place(partial, path)
    except BaseException:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str, *, shared: bool = False) -> None:
    """Write `text` to `path`, whole or not at all."""
    with whole_file(path, shared=shared) as partial:
        partial.write_text(text, encoding="utf-8", newline="")


def put_in_place(partial: Path, path: Path) -> None:
    """Give a file that is written and synced its name, durably."""
    partial.replace(path)
    if os.name == "posix":  # elsewhere a folder can't be opened
        _sync(path.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR if path.is_file() else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
