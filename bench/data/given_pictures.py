"""Pictures that a person names: files, and all pictures in a folder."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from bench.data.decode_pool import examine
from bench.data.facts import Flaw
from bench.data.find import IMAGE_SUFFIXES, Reject

_PICTURES = IMAGE_SUFFIXES | {  # in a folder; a file that is named alone may have any name
    *(".jpe", ".jfif", ".dib", ".ppm", ".pgm", ".pbm", ".pnm"),
    *(".heic", ".heif", ".avif", ".jp2", ".jxl", ".svg", ".psd", ".tga", ".ico", ".raw", ".dng"),
    *(".cr2", ".cr3", ".nef", ".arw", ".orf", ".raf", ".rw2"),
}
_OF_SYSTEMS = frozenset(
    {"thumbs.db", "desktop.ini", "@eadir", "$recycle.bin", "system volume information", "__macosx"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenPictures:
    """Readable pictures in a fixed order, each once, and what cannot be used.

    Attributes:
        rejects: files and folders that cannot be read, and why.
        others: files in the folders whose names have no picture's suffix.
    """

    pictures: tuple[Path, ...]
    rejects: tuple[Reject, ...]
    others: tuple[Path, ...]


@dataclass
class _Found:
    """What the walks have found so far; a file keeps the path by which it came first."""

    files: dict[tuple[str, str], Path] = field(default_factory=dict)
    rejects: dict[str, Reject] = field(default_factory=dict)
    others: dict[Path, None] = field(default_factory=dict)

    def add(self, path: Path) -> None:
        self.files.setdefault((os.path.realpath(path.parent), path.name), path)

    def reject(self, path: str | Path, reason: str) -> None:
        self.rejects.setdefault(str(path), Reject(name=str(path), reason=reason))


def read_given(paths: Iterable[Path]) -> GivenPictures:
    """Return the pictures among `paths`, each decoded once in a sandbox.

    A folder stands for all pictures in it and in its folders, sorted by path. Hidden files and
    those of operating systems, such as `Thumbs.db`, are left out.

    Raises:
        DataError: no process can start.
    """
    found = _Found()
    for path in paths:
        if _is_folder(path):
            _enter(path, found)
        else:
            found.add(path)
    files = list(found.files.values())
    readable = []
    for path, answer in zip(files, examine(files), strict=True):
        if isinstance(answer.verdict, Flaw):
            found.reject(path, answer.verdict.reason)
        else:
            readable.append(path)
    return GivenPictures(
        pictures=tuple(readable),
        rejects=tuple(found.rejects.values()),
        others=tuple(found.others),
    )


def _enter(folder: Path, found: _Found) -> None:
    """Add the pictures in `folder`; one without any is a reject."""
    pictures, others, before = 0, 0, len(found.rejects)
    for path in _files(folder, found):
        if path.suffix.lower() in _PICTURES:
            pictures += 1
            found.add(path)
        else:
            others += 1
            found.others[path] = None
    if not pictures and len(found.rejects) == before:
        named = f" by name: to try its {others:,} files, name them one by one" if others else ""
        found.reject(folder, f"a folder without pictures{named}")


def _files(root: Path, found: _Found) -> list[Path]:
    """Return the visible files below `root`, sorted by path; other folders become rejects."""
    files: list[Path] = []
    for parent, folders, names in os.walk(
        root, onerror=lambda error: found.reject(error.filename, error.strerror or str(error))
    ):
        visible = [Path(parent, name) for name in folders if _is_own(name)]
        for path in filter(Path.is_symlink, visible):
            found.reject(path, "a link to a folder, which is not followed")
        folders[:] = [path.name for path in visible if not path.is_symlink()]
        files += [Path(parent, name) for name in names if _is_own(name)]
    return sorted(files, key=lambda path: path.parts)


def _is_own(name: str) -> bool:
    """Return whether a person made the file, as far as its name tells."""
    return not name.startswith(".") and name.lower() not in _OF_SYSTEMS


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # such as a name that is too long: reading it gives the reason
        return False
