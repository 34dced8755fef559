"""Read a folder as a tree of image files and other files, without opening any image."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bench.data.image_formats import IMAGE_LIKE_SUFFIXES, looks_like_image

_HEAD = 32  # bytes that tell a format
_SYSTEM = frozenset(
    {"$recycle.bin", "recycler", "recycled", "system volume information", "found.000",
     "lost+found", "__macosx", "@eadir", "@tmp", "@recycle", "@recently-snapshot", "#recycle",
     "#snapshot", "__pycache__", "thumbs.db", "ehthumbs.db", "desktop.ini"}
)  # fmt: skip
_OWN = (("run.db",), ("checked.sqlite",), ("search.json", "spent.json"))  # a run, cache, study
A_FOLDER = "a folder with an image's name"
_LOOP = "a link to a folder that holds it"
_TWICE = "a link to a folder that is read already"
BROKEN = "a link to nothing"
_OWN_LINK = "a link to a run or the cache of zoo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A folder or link that is not read, and why; `loops`: it leads back to where it lies."""

    path: Path
    reason: str
    loops: bool = False


@dataclass(slots=True, kw_only=True, eq=False)
class Folder:
    """Content of a folder, sorted by name. Folders of systems and of this program are left out.

    Attributes:
        images: files that are pictures by their suffix, or else by their first bytes.
        others: all other files.
        error: why the folder cannot be read.
        holds_runs: whether runs or caches of this program lie directly in it.
    """

    path: Path
    images: list[Path] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)
    folders: "list[Folder]" = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    error: str | None = None
    holds_runs: bool = False

    @property
    def name(self) -> str:
        """Name of the folder."""
        return self.path.name

    def walk(self) -> "Iterator[Folder]":
        """Yield this folder and all below it."""
        yield self
        for each in self.folders:
            yield from each.walk()

    def all_images(self) -> list[Path]:
        """Return the image files in it and below it."""
        return [path for folder in self.walk() for path in folder.images]

    @property
    def holds_images(self) -> bool:
        """Whether an image file lies in it or below it."""
        return any(folder.images for folder in self.walk())


def is_system_name(name: str) -> bool:
    """Return whether a file or folder of this name is hidden, or made by a system."""
    return name.startswith(".") or name.casefold() in _SYSTEM


def is_folder(path: Path) -> bool:
    """Return whether a folder lies at `path`; False if that cannot be known."""
    try:
        return path.is_dir()
    except OSError:  # no permission, or too long a name
        return False


def is_file(path: Path) -> bool:
    """Return whether a regular file lies at `path`; False if that cannot be known."""
    try:
        return path.is_file()
    except OSError:
        return False


def is_image_file(path: Path) -> bool:
    """Return whether a file is a picture by its suffix, or else by its first bytes."""
    if path.suffix.lower() in IMAGE_LIKE_SUFFIXES:
        return True
    if not is_file(path):  # opening a pipe would wait
        return False
    try:
        with path.open("rb") as file:
            return looks_like_image(file.read(_HEAD))
    except OSError:
        return False


def read_tree(root: Path) -> Folder:
    """Return the content of `root`. Each folder is read once, also where links lead to it."""
    seen: set[tuple[int, int]] = set()
    links: list[tuple[Folder, Path]] = []
    tree = _read(root, seen, links)
    above = {_identity(parent) for parent in root.resolve().parents}
    while links:
        parent, link = links.pop(0)
        if (who := _identity(link)) in seen or who in above:
            loops = who in above or link.resolve() in link.parent.resolve().parents
            loops = loops or link.resolve() == link.parent.resolve()
            reason = _LOOP if loops else _TWICE
            parent.skipped.append(Skipped(path=link, reason=reason, loops=loops))
        elif is_own(link):
            parent.skipped.append(Skipped(path=link, reason=_OWN_LINK))
        else:
            _keep(_read(link, seen, links), parent)
    return tree


def _read(path: Path, seen: set[tuple[int, int]], links: list[tuple[Folder, Path]]) -> Folder:
    """Return the content of `path`; links to folders are added to `links`, to be read later."""
    folder = Folder(path=path)
    seen.add(_identity(path))
    try:
        entries = sorted(os.scandir(path), key=lambda entry: entry.name)
    except OSError as error:
        folder.error = error.strerror or str(error)
        return folder
    for entry in entries:
        each = Path(entry.path)
        inside = is_folder(each)
        own = inside and is_own(each)
        folder.holds_runs |= own
        if is_system_name(entry.name):
            continue
        if not inside:
            _add_file(folder, each)
        elif each.suffix.lower() in IMAGE_LIKE_SUFFIXES:
            folder.skipped.append(Skipped(path=each, reason=A_FOLDER))
        elif entry.is_symlink():
            links.append((folder, each))
        elif not own:
            _keep(_read(each, seen, links), folder)
    return folder


def _add_file(folder: Folder, path: Path) -> None:
    if is_image_file(path):
        folder.images.append(path)
    elif path.is_symlink() and not (is_file(path) or is_folder(path)):
        folder.skipped.append(Skipped(path=path, reason=BROKEN))
    else:
        folder.others.append(path)


def _keep(found: Folder, parent: Folder) -> None:
    """Add `found` to `parent`, unless it holds runs of this program and no image."""
    if not found.holds_runs or found.holds_images or found.skipped:
        parent.folders.append(found)
        parent.folders.sort(key=lambda folder: folder.name)


def is_own(path: Path) -> bool:
    """Return whether this program made the folder: a run, a study, or its cache."""
    return any(all(is_file(path / name) for name in names) for names in _OWN)


def _identity(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino
