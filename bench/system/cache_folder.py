"""The cache folder: files kept between runs that can be made again."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.system.own_files import why_foreign
from registry.errors import RunError

_OURS = ("pixels", "layouts", "layouts.lock", "synthetic-*", "checked.sqlite*")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFile:
    """A file of the cache: its name in the folder, its size, and the day of its last use."""

    name: str
    bytes: int
    used: str


def cache_folder() -> Path:
    """Return $ZOO_CACHE, else `zoo` in $XDG_CACHE_HOME or ~/.cache; it may not exist yet.

    If others can write there, it is the folder `zoo-1000` in it, named for the user's number: what
    others wrote is never read.
    """
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(os.environ.get("ZOO_CACHE") or Path(home, "zoo"))
    try:
        foreign = why_foreign(folder.stat())  # a link to a folder of this user is fine
    except OSError:
        return folder
    return folder / f"zoo-{os.geteuid()}" if foreign else folder


def own_cache_folder(say: Callable[[str], object] = lambda text: None) -> Path | None:
    """Return the cache folder, made if possible; None, and `say` why, if it is another user's."""
    folder = cache_folder()
    with suppress(OSError):  # whoever writes there says why that fails
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    reason = None
    with suppress(OSError):
        reason = why_foreign(folder.stat())
    if reason is None:
        return folder
    say(f"no cache: {folder}: {reason}; set $ZOO_CACHE to a folder of your own")
    return None


def kept_files(folder: Path) -> list[KeptFile]:
    """Return the files kept in `folder`, largest first; a set of drawings is one entry."""
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
    """Remove the cached files in `folder`, and no other files.

    Processes that have a file open can still read it.

    Raises:
        RunError: a file cannot be removed.
    """
    for entry in _entries(folder):
        try:
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()
        except OSError as error:
            raise RunError(f"cannot remove {entry}: {error.strerror}") from error


def _entries(folder: Path) -> list[Path]:
    return sorted({entry for pattern in _OURS for entry in folder.glob(pattern)})
