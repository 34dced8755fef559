"""Modules beside a network's file, apart from modules of the same names beside other files."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType

_FOLDER = "_zoo_folder_"  # prefix of modules that hold a folder's modules while others are in use
FILE = "_zoo_file_"  # prefix of the modules of files themselves, which have names of their own
_SHARED = {"registry", "zoo", "bench", "torch", "torchvision", "timm", "numpy"}


@contextmanager
def neighbours_of(folder: Path) -> Iterator[None]:
    """Have `import` find the modules in `folder` first, and none from other files' folders.

    Two files may each have a `models/` beside them. The folder's modules stay imported afterwards,
    until another folder has its turn: a network may import more of them when it is called.
    """
    own, outside = _held(folder), _outsiders(folder)
    for name in {*outside, *_of_other_folders(own)}:
        sys.modules.pop(name, None)
    sys.modules.update(own)
    before = set(sys.modules) - own.keys()
    sys.path.insert(0, str(folder))  # as for `python mynet.py`
    try:
        yield
    finally:
        with suppress(ValueError):  # the file may have changed the path
            sys.path.remove(str(folder))
        new = {name: each for name, each in [*sys.modules.items()] if name not in before}
        own.update({name: each for name, each in new.items() if _lies_in(each, folder)})
        sys.modules.update(outside)


def _held(folder: Path) -> dict[str, ModuleType]:
    """Return the modules of `folder`, which a module with a name of its own holds."""
    name = _FOLDER + hashlib.sha256(str(folder).encode()).hexdigest()[:12]
    holder = sys.modules.setdefault(name, ModuleType(name))
    found: dict[str, ModuleType] = holder.__dict__.setdefault("modules", {})
    return found


def _of_other_folders(own: dict[str, ModuleType]) -> set[str]:
    holders = [each for name, each in [*sys.modules.items()] if name.startswith(_FOLDER)]
    others = [each.__dict__["modules"] for each in holders if each.__dict__["modules"] is not own]
    return {name for held in others for name, each in held.items() if sys.modules.get(name) is each}


def _outsiders(folder: Path) -> dict[str, ModuleType]:
    """Return the modules of other origin, such as a plugin's, that neighbours' names are of."""
    names = {path.stem for path in folder.glob("*.py")}
    names |= {path.parent.name for path in folder.glob("*/*.py")}
    names -= _SHARED | sys.stdlib_module_names
    return {
        name: each
        for name, each in [*sys.modules.items()]
        if name.partition(".")[0] in names
        and not _lies_in(each, folder)
        and not _is_held(name, each)
    }


def _is_held(name: str, module: ModuleType) -> bool:
    holders = [each for held, each in [*sys.modules.items()] if held.startswith(_FOLDER)]
    return any(each.__dict__["modules"].get(name) is module for each in holders)


def _lies_in(module: ModuleType, folder: Path) -> bool:
    if getattr(module, "__name__", "").startswith(FILE):
        return False
    places = [getattr(module, "__file__", None), *_search_path(module)]
    return any(Path(place).is_relative_to(folder) for place in places if isinstance(place, str))


def _search_path(module: ModuleType) -> list[str]:
    try:
        return list(getattr(module, "__path__", ()))
    except Exception:  # noqa: BLE001  (a lazy module may raise anything)
        return []
