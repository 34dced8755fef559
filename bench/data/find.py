"""Find the image files of a folder, their classes, and the split that it may have."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.data.class_folders import (
    FOLDER_NAMES,
    Layout,
    Placed,
    Unused,
    inner_folder,
    is_train_a_class,
    name_label_table,
    parts_and_others,
    read_classes,
    show_folders,
)
from bench.data.folder_tree import Folder, is_file, is_folder, is_own, read_tree
from bench.data.given_split import read_parts, read_within_classes
from bench.data.label_table import read_labels
from bench.data.layout_names import (
    class_key,
    part_of,
    parts_within,
    sort_classes,
)
from bench.system.display import join_names
from registry.errors import DataError

_EXAMPLE = "two or more class folders (Cat/, Dog/) or named files (cat.0.jpg, dog.0.jpg)"
_BESIDE = "it lies beside the folders of images"


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
    """A file that is not used, and why; `by_name`: it does not count as an unusable image."""

    name: str
    reason: str
    by_name: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Contents of a folder: classes by label, image files in a fixed order, rejects.

    Attributes:
        classes_from: source of the classes, in words.
        split_from: source of the split in `ImageFile.part`, in words; None without one.
    """

    folder: Path
    classes: tuple[str, ...]
    images: tuple[ImageFile, ...]
    rejects: tuple[Reject, ...]
    classes_from: str = FOLDER_NAMES
    split_from: str | None = None


def find(folder: Path, *, labels: Path | None = None, group_by: str | None = None) -> Finding:
    """Return the images of `folder`, sorted by class and then by path, without decoding any.

    Classes and a split come from the names of folders and files, or from the table `labels`. Cat
    is 0 and dog is 1; other classes follow, sorted by name. The regular expression `group_by`
    finds the group of an image in its name: its first group in brackets, or the whole match.

    Raises:
        DataError: the folder does not exist, does not hold images of two classes, or can be
            understood in several ways.
    """
    _require_folder(folder)
    if is_own(folder):
        raise DataError(f"{folder} holds a run or the cache of zoo, and no images to train on")
    root = read_tree(folder)
    layout = _read_layout(root) if labels is None else read_labels(labels, root)
    kinds = sort_classes(each.kind for each in layout.placed)
    _require_classes(kinds, layout, by_names=labels is None)
    of_kind = {kind: label for label, kind in enumerate(kinds)}
    images = [_image(each, layout.top, of_kind[each.kind]) for each in layout.placed]
    images.sort(key=lambda image: (image.label, image.name))
    if group_by is not None:
        if any(image.group for image in images):
            raise DataError(f"--group-by and {labels} both name groups: use one of them")
        images = _with_groups(images, group_by)
    unused = (*layout.unused, *_not_read(root, layout, labels))
    rejects = {
        Reject(name=_name(u.path, layout.top), reason=u.reason, by_name=not u.counts)
        for u in unused
    }
    return Finding(
        folder=layout.top,
        classes=kinds,
        images=tuple(images),
        rejects=tuple(sorted(rejects)),
        classes_from=layout.classes_from,
        split_from=layout.split_from,
    )


def find_image_files(folder: Path) -> list[Path]:
    """Return every image file below `folder`, whatever its class. Raises DataError without one."""
    _require_folder(folder)
    return read_tree(folder).all_images()


def _require_folder(folder: Path) -> None:
    if not is_folder(folder):
        what = "is not a folder" if is_file(folder) else "does not exist"
        raise DataError(f"the data folder {folder} {what}: give one with {_EXAMPLE}")


def _read_layout(root: Folder) -> Layout:
    """Return the classes and parts that the names in `root` give."""
    top = root
    while inner := inner_folder(top):
        top = inner
    parts, beside = parts_and_others(top)
    if not parts:
        return read_within_classes(top) or read_classes(top)
    if not beside:
        return read_parts(top)
    if is_train_a_class(parts, beside):
        return read_classes(top)
    raise DataError(
        f"{top.path} holds {show_folders(each.name for each in parts)}, as of a split, beside "
        f"{show_folders(each.name for each in beside)}: which are the classes? Move the one or the "
        f"other away, or name one folder: --data {parts[0].path}"
    )


def _require_classes(kinds: Sequence[str], layout: Layout, *, by_names: bool) -> None:
    """Raise DataError unless `kinds` are two or more distinct classes, and no parts of a split."""
    if len(kinds) < 2:
        raise DataError(
            f"only one class, {join_names([repr(kind) for kind in kinds])}, in {layout.top}: a "
            f"comparison needs {_EXAMPLE}{name_label_table(layout.top) if by_names else ''}"
        )
    vehicle = {"train"} if layout.classes_from == FOLDER_NAMES else set()
    parts = [kind for kind in kinds if part_of(kind) and class_key(kind) not in vehicle]
    joined = [parts_within(kind) for kind in kinds]
    if by_names and (parts or (all(joined) and len(set().union(*joined)) > 1)):
        raise DataError(
            f"the {layout.classes_from} in {layout.top} give {join_names(kinds)}, which are parts "
            "of a split and no classes: make folders train/Cat, train/Dog, test/Cat, test/Dog, or "
            "give --labels FILE"
        )


def _image(placed: Placed, top: Path, label: int) -> ImageFile:
    return ImageFile(
        path=placed.path,
        label=label,
        name=_name(placed.path, top),
        part=placed.part,
        group=placed.group,
    )


def _with_groups(images: Sequence[ImageFile], pattern: str) -> list[ImageFile]:
    """Return `images` with the groups that `pattern` finds in their names."""
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise DataError(f"--group-by {pattern!r} is no regular expression: {error}") from error
    which = 1 if compiled.groups else 0
    matches = (compiled.search(image.name) for image in images)
    found = [match and match[which] for match in matches]
    missing = [image.name for image, group in zip(images, found, strict=True) if not group]
    if missing:
        raise DataError(
            f"--group-by {pattern!r} finds no group in {len(missing):,} of {len(images):,} names "
            f"({', '.join(missing[:3])}): give a pattern that fits all"
        )
    return [replace(image, group=group) for image, group in zip(images, found, strict=True)]


def _not_read(root: Folder, layout: Layout, labels: Path | None) -> list[Unused]:
    """Return the files and folders below `root` that give no image, and why."""
    table = labels and labels.name
    known = {each.path for each in layout.placed} | {each.path for each in layout.unused}
    found: list[Unused] = []
    for each in root.walk():
        found += [
            Unused(path=path, reason="it is no image") for path in each.others if path.name != table
        ]
        found += [
            Unused(path=link.path, reason=link.reason, counts=not link.loops)
            for link in each.skipped
        ]
        if each.error:
            found.append(Unused(path=each.path, reason=each.error, counts=True))
        elif not (each.images or each.others or each.folders or each.skipped):
            found.append(Unused(path=each.path, reason="an empty folder"))
        if not known.isdisjoint((each.path, *each.path.parents)):
            continue  # the whole folder is unused
        found += [Unused(path=path, reason=_BESIDE) for path in each.images if path not in known]
    return [each for each in found if each.path not in known]


def _name(path: Path, top: Path) -> str:
    """Return the path relative to `top`, with / between folders."""
    return Path(os.path.relpath(path, top)).as_posix()
