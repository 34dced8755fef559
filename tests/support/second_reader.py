"""A second reader of folders of pictures, written apart from the program's, from its page alone.

It works on flat lists of relative paths; nothing here is imported from the program.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from path_list import Key, PathList, listed

PARTS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}
_FILLERS = r"(?:sets?|data|datasets?|images?|imgs?|pictures?|photos?|files?|folder|split|\d+)"
_PART_NAME = re.compile(
    rf"(?:seg|{_FILLERS})*({'|'.join(sorted(PARTS, key=len, reverse=True))}){_FILLERS}*"
)
_CONTAINER = re.compile(rf"{_FILLERS}+")
_ASIDE = re.compile(r"(?:annotation|label|mask|doc|segmentation)s?|meta(?:data)?|json|csv|xmls?")
_CAMERA = re.compile(r"(img|dsc|dscn|dscf|pxl|dcim|mvimg|screenshot|image|photo|picture)[a-z]?")
_TEXTBOOK = {"cat": "cat", "cats": "cat", "dog": "dog", "dogs": "dog"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a folder says: its classes, class and part of each image, images not used."""

    classes: tuple[str, ...]
    images: dict[str, tuple[str, str | None]]
    unused: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A folder that can be understood in two ways, or in none, and why."""

    reason: str


class _UnclearError(Exception):
    """The folder cannot be understood in one way only."""


def read_again(folder: Path) -> Reading | Refusal:
    """Return the one reading of `folder`, or why there is none."""
    paths = listed(folder)
    try:
        _require(not paths.is_own, "a run of the program")
        found = _read(paths)
        _require(len({kind for kind, _ in found.values()}) > 1, "only one class")
    except _UnclearError as error:
        return Refusal(reason=str(error))
    return Reading(
        classes=ordered({kind for kind, _ in found.values()}),
        images={"/".join(path): where for path, where in found.items()},
        unused=frozenset("/".join(path) for path in paths.images if path not in found),
    )


def ordered(classes: Iterable[str]) -> tuple[str, ...]:
    """Return the classes with cat and dog first, then without regard to case."""
    return tuple(sorted(classes, key=lambda name: (name != "cat", name != "dog", name.casefold())))


def part_of(name: str) -> str | None:
    """Return the part of a split that a folder of this name is, if it is one."""
    found = _PART_NAME.fullmatch(_letters(name))
    return PARTS[found.group(1)] if found else None


def class_in(name: str) -> str | None:
    """Return the class that a file name gives: all before the number at its end."""
    stem = unicodedata.normalize("NFC", name)
    stem = stem[: stem.rindex(".")] if "." in stem[1:] else stem
    found = re.fullmatch(r"(.*?)[\s._-]*\(?\d+\)?", stem)
    kind = found.group(1) if found else ""
    if not re.search(r"[^\W\d_]", kind) or _CAMERA.fullmatch(_first_letters(kind)):
        return None
    is_hash = re.fullmatch(r"[0-9a-f-]{8,}", stem.lower()) and re.search(r"\d", stem)
    return None if is_hash else kind


def shown(name: str) -> str:
    """Return the name of a class as it is shown."""
    name = unicodedata.normalize("NFC", name)
    return _TEXTBOOK.get(name.lower(), name)


def _read(paths: PathList) -> dict[Key, tuple[str, str | None]]:
    at = _entered(paths, ())
    names = _names(paths, at)
    if names and all(map(part_of, names)):
        return _split_first(paths, at, names)
    folders = [name for name in paths.folders_in(at) if not part_of(name)]
    if not _train(names) and any(
        part_of(below) for name in folders for below in _names(paths, (*at, name))
    ):
        _require_no_part(paths, at, names)
        return _split_last(paths, at, names)
    return {path: (kind, None) for path, kind in _classes(paths, at).items()}


def _entered(paths: PathList, at: Key, part: str | None = None) -> Key:
    """Return the folder below `at` that has something to tell apart."""
    while (name := _lone(paths, at)) is not None:
        within = part_of(name)
        _require(not (part and within and within != part), "a part within another part")
        at = (*at, name)
    return at


def _lone(paths: PathList, at: Key) -> str | None:
    """Return the one folder in `at` that is only a wrapper."""
    if paths.files_in(at):
        return None
    names = _names(paths, at)
    main = [name for name in names if not _is_aside(name)] or names
    void = [name for name in _barren(paths, at) if not _is_aside(name)]
    if len(main) != 1 or void or (part_of(main[0]) and len(names) > 1):
        return None
    is_wrapper = _is_container(main[0]) or not paths.files_in((*at, main[0]))
    return main[0] if is_wrapper else None


def _split_first(
    paths: PathList, at: Key, names: Sequence[str]
) -> dict[Key, tuple[str, str | None]]:
    _require(not any(part_of(path[-1]) for path in paths.spent_in(at)), "a link as a part")
    empty = [(*at, name) for name in paths.folders_in(at) if part_of(name) and name not in names]
    _require(not any(each[: len(at) + 1] in empty for each in paths.shut), "a part that is shut")
    parts = {part_of(name): name for name in names}
    _require(len(parts) == len(names), "two folders for one part")
    _require("train" in parts, "nothing to train on")
    found = {}
    for part, name in parts.items():
        if part == "test" and _tells_nothing(paths, (*at, name)):
            continue
        found[part] = _classes(paths, _entered(paths, (*at, name), part))
    _require(len({frozenset(each.values()) for each in found.values()}) == 1, "different classes")
    return _in_parts(found)


def _tells_nothing(paths: PathList, at: Key) -> bool:
    """Say whether most file names of a test part give no class."""
    at = _entered(paths, at, "test")
    files = paths.files_in(at)
    if any(paths.images_below((*at, name)) for name in _names(paths, at)):
        return False
    return _most(class_in(path[-1]) is None for path in files)


def _split_last(
    paths: PathList, at: Key, names: Sequence[str]
) -> dict[Key, tuple[str, str | None]]:
    found: dict[str, dict[Key, str]] = {}
    for name in names:
        folder = (*at, name)
        below = _names(paths, folder)
        plain = bool(below) and all(map(part_of, below))
        _require(plain, "a class with more than parts, or without images in one")
        _require(not paths.files_in(folder), "images beside the parts of a class")
        shut = any(part_of(path[-1]) for path in paths.shut if path[:-1] == folder)
        _require(not shut, "a part that is shut")
        _require(not any(part_of(path[-1]) for path in paths.spent_in(folder)), "a link as a part")
        _require(len(set(map(part_of, below))) == len(below), "two folders for one part")
        for each in below:
            images = paths.images_below((*folder, each))
            _require(not _inner_parts(paths, (*folder, each)), "part in a part")
            found.setdefault(part_of(each) or "", {}).update(dict.fromkeys(images, shown(name)))
    within = [(*at, name, each) for name in names for each in _names(paths, (*at, name))]
    _require(not _are_alike(paths, within), "each part holds the same folders")
    _require_folders(paths, at, names)
    _require("train" in found, "nothing to train on")
    _require(len({frozenset(each.values()) for each in found.values()}) == 1, "different classes")
    return _in_parts(found)


def _inner_parts(paths: PathList, at: Key) -> set[str | None]:
    """Return the parts that folders anywhere below `at` are, if they give images."""
    inside = [each for each in paths.folders if each[: len(at)] == at != each]
    return {part_of(each[-1]) for each in inside if paths.images_below(each)} - {None}


def _in_parts(found: dict[str, dict[Key, str]]) -> dict[Key, tuple[str, str | None]]:
    """Return class and part of each image; alone, train is no split, and val tests."""
    told = {part: part if len(found) > 1 else None for part in found}
    if "test" not in found and "validation" in found:
        told["validation"] = "test"
    return {
        path: (kind, told[part]) for part, images in found.items() for path, kind in images.items()
    }


def _classes(paths: PathList, at: Key) -> dict[Key, str]:
    """Return the class of each image below `at` that has one."""
    names = _names(paths, at)
    if not any(paths.images_below((*at, name)) for name in names):
        return _flat(paths, at)
    _require_no_part(paths, at, names)
    _require(not any(map(_is_container, set(names) - {_train(names)})), "all images, and classes")
    _require(not any(map(_is_aside, names)), "annotations, and classes")
    _require(not _are_alike(paths, [(*at, name) for name in names]), "the same folders in each")
    inner = any(_inner_parts(paths, (*at, name)) for name in names)
    _require(not inner, "a part within a class")
    _require_folders(paths, at, names)
    return {path: shown(name) for name in names for path in paths.images_below((*at, name))}


def _are_alike(paths: PathList, folders: Sequence[Key]) -> bool:
    """Say whether all images lie in the same two or more folders of each folder."""
    held = [set(_names(paths, folder)) for folder in folders]
    direct = any(map(paths.files_in, folders))
    return len(held) > 1 and not direct and len(set.intersection(*held)) > 1


def _require_no_part(paths: PathList, at: Key, names: Sequence[str]) -> None:
    """Let only `train` through, and only where it is a class by all that it holds."""
    others = {shown(name).casefold() for name in names if not part_of(name)}
    for name in filter(part_of, names):
        folder = (*at, name)
        given = {shown(class_in(path[-1]) or "").casefold() for path in paths.files_in(folder)}
        plain = paths.files_in(folder) and not paths.folders_in(folder) and not given & others
        _require(bool(name == _train(names) and others and plain), "a part beside classes")


def _train(names: Sequence[str]) -> str | None:
    return next((name for name in names if name.lower() == "train"), None)


def _flat(paths: PathList, at: Key) -> dict[Key, str]:
    found = {path: class_in(path[-1]) for path in paths.files_in(at)}
    _require(bool(found), "no images")
    _require(not _most(kind is None for kind in found.values()), "names give no classes")
    named = {path: kind for path, kind in found.items() if kind}
    _require(not any(map(part_of, named.values())), "parts of a split and no classes")
    _require_distinct(sorted(set(named.values())))
    return {path: shown(kind) for path, kind in named.items()}


def _names(paths: PathList, at: Key) -> list[str]:
    """Return the folders directly in `at` that give images."""
    return [name for name in paths.folders_in(at) if paths.images_below((*at, name))]


def _barren(paths: PathList, at: Key) -> list[str]:
    """Return the other folders in `at`, but not those for annotations."""
    without = set(paths.folders_in(at)) - set(_names(paths, at))
    shut = {path[len(at)] for path in paths.shut if path[: len(at)] == at != path}
    return [name for name in without if not _is_aside(name) or name in shut]


def _require_folders(paths: PathList, at: Key, names: Sequence[str]) -> None:
    """Let folders be classes if each gives images, and a name of its own."""
    _require(not _barren(paths, at), "a class folder that gives no image")
    _require(not paths.spent_in(at), "a link that would be a class")
    _require(not any(path[:-1] == at for path in paths.odd), "a folder with an image's name")
    _require_distinct(names)


def _require_distinct(names: Sequence[str]) -> None:
    alike = Counter(_alike(shown(name)) for name in names)
    _require(max(alike.values()) == 1, "two names for one class")


def _alike(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()


def _is_aside(name: str) -> bool:
    return bool(_ASIDE.fullmatch(name.lower()))


def _is_container(name: str) -> bool:
    letters = _letters(name)
    return bool(part_of(name)) or bool(_CONTAINER.fullmatch(letters) and not letters.isdigit())


def _letters(name: str) -> str:
    return re.sub(r"[\W_]", "", unicodedata.normalize("NFC", name)).lower()


def _first_letters(name: str) -> str:
    found = re.match(r"[a-z]*", name.lower())
    return found.group() if found else ""


def _most(facts: Iterable[bool]) -> bool:
    facts = list(facts)
    return 2 * sum(facts) > len(facts)


def _require(holds: bool, reason: str) -> None:
    if not holds:
        raise _UnclearError(reason)
