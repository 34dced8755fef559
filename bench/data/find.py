"""Find the image files of a folder, and their classes."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from registry.errors import DataError

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff"})
_PLURALS = {"cats": "cat", "dogs": "dog"}
_WRAPPERS = ("train", "training", "petimages")
_EXAMPLE = "two or more class folders (Cat/, Dog/) or named files (cat.0.jpg, dog.0.jpg)"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFile:
    """An image file: its path, its label, its name within the folder.

    Attributes:
        part: train, validation or test, where the folder's owner made a split.
        group: name of what the image belongs together with (a patient, a video), if known.
    """

    path: Path
    label: int
    name: str
    part: str | None = None
    group: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Reject:
    """A file that is not used, and why; `by_name`: its name alone rules it out."""

    name: str
    reason: str
    by_name: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Contents of a folder: classes by label, image files in a fixed order, rejects."""

    folder: Path
    classes: tuple[str, ...]
    images: tuple[ImageFile, ...]
    rejects: tuple[Reject, ...]


def find(folder: Path) -> Finding:
    """Return the images of `folder`, sorted by class and then by path, without opening any.

    The layouts are `Cat/cat.0.jpg`, `cats/...`, `PetImages/Cat/0.jpg` and flat `cat.0.jpg` (also
    under `train/`). The class is the folder's name, else the first letters of the file name.
    Cat is 0 and dog is 1; other classes follow, sorted by name.

    Raises:
        DataError: the folder does not exist, or does not hold images of two classes.
    """
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "does not exist"
        raise DataError(f"the data folder {folder} {what}: give one with {_EXAMPLE}")
    wrappers = (child for child in sorted(folder.iterdir()) if child.name.lower() in _WRAPPERS)
    root = next(filter(Path.is_dir, wrappers), folder)
    named: list[tuple[str, Path, str]] = []
    rejects: list[Reject] = []
    for path in _files(root, rejects):
        name = path.relative_to(root).as_posix()
        kind = _class_name(path, root)
        if path.suffix.lower() not in IMAGE_SUFFIXES:
            rejects.append(Reject(name=name, reason="its name has no image suffix", by_name=True))
        elif kind is None:
            reason = "neither folder nor file name gives a class"
            rejects.append(Reject(name=name, reason=reason, by_name=True))
        else:
            named.append((kind, path, name))
    kinds = {kind for kind, _, _ in named}
    classes = tuple(sorted(kinds, key=lambda name: (name != "cat", name != "dog", name)))
    if not classes:
        raise DataError(f"no images in {folder}: a comparison needs {_EXAMPLE}")
    if len(classes) == 1:
        raise DataError(
            f"only one class, {classes[0]!r}, in {folder}: a comparison needs {_EXAMPLE}"
        )
    labels = {kind: label for label, kind in enumerate(classes)}
    images = [ImageFile(path=path, label=labels[kind], name=name) for kind, path, name in named]
    images.sort(key=lambda image: (image.label, image.name))
    return Finding(
        folder=root, classes=classes, images=tuple(images), rejects=tuple(sorted(rejects))
    )


def _files(root: Path, rejects: list[Reject]) -> Iterator[Path]:
    """Yield the visible files below `root`; folders that cannot be read become rejects."""

    def reject(path: str | Path, reason: str) -> None:
        rejects.append(Reject(name=Path(path).relative_to(root).as_posix(), reason=reason))

    for parent, folders, names in os.walk(
        root, onerror=lambda error: reject(error.filename, error.strerror or str(error))
    ):
        visible = sorted(name for name in folders if not name.startswith("."))
        folders.clear()  # os.walk enters what is added below
        for path in (Path(parent, name) for name in visible):
            if path.suffix.lower() in IMAGE_SUFFIXES:
                reject(path, "a folder with an image's name")
            elif path.is_symlink():
                reject(path, "a link to a folder, which is not followed")
            else:
                folders.append(path.name)
        yield from (Path(parent, name) for name in sorted(names) if not name.startswith("."))


def _class_name(path: Path, root: Path) -> str | None:
    parts = path.relative_to(root).parts
    if len(parts) > 1:
        folder = parts[0].lower()
        return _PLURALS.get(folder, folder)
    letters = re.match(r"[^\W\d_]+", path.name)
    return letters.group().lower() if letters and letters.end() < len(path.stem) else None
