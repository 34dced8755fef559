"""All that a folder holds, as flat lists of relative paths."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

Key = tuple[str, ...]
_SUFFIX = re.compile(
    r".+\.(jpe?g|jpe|jfif|png|apng|bmp|dib|gif|webp|tiff?|avif|heic|heif|jxl|ppm|pgm|pbm|pnm)", re.I
)
_FIRST = re.compile(rb"\xff\xd8\xff|\x89PNG|GIF8|BM|II\*\0|MM\0\*|RIFF....WEBP", re.S)
_SYSTEM = re.compile(
    r"\..*|\$recycle\.bin|@eadir|__macosx|lost\+found|system volume information|#recycle", re.I
)


@dataclass(slots=True, kw_only=True)
class PathList:
    """Relative paths of folders, images and other files, of links and odd folders not read."""

    folders: list[Key] = field(default_factory=list)
    images: list[Key] = field(default_factory=list)
    others: list[Key] = field(default_factory=list)
    spent: list[Key] = field(default_factory=list)
    odd: list[Key] = field(default_factory=list)
    shut: list[Key] = field(default_factory=list)
    is_own: bool = False

    def folders_in(self, at: Key) -> list[str]:
        """Return the names of the folders directly in `at`."""
        return [path[-1] for path in self.folders if path[:-1] == at]

    def files_in(self, at: Key) -> list[Key]:
        """Return the images directly in `at`."""
        return [path for path in self.images if path[:-1] == at]

    def spent_in(self, at: Key) -> list[Key]:
        """Return the links directly in `at` to a folder that is read elsewhere."""
        return [path for path in self.spent if path[:-1] == at]

    def images_below(self, at: Key) -> list[Key]:
        """Return all images in `at` and in the folders below it."""
        return [path for path in self.images if path[: len(at)] == at]

    def files_below(self, at: Key) -> list[Key]:
        """Return all files in `at` and in the folders below it."""
        return [path for path in self.images + self.others if path[: len(at)] == at]


def listed(folder: Path) -> PathList:
    """Return what `folder` holds; real folders first, then each linked folder once."""
    paths, seen, links = PathList(is_own=_is_own(folder)), {os.path.realpath(folder)}, []
    _walk(folder, (), paths, seen, links)
    while links:
        links.sort(key=lambda link: (len(link), link))
        link = links.pop(0)
        target = os.path.realpath(folder.joinpath(*link))
        above = os.path.realpath(folder.joinpath(*link[:-1]))
        if f"{above}{os.sep}".startswith(f"{target.rstrip(os.sep)}{os.sep}"):
            continue  # a loop
        if target in seen or _is_own(Path(target)):
            paths.spent.append(link)
            continue
        seen.add(target)
        paths.folders.append(link)
        _walk(folder.joinpath(*link), link, paths, seen, links)
    for each in (paths.folders, paths.images, paths.others):
        each.sort()
    return paths


def _walk(top: Path, key: Key, paths: PathList, seen: set[str], links: list[Key]) -> None:
    for parent, folders, files in os.walk(top):
        here = (*key, *Path(parent).relative_to(top).parts)
        folders[:] = [
            name
            for name in folders
            if not _SYSTEM.fullmatch(name)
            and (Path(parent, name).is_symlink() or not _is_own(Path(parent, name)))
        ]
        for name in list(folders):
            if _SUFFIX.fullmatch(name):
                folders.remove(name)  # an image that is none
                paths.odd.append((*here, name))
            elif Path(parent, name).is_symlink():
                folders.remove(name)
                links.append((*here, name))
            elif os.path.realpath(Path(parent, name)) in seen:
                folders.remove(name)  # met again through a link
                paths.spent.append((*here, name))
            else:
                seen.add(os.path.realpath(Path(parent, name)))
                paths.folders.append((*here, name))
        inside = [(*here, name) for name in folders]
        paths.shut += [each for each in inside if not _may_read(top.joinpath(*each[len(key) :]))]
        for name in files:
            path = Path(parent, name)
            if path.is_symlink() and not path.exists() and "." not in name[1:]:
                paths.spent.append((*here, name))
            elif not _SYSTEM.fullmatch(name):
                kind = paths.images if is_image(path) else paths.others
                kind.append((*here, name))


def _may_read(folder: Path) -> bool:
    return os.access(folder, os.R_OK | os.X_OK)


def _is_own(folder: Path) -> bool:
    """Say whether the program made a folder: a run, or runs and no images beside them."""
    if not _may_read(folder):
        return False
    if (folder / "run.db").is_file():
        return True
    runs = {path.parent for path in folder.glob("*/run.db")}
    rest = (Path(top, name) for top, *names in os.walk(folder) for name in chain(*names))
    return bool(runs) and not any(
        is_image(path) for path in rest if runs.isdisjoint({path, *path.parents})
    )


def is_image(path: Path) -> bool:
    """Say whether a file is an image by its suffix, or else by its first bytes."""
    if _SUFFIX.fullmatch(path.name):
        return True
    try:
        with path.open("rb") as file:
            return bool(_FIRST.match(file.read(12)))
    except OSError:
        return False
