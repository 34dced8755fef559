"""Read a split that somebody made: folders of parts that hold classes, or the reverse.

```text
train/Cat/0.jpg  val/Cat/1.jpg  test/Cat/2.jpg      also training_set/training_set/Cat/0.jpg
Cat/train/0.jpg  Cat/val/1.jpg  Cat/test/2.jpg
```
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from bench.data.class_folders import (
    Layout,
    Unused,
    class_folders_of,
    describe_content,
    inner_folder,
    is_train_a_class,
    parts_and_others,
    place,
    read_classes,
    require_classes_above,
    require_distinct,
    require_images,
    require_no_parts,
    show_folders,
)
from bench.data.folder_tree import Folder
from bench.data.layout_names import PARTS, Part, class_key, class_of_file, part_of
from bench.system.display import count_noun
from registry.errors import DataError

_VERBS = MappingProxyType({"train": "trains", "validation": "validates", "test": "tests"})
_MOVED: MappingProxyType[Part, Part] = MappingProxyType({"validation": "test"})


def read_parts(top: Folder) -> Layout:
    """Return the layout of folders of a split: train/, and val/ or test/ or both.

    Raises:
        DataError: the names can be understood in several ways, or the parts do not fit.
    """
    found = _parts_of(top)
    layouts = {part: _read_part(each, part) for part, each in found.items()}
    if "train" not in layouts or not layouts["train"].placed:
        raise DataError(
            f"{top.path} holds {show_folders(each.name for each in found.values())}, but no images "
            "to train on: add them to train/, or name a folder of classes"
        )
    used = {part: layout for part, layout in layouts.items() if layout.placed}
    unused = tuple(each for layout in layouts.values() for each in layout.unused)
    if len(used) == 1:
        return replace(used["train"], unused=unused)
    _require_equal_classes({found[part].name: layout for part, layout in used.items()})
    whole = Layout(
        top=top.path,
        placed=tuple(replace(p, part=part) for part in used for p in used[part].placed),
        unused=unused,
        classes_from=" and ".join(dict.fromkeys(each.classes_from for each in used.values())),
    )
    return with_split(whole, {part: f"{found[part].name}/" for part in used})


def read_within_classes(top: Folder) -> Layout | None:
    """Return the layout of parts within each class: Cat/train/, Cat/test/; None without them.

    Raises:
        DataError: the classes have different parts, or images beside them.
    """
    folders = class_folders_of(top)
    within = any(parts_and_others(each)[0] for each in folders)
    if not within or any(part_of(each.name) for each in folders):
        return None
    require_images(top, folders)
    require_distinct([each.name for each in folders], top.path)
    parts = [_parts_of_class(each) for each in folders]
    if any(set(each) != set(parts[0]) for each in parts):
        raise DataError(
            f"the classes in {top.path} have different parts: each needs the same of train/, val/ "
            "and test/"
        )
    require_classes_above([sub for found in parts for sub in found.values()])
    placed = [
        each
        for folder, found in zip(folders, parts, strict=True)
        for part, sub in found.items()
        for each in place(folder, sub.all_images(), part)
    ]
    whole = Layout(top=top.path, placed=tuple(placed))
    return with_split(whole, {part: f"*/{sub.name}/" for part, sub in parts[0].items()})


def with_split(layout: Layout, names: Mapping[Part, str]) -> Layout:
    """Return `layout` with the source of its split; `names` are those of its parts.

    A validation part without a test part becomes the test. Only `train` is no split.

    Raises:
        DataError: no image trains.
    """
    if "train" not in names:
        raise DataError(f"{layout.top} has no training images, only {', '.join(names.values())}")
    moved = {} if "test" in names else _MOVED
    if len(names) == 1:
        return replace(layout, placed=tuple(replace(each, part=None) for each in layout.placed))
    to = {part: moved.get(part, part) for part in PARTS}
    placed = tuple(replace(each, part=each.part and to[each.part]) for each in layout.placed)
    told = [f"{names[part]} {_VERBS[to[part]]}" for part in PARTS if part in names]
    if moved or "validation" not in names:
        told.append("validation images are drawn from train")
    return replace(layout, placed=placed, split_from=", ".join(told))


def _parts_of(top: Folder) -> dict[Part, Folder]:
    """Return the folders of the parts of a split; an empty one only if there is no other."""
    found: dict[Part, Folder] = {}
    for link in top.skipped:
        if part_of(link.path.name) and not link.loops:
            raise DataError(f"{link.path} is {link.reason}: remove it, or make it a folder")
    for each in sorted(top.folders, key=lambda each: not (each.holds_images or each.error)):
        part = part_of(each.name)
        if part in found and not (each.holds_images or each.error):
            continue
        if part in found:
            raise DataError(
                f"{top.path} holds two folders for one part of a split, {found[part].name}/ and "
                f"{each.name}/: move one away"
            )
        if part is not None:
            found[part] = each
    return found


def _read_part(folder: Folder, part: Part) -> Layout:
    """Return the classes within a part; no image is placed if the part has none, or no names."""
    top = folder
    while inner := inner_folder(top):
        if part_of(inner.name) not in (None, part):
            raise DataError(f"{inner.path} lies in {folder.name}/: which part of a split is it?")
        top = inner
    nested, beside = parts_and_others(top)
    if nested and not is_train_a_class(nested, beside):
        names = show_folders(each.name for each in nested)
        raise DataError(f"{top.path} holds {names}: which part of a split is it?")
    if not folder.holds_images:
        if any(each.error for each in folder.walk()):
            raise DataError(f"{folder.path} gives no image: {describe_content(folder)}")
        reason = describe_content(folder)
    elif part == "test" and _is_unlabelled(top):
        reason = f"the names of its {count_noun(len(top.images), 'image')} give no classes"
    else:
        return read_classes(top)
    return Layout(top=top.path, placed=(), unused=(Unused(path=folder.path, reason=reason),))


def _is_unlabelled(top: Folder) -> bool:
    """Return whether `top` holds images alone, most of them without a class in their names."""
    named = [path for path in top.images if class_of_file(path.stem)]
    return 2 * len(named) < len(top.images) and not any(each.holds_images for each in top.folders)


def _parts_of_class(folder: Folder) -> dict[Part, Folder]:
    """Return the parts within a class folder, which holds nothing else."""
    parts = {part: sub for part, sub in _parts_of(folder).items() if sub.holds_images or sub.error}
    others = [sub.name for sub in folder.folders if sub.holds_images and not part_of(sub.name)]
    beside = [*([show_folders(others)] if others else []), *(["images"] if folder.images else [])]
    if beside or not parts:
        raise DataError(
            f"{folder.path} holds {' and '.join(beside) or 'no parts'}: a split within a class "
            "needs train/, and val/ or test/, with images in each, and nothing else"
        )
    for each in parts.values():
        if each.error is not None:
            raise DataError(f"cannot read {each.path}: {each.error}")
        require_no_parts(each)
    return parts


def _require_equal_classes(layouts: dict[str, Layout]) -> None:
    """Raise DataError unless all parts have the same classes."""
    kinds = {name: {each.kind for each in layout.placed} for name, layout in layouts.items()}
    everything = set.union(*kinds.values())
    for name, found in kinds.items():
        for missing in sorted(everything - found):
            alike = [kind for kind in found if class_key(kind) == class_key(missing)]
            why = f"but {alike[0]!r}: rename one" if alike else "so no part may be compared"
            raise DataError(
                f"the parts of the split have different classes: {name}/ has no {missing!r}, {why}"
            )
