"""Where what can be made again is kept between runs."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from registry.errors import RunError

_OURS = ("pixels", "layouts", "layouts.lock", "synthetic-*", "checked.sqlite*")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFile:
    """One file of the cache: its name in the folder, its size, and the day it was last used."""

    name: str
    bytes: int
    used: str


def cache_folder() -> Path:
    """Return $ZOO_CACHE, else `zoo` in $XDG_CACHE_HOME or in ~/.cache; it may not be there yet."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("ZOO_CACHE") or Path(home, "zoo"))


def kept_files(folder: Path) -> list[KeptFile]:
    """Return what is kept in `folder`, the largest first; drawings are one entry."""
    kept = []
    for entry in _entries(folder):
        alone = entry.is_file() or entry.name.startswith("synthetic-")
        for path in [entry] if alone else sorted(entry.iterdir()):
            parts = [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file()]
            stats = [part.stat() for part in parts]
            used = max((max(s.st_atime, s.st_mtime) for s in stats), default=0.0)
            kept.append(
                KeptFile(
                    name=path.relative_to(folder).as_posix(),
                    bytes=sum(stat.st_size for stat in stats),
                    used=datetime.fromtimestamp(used, UTC).date().isoformat(),
                )
            )
    return sorted((file for file in kept if file.bytes), key=lambda file: -file.bytes)


def clear_cache(folder: Path) -> None:
    """Remove what is kept in `folder`, and nothing that was not made here.

    Processes that have a file open go on reading it.

    Raises:
        RunError: something can't be removed.
    """
    for entry in _entries(folder):
        try:
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()
        except OSError as error:
            raise RunError(f"can't remove {entry}: {error.strerror}") from error


def _entries(folder: Path) -> list[Path]:
    return sorted({entry for pattern in _OURS for entry in folder.glob(pattern)})
