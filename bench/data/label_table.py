"""Read labels, and perhaps a split and groups, from a table: CSV or TSV, a row for each image."""

import csv
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.data.class_folders import LABEL_COLUMNS, Layout, Placed, Unused, require_distinct
from bench.data.folder_tree import Folder
from bench.data.given_split import with_split
from bench.data.layout_names import class_key, class_name, part_of
from bench.system.display import join_names
from registry.errors import DataError

_NAMES = {  # of a column, the first that the table has
    "file": ("file", "filename", "file_name", "image", "image_name", "image_id", "path", "id"),
    "label": LABEL_COLUMNS,
    "split": ("split", "part", "subset", "set"),
    "group": ("group", "group_id", "patient", "patient_id", "subject", "subject_id"),
}
_SHOWN = 3  # names in a message
_SAMPLE = 8192  # characters that tell the separator


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    """Rows of a table, by the names of `_NAMES`; `columns`: the names in the file."""

    path: Path
    columns: dict[str, str]
    rows: tuple[dict[str, str], ...]


def read_labels(path: Path, root: Folder) -> Layout:
    """Return the images of `root` with the labels in the table `path`.

    Its columns are `file` (or id, image, path) and `label` (or class); `split` and `group` may
    follow. A file is a path within the folder or a name, with or without its suffix. A relative
    `path` may also lie in the folder.

    Raises:
        DataError: the table cannot be read, lacks a column, contradicts itself, names a file that
            fits several images, or names no image.
    """
    table = _read_table(path if path.is_file() else root.path / path)
    images, placed, missing = _Images(root), dict[Path, Placed](), list[Unused]()
    for row in table.rows:
        image = images.find(row["file"], table.path)
        if image is None:
            reason = f"named in {table.path.name}, but not there"
            missing.append(Unused(path=root.path / row["file"], reason=reason, counts=True))
        elif not row["label"]:
            missing.append(Unused(path=image, reason="it has no label", counts=True))
        elif placed.setdefault(image, one := _placed(image, row, table)) != one:
            raise DataError(f"{table.path} has two different rows for {row['file']}: remove one")
    if not placed:
        first = ", ".join(row["file"] for row in table.rows[:_SHOWN])
        raise DataError(
            f"{table.path} has {len(table.rows):,} rows ({first}), but none names an image in "
            f"{root.path} and its label"
        )
    require_distinct((row["label"] for row in table.rows if row["label"]), table.path)
    listed = {*placed, *(each.path for each in missing)}
    rest = [
        Unused(path=image, reason=f"not in {table.path.name}")
        for image in root.all_images()
        if image not in listed
    ]
    return _layout(table, root, list(placed.values()), [*missing, *rest])


def _layout(table: _Table, root: Folder, placed: list[Placed], unused: list[Unused]) -> Layout:
    source = f"{table.path.name}, column {table.columns['label']}"
    whole = Layout(top=root.path, placed=tuple(placed), unused=tuple(unused), classes_from=source)
    if "split" not in table.columns:
        return whole
    names = {each.part: each.part for each in placed if each.part}
    found = with_split(whole, names)
    told = f"{table.path.name}, column {table.columns['split']}: {found.split_from}"
    return replace(found, split_from=told) if found.split_from else found


def _placed(image: Path, row: dict[str, str], table: _Table) -> Placed:
    part = None
    if "split" in table.columns and (part := part_of(row["split"])) is None:
        raise DataError(
            f"{table.path} has the split {row['split']!r} for {row['file']}: use train, val or test"
        )
    return Placed(path=image, kind=class_name(row["label"]), part=part, group=row["group"] or None)


def _read_table(path: Path) -> _Table:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise DataError(f"cannot read the labels in {path}: {why}") from error
    lines = list(csv.reader(text.splitlines(), delimiter=_separator(text[:_SAMPLE])))
    header = [class_key(name) for name in lines[0]] if lines else []
    places = {
        name: next((header.index(each) for each in known if each in header), None)
        for name, known in _NAMES.items()
    }
    for name in ("file", "label"):
        if places[name] is None:
            raise DataError(
                f"{path} has the columns {join_names(lines[0] if lines else []) or 'none'}, but "
                f"none for the {name}: name one {name!r}"
            )
    rows = [
        {name: _cell(line, place) for name, place in places.items()}
        for line in lines[1:]
        if any(cell.strip() for cell in line)
    ]
    columns = {name: lines[0][place] for name, place in places.items() if place is not None}
    return _Table(path=path, columns=columns, rows=tuple(rows))


def _separator(text: str) -> str:
    """Return the separator that the first line has most of: tab, semicolon or comma."""
    first = text.partition("\n")[0]
    return max("\t;,", key=first.count)


def _cell(line: Sequence[str], place: int | None) -> str:
    return line[place].strip() if place is not None and place < len(line) else ""


class _Images:
    """The images of a folder by path and by name, with and without suffix."""

    def __init__(self, root: Folder) -> None:
        self._found = [defaultdict[str, list[Path]](list) for _ in range(4)]
        for path in root.all_images():
            inner = path.relative_to(root.path)
            names = (inner, inner.with_suffix(""), Path(path.name), Path(path.stem))
            for found, name in zip(self._found, names, strict=True):
                found[_key(name.as_posix())].append(path)

    def find(self, file: str, table: Path) -> Path | None:
        """Return the image that `file` names, if any; raise DataError if it names several."""
        key = _key(file.replace("\\", "/").removeprefix("./"))
        images = next((each[key] for each in self._found if key in each), [])
        if len(images) > 1:
            names = ", ".join(str(path) for path in images[:_SHOWN])
            raise DataError(
                f"{file!r} in {table} fits {len(images)} images ({names}): write the path within "
                "the folder, with its suffix"
            )
        return images[0] if images else None


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", name)
