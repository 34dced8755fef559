"""Atomic files: whole or absent, even after a kill or a power cut."""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def whole_file(path: Path, *, shared: bool = False, mode: int = 0o666) -> Iterator[Path]:
    """Yield a temporary path; it becomes `path` at the end, or is removed if the block fails.

    `path` has the old content or the new, never a part. The next write replaces what a kill left.
    With `shared`, others may write `path`, too: each writer has its own temporary name. Links at
    either name are replaced, never followed; `mode` loses what the user's umask forbids.
    """
    name = hashlib.sha256(os.fsencode(path.name)).hexdigest()[:16]
    partial = path.with_name(f".{name}{secrets.token_hex(8) if shared else ''}.partial")
    try:
        allowed = _make_new(partial, mode)
        yield partial
        with suppress(OSError):  # a file system without modes
            partial.chmod(allowed)  # some writers, as that of safetensors, give others no access
        _sync(partial)
        put_in_place(partial, path)
    except BaseException:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise


def _make_new(partial: Path, mode: int) -> int:
    """Make the file, in place of any link or leftover, and return its mode."""
    partial.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    descriptor = os.open(partial, flags, mode)
    try:
        return stat.S_IMODE(os.fstat(descriptor).st_mode)
    finally:
        os.close(descriptor)


def write_text(path: Path, text: str, *, shared: bool = False) -> None:
    """Write `text` to `path` atomically."""
    with whole_file(path, shared=shared) as partial:
        partial.write_text(text, encoding="utf-8", newline="")


def put_in_place(partial: Path, path: Path) -> None:
    """Rename a written and synced file durably."""
    partial.replace(path)
    if os.name == "posix":  # elsewhere a folder cannot be opened
        _sync(path.parent)


def put_folder_in_place(draft: Path, folder: Path) -> None:
    """Rename the folder `draft` to `folder`, which may be there if it is empty."""
    with suppress(OSError):  # Windows renames to nothing that is there
        folder.rmdir()
    draft.rename(folder)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR if path.is_file() else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
