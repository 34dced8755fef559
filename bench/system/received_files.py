"""Files in folders that somebody else may have made: read without waiting, written in place."""

from __future__ import annotations

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path

from registry.errors import RunError

_WITHOUT_WAITING = getattr(os, "O_NONBLOCK", 0)  # even of a pipe, which is then refused
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_BINARY = getattr(os, "O_BINARY", 0)  # else Windows reads other bytes at the end of a line

MB = 1_000_000


def open_regular(path: Path, *, follow: bool = False) -> BufferedReader:
    """Return the regular file `path`, open for reading; a pipe is never waited for.

    Args:
        path: name of the file.
        follow: also open the regular file that a link names.

    Raises:
        OSError: it is missing, unreadable, a link or no regular file.
    """
    if not follow and is_link(path):
        raise OSError(errno.ELOOP, "it is a link, which is not followed", str(path))
    descriptor = open_without_waiting(path, follow=follow)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is no regular file", str(path))
    return os.fdopen(descriptor, "rb")


def open_without_waiting(path: Path, *, follow: bool) -> int:
    """Return a descriptor of `path` for reading, even of a pipe that nobody writes; or OSError.

    A last link is followed only with `follow`, where the system can tell.
    """
    flags = os.O_RDONLY | _WITHOUT_WAITING | _BINARY | (0 if follow else _NO_LINK)
    return os.open(path, flags)


def read_regular(path: Path, *, most: int, follow: bool = False) -> bytes:
    """Return the content of the regular file `path`, of at most `most` bytes.

    Raises:
        OSError: as `open_regular`, or the file is larger.
    """
    with open_regular(path, follow=follow) as file:
        content = file.read(most + 1)  # the size of some files grows while they are read
    if len(content) > most:
        why = f"it is larger than {most / MB:,.0f} MB"
        raise OSError(errno.EFBIG, why, str(path))
    return content


def is_link(path: Path) -> bool:
    """Return whether `path` is a symbolic link or, on Windows, a junction."""
    try:
        status = path.lstat()
    except (OSError, ValueError):
        return False
    tag = getattr(status, "st_reparse_tag", 0)
    return stat.S_ISLNK(status.st_mode) or tag == getattr(stat, "IO_REPARSE_TAG_MOUNT_POINT", -1)


def require_inside(root: Path, path: Path) -> None:
    """Check each name between the folder `root` and `path`, which is below it.

    `root` itself may be a link: the user named it.

    Raises:
        RunError: one is a link, or `path` is outside `root`.
    """
    place = root
    for part in path.relative_to(root).parts:
        place /= part
        if part == ".." or is_link(place):
            why = "leads outside" if part == ".." else "is a link, which is not followed"
            raise RunError(f"{place} {why}: remove it, and repeat the command")


def make_inside(root: Path, path: Path) -> None:
    """Make the folder `path` below `root`, if missing. Raises RunError for a link on the way.

    Raises:
        OSError: it cannot be made.
    """
    require_inside(root, path)
    path.mkdir(parents=True, exist_ok=True)
    require_inside(root, path)


def require_regular(path: Path) -> None:
    """Raise RunError if `path` exists and is no regular file, or a link."""
    try:
        mode = path.lstat().st_mode
    except OSError:  # missing, or whoever opens it says why that fails
        return
    if not stat.S_ISREG(mode) or is_link(path):
        why = "is a link, which is not followed" if stat.S_ISLNK(mode) else "is no regular file"
        raise RunError(f"{path} {why}: remove it, and repeat the command")
