"""Names of files that every system and library takes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_DESCRIPTORS = Path("/dev/fd")  # names of what this process has open


def is_device(name: str) -> bool:
    """Return whether Windows takes `name` for a device, in whatever folder it is."""
    return _DEVICES.fullmatch(name) is not None


@contextmanager
def utf8_name(path: Path) -> Iterator[str]:
    """Yield a UTF-8 name of the file `path`, if there can be one.

    If the path is not UTF-8, as on Linux alone, the name leads through an open descriptor of the
    folder or the file.
    """
    if _is_utf8(str(path)) or not _DESCRIPTORS.is_dir():
        yield str(path)
        return
    inside = _is_utf8(path.name)
    descriptor = os.open(path.parent if inside else path, os.O_RDONLY)
    opened = f"{_DESCRIPTORS}/{descriptor}"
    try:
        yield f"{opened}/{path.name}" if inside else opened
    finally:
        os.close(descriptor)


def _is_utf8(name: str) -> bool:
    return name.encode("utf-8", "replace").decode() == name
