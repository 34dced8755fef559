"""Read classes from the names of folders, or from the names of files in one folder.

```text
Cat/0.jpg  Dog/0.jpg     folder names; also within photographs/ or train/
cat.0.jpg  dog.0.jpg     file names: all before the number at their end
```
"""

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from bench.data.folder_tree import BROKEN, Folder
from bench.data.layout_names import (
    Part,
    class_key,
    class_name,
    class_of_file,
    is_annotation_name,
    is_container_name,
    part_of,
)
from bench.system.display import count_noun
from registry.errors import DataError

FOLDER_NAMES, FILE_NAMES = "folder names", "file names"
LABEL_COLUMNS = ("label", "class", "class_name", "category", "target", "species", "breed")
_LABEL_COLUMN = re.compile(rf"\b({'|'.join(LABEL_COLUMNS)})\b")
_FILE = re.compile(r"\.\w{1,5}$")  # a suffix: the name of a file
_LINE = 4096  # characters of a first line that are read
_SHOWN = 4  # names in a message
_FEW = 10  # classes that may have one image each; more must have two on average


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """An image file, the name of its class, and its part of a split that somebody made."""

    path: Path
    kind: str
    part: Part | None = None
    group: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unused:
    """A file or folder that is not used, and why; `counts`: as an image that cannot be used."""

    path: Path
    reason: str
    counts: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What the names in a folder say.

    Attributes:
        top: folder to which the names of images are relative.
        classes_from: source of the classes, in words.
        split_from: source of the split, in words; None without one.
    """

    top: Path
    placed: tuple[Placed, ...]
    unused: tuple[Unused, ...] = ()
    classes_from: str = FOLDER_NAMES
    split_from: str | None = None


def class_folders_of(top: Folder) -> list[Folder]:
    """Return the folders of `top` that may be classes: those of annotations alone may not."""
    return [each for each in top.folders if each.holds_images or not _describes_images(each)]


def inner_folder(top: Folder) -> Folder | None:
    """Return the folder that holds all images of `top`, if it cannot be a class itself."""
    folders = class_folders_of(top)
    if len(folders) > 1:  # one of all images may lie beside annotations
        folders = [each for each in folders if not is_annotation_name(each.name)]
        if any(part_of(each.name) for each in folders):
            return None
    if len(folders) != 1 or top.images or not folders[0].holds_images:
        return None
    only = folders[0]
    holds_folders = bool(only.folders) and not only.images
    return only if holds_folders or is_container_name(only.name) else None


def parts_and_others(top: Folder) -> tuple[list[Folder], list[Folder]]:
    """Return the folders in `top` that hold images: those named as parts of a split, and others.

    A part that cannot be read is among them.
    """
    named = [each for each in top.folders if part_of(each.name)]
    parts = [each for each in named if each.holds_images or each.error is not None]
    others = [each for each in top.folders if not part_of(each.name) and each.holds_images]
    return parts, others


def is_train_a_class(parts: Sequence[Folder], beside: Sequence[Folder]) -> bool:
    """Return whether `train` is a vehicle, as beside bus/ and car/, and no part of a split."""
    if [class_key(each.name) for each in parts] != ["train"] or not beside:
        return False
    (train,) = parts
    others = {class_key(class_name(each.name)) for each in beside}
    names = [kind for path in train.images if (kind := class_of_file(path.stem))]
    named = {class_key(class_name(name)) for name in names}
    more = any(part_of(sub.name) and sub.holds_images for each in beside for sub in each.walk())
    return bool(train.images) and not train.folders and not named & others and not more


def require_no_parts(folder: Folder) -> None:
    """Raise DataError if a folder with images below `folder` is named as a part of a split."""
    for sub in folder.walk():
        if sub is not folder and part_of(sub.name) and sub.holds_images:
            raise DataError(
                f"{sub.path} lies within {folder.path}: is it a part of a split? Move it to the "
                "other parts, or give it another name"
            )


def read_classes(top: Folder) -> Layout:
    """Return the layout of class folders, or else of file names.

    Raises:
        DataError: the names give no classes, or can be understood in several ways.
    """
    if top.error is not None:
        raise DataError(f"cannot read {top.path}: {top.error}")
    if not any(each.holds_images for each in top.folders):
        return _read_file_names(top)
    folders = class_folders_of(top)
    _require_class_names(top, folders)
    require_images(top, folders)
    require_distinct([each.name for each in folders], top.path)
    require_classes_above(folders)
    for each in folders:
        require_no_parts(each)
    placed = chain.from_iterable(place(each, each.all_images()) for each in folders)
    return Layout(top=top.path, placed=tuple(placed))


def place(folder: Folder, paths: Iterable[Path], part: Part | None = None) -> list[Placed]:
    """Return `paths` with the class that the name of `folder` gives."""
    kind = class_name(folder.name)
    return [Placed(path=path, kind=kind, part=part) for path in paths]


def require_images(top: Folder, folders: Sequence[Folder]) -> None:
    """Raise DataError for a class folder, or a link to one, that gives no image."""
    for each in folders:
        if not each.holds_images:
            raise DataError(
                f"the class folder {each.path} gives no image: {describe_content(each)}. "
                "Remove it, or put images into it"
            )
    for link in top.skipped:
        a_file = link.reason == BROKEN and _FILE.search(link.path.name)
        if not link.loops and not a_file:
            raise DataError(
                f"{link.path} is {link.reason}, so this class has no image: remove it, or make it "
                "a folder with another name"
            )


def require_distinct(names: Iterable[str], where: Path) -> None:
    """Raise DataError if two names of classes differ only by case, form or plural."""
    seen: dict[str, str] = {}
    for name in names:
        if (other := seen.setdefault(class_key(class_name(name)), name)) != name:
            raise DataError(
                f"the classes {other!r} and {name!r} in {where} differ only by case or form: "
                "rename or join them"
            )


def _require_class_names(top: Folder, folders: Sequence[Folder]) -> None:
    """Raise DataError if a folder beside others, or beside images, seems to be no class."""
    unclear = [
        each
        for each in folders
        if (is_container_name(each.name) and not part_of(each.name))
        or is_annotation_name(each.name)
    ]
    if len(folders) == 1 and top.images:
        unclear = list(folders)
    if unclear:
        beside = (
            "images"
            if len(folders) == 1
            else show_folders(each.name for each in folders if each is not unclear[0])
        )
        raise DataError(
            f"{unclear[0].path} lies beside {beside}: which are the classes? Move the one or the "
            f"other away, or name one folder: --data {unclear[0].path}"
        )


def require_classes_above(folders: Sequence[Folder]) -> None:
    """Raise DataError if the classes may be one level below: day1/{Cat,Dog}, day2/{Cat,Dog}."""
    below = [{sub.name for sub in each.folders if sub.holds_images} for each in folders]
    common = set.intersection(*below)
    if len(folders) > 1 and len(common) > 1 and not any(each.images for each in folders):
        raise DataError(
            f"{show_folders(each.name for each in folders)} in {folders[0].path.parent} all hold "
            f"{show_folders(sorted(common))}: which are the classes? Name one folder, --data "
            f"{folders[0].path}, or give --labels FILE"
        )


def _read_file_names(top: Folder) -> Layout:
    """Return the layout of images in one folder, whose names begin with their class."""
    if not top.images:
        raise DataError(f"no images in {top.path}: {describe_content(top)}")
    kinds = {path: class_of_file(path.stem) for path in top.images}
    placed = tuple(Placed(path=path, kind=class_name(kind)) for path, kind in kinds.items() if kind)
    classes = {each.kind for each in placed}
    if 2 * len(placed) < len(kinds) or (len(classes) >= _FEW and 2 * len(classes) > len(placed)):
        first = ", ".join(path.name for path in top.images[:3])
        raise DataError(
            f"{top.path} holds {count_noun(len(kinds), 'image file')}, but their names give no "
            f"classes ({first}): put the images of each class into a folder, begin names with the "
            f"class (cat.0.jpg), or give --labels FILE{name_label_table(top.path)}"
        )
    require_distinct([kind for kind in kinds.values() if kind], top.path)
    unnamed = (
        Unused(path=path, reason="its name gives no class", counts=True)
        for path, kind in kinds.items()
        if not kind
    )
    return Layout(top=top.path, placed=placed, unused=tuple(unnamed), classes_from=FILE_NAMES)


def _describes_images(folder: Folder) -> bool:
    """Return whether `folder` holds facts about images, and no image: annotations/*.xml."""
    unread = any(each.error for each in folder.walk())
    return is_annotation_name(folder.name) and not folder.holds_images and not unread


def describe_content(folder: Folder) -> str:
    """Return what is in a folder without images."""
    if folder.error is not None:
        return f"cannot read it ({folder.error})"
    others = [path for each in folder.walk() for path in each.others]
    skipped = [each for sub in folder.walk() for each in sub.skipped]
    if skipped and not others:
        return f"it holds {skipped[0].path.name}, {skipped[0].reason}"
    if not others:
        return "it is empty" if not folder.folders else "its folders are empty"
    first = ", ".join(path.name for path in others[:3])
    return f"it holds {count_noun(len(others), 'file')}, none of them an image ({first})"


def name_label_table(folder: Path) -> str:
    """Return where a table lies that seems to hold labels, in `folder` or beside it, or ""."""
    for place in (folder, folder.parent):
        for path in sorted(place.glob("*.[ct]sv")):
            with suppress(OSError, UnicodeDecodeError), path.open(encoding="utf-8-sig") as file:
                if _LABEL_COLUMN.search(file.readline(_LINE).casefold()):
                    return f"; {path.name} lies there: try --labels {path}"
    return ""


def show_folders(names: Iterable[str]) -> str:
    """Return names of folders as a text; of many, the first."""
    shown = [f"{name}/" for name in names]
    return ", ".join(shown[:_SHOWN]) + (", ..." if len(shown) > _SHOWN else "")
