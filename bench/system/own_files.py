"""Files that only this user can have written, and files of others."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from bench.system.received_files import open_without_waiting

_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH


class ForeignFileError(Exception):
    """Another user may have written the file; the message says why, without the name."""


def why_foreign(status: os.stat_result) -> str | None:
    """Return why others may have written what has this `status`; None if only this user can.

    Without user numbers, as on Windows, all files count as this user's.
    """
    if not hasattr(os, "geteuid"):
        return None
    if status.st_uid != os.geteuid():
        return f"it belongs to the user number {status.st_uid}, you are {os.geteuid()}"
    return "other users can write to it" if status.st_mode & _BY_OTHERS else None


def why_foreign_folder(folder: Path) -> str | None:
    """Return why `folder`, if it exists, is not a folder that only this user can write to."""
    try:
        status = folder.lstat()
    except OSError:  # whoever writes there says why that fails
        return None
    if stat.S_ISLNK(status.st_mode):
        return "it is a link, which is not followed"
    return why_foreign(status) if stat.S_ISDIR(status.st_mode) else None


def is_own(path: Path) -> bool:
    """Return whether this user owns `path`, if it exists; a link never counts."""
    try:
        status = path.lstat()
    except OSError:
        return True
    owner = status.st_uid if hasattr(os, "geteuid") else None
    return not stat.S_ISLNK(status.st_mode) and (owner is None or owner == os.geteuid())


def is_unshared(path: Path) -> bool:
    """Return whether `path`, if it exists, is a regular file that only this user can write."""
    try:
        status = path.lstat()
    except OSError:
        return True
    return stat.S_ISREG(status.st_mode) and why_foreign(status) is None


def open_own(path: Path) -> int:
    """Return a descriptor of the regular file `path`, open for reading.

    Raises:
        ForeignFileError: it is a link or no regular file, or others can write to it.
        OSError: it is missing or unreadable.
    """
    if path.is_symlink():
        raise ForeignFileError("it is a link, which is not followed")
    descriptor = open_without_waiting(path, follow=False)
    status = os.fstat(descriptor)
    regular = stat.S_ISREG(status.st_mode)
    if reason := why_foreign(status) if regular else "it is no regular file":
        os.close(descriptor)
        raise ForeignFileError(reason)
    return descriptor
