"""The cache folder: files kept between runs that can be made again."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.system.own_files import why_foreign
from bench.system.received_files import is_link
from registry.errors import RunError

_HEX = "[0-9a-f]" * 16
_DRAWINGS = "synthetic-v[0-9]*"
_PARTS = ("train/", "test/", "")  # "": versions 1 and 2
_FILES = (
    f"pixels/*-{_HEX}.pixels", f"pixels/*-{_HEX}.lock", f"pixels/.{_HEX}*.partial",
    f"layouts/{_HEX}{_HEX}.json", f"layouts/.{_HEX}*.partial", "layouts.lock",
    f"precisions/{_HEX}{_HEX}.json", f"precisions/.{_HEX}*.partial", "precisions.lock",
    f"charts/{_HEX}.js", f"charts/.{_HEX}*.partial",
    f"{_DRAWINGS}/.synthetic.json", f"{_DRAWINGS}/.drawings.sha256",
    *(f"{_DRAWINGS}/{part}{kind}.[0-9]*.jpg" for part in _PARTS for kind in ("Cat/cat", "Dog/dog")),
    "checked.sqlite", "checked.sqlite-wal", "checked.sqlite-shm", "checked.sqlite-journal",
    "library-networks.json", ".library-networks*.partial",
)  # fmt: skip
_FOLDERS = (  # inner ones first
    "pixels", "layouts", "precisions", "charts",
    *(f"{_DRAWINGS}/{part}{kind}" for part in _PARTS for kind in ("Cat", "Dog")),
    *(f"{_DRAWINGS}/{part}" for part in _PARTS),
)  # fmt: skip


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
    parts = dict[str, list[os.stat_result]]()
    for path in _made(folder):
        name = path.relative_to(folder)
        shown = name.parts[0] if name.parts[0].startswith("synthetic-") else name.as_posix()
        parts.setdefault(shown, []).append(path.stat())
    kept = [_kept_file(name, stats) for name, stats in parts.items()]
    return sorted((file for file in kept if file.bytes), key=lambda file: -file.bytes)


def _kept_file(name: str, stats: list[os.stat_result]) -> KeptFile:
    used = max(max(each.st_atime, each.st_mtime) for each in stats)
    return KeptFile(
        name=name,
        bytes=sum(each.st_size for each in stats),
        used=datetime.fromtimestamp(used, UTC).date().isoformat(),
    )


def clear_cache(folder: Path) -> None:
    """Remove the cached files in `folder`: those with names that this program gives.

    Other files stay, and so do links and what they name. Processes that have a file open can still
    read it.

    Raises:
        RunError: a file cannot be removed.
    """
    for path in _made(folder):
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise RunError(f"cannot remove {path}: {error.strerror}") from error
    for pattern in _FOLDERS:
        for path in sorted(folder.glob(pattern), reverse=True):  # inner folders first
            if path.is_dir() and not _through_link(folder, path):
                with suppress(OSError):  # other files are left in it
                    path.rmdir()


def _made(folder: Path) -> list[Path]:
    """Return the files in `folder` with our names, none of them a link or behind one."""
    found = {path for pattern in _FILES for path in folder.glob(pattern)}
    return [path for path in sorted(found) if path.is_file() and not _through_link(folder, path)]


def _through_link(folder: Path, path: Path) -> bool:
    names = [path, *path.parents]
    return any(is_link(each) for each in names[: names.index(folder)])
