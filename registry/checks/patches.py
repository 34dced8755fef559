"""Functions of torch, torchvision and timm that a network replaces for everybody."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import FunctionType, MethodType, ModuleType
from typing import Any

from registry.architecture import Architecture
from registry.from_file import file_of

# All of torch has 1,500 modules. These hold what networks are built from and trained by.
_PREFIXES = ("torch.nn.", "torch.optim.", "torchvision.", "timm.")
_NAMES = {"torch", "torchvision", "timm", "torch._tensor", "torch.functional", "torch.random"}
_NAMES |= {prefix.removesuffix(".") for prefix in _PREFIXES} | {"torch.fft", "torch.linalg"}
_INSTALLED = {"site-packages", "dist-packages"}

Surface = dict[str, dict[str, Any]]


def surface() -> Surface:
    """Return the functions, classes and methods of these libraries, by module and by name."""
    return {
        name: dict(_callables(name, module))
        for name, module in [*sys.modules.items()]
        if name in _NAMES or name.startswith(_PREFIXES)
    }


def replaced(before: Surface, architecture: Architecture) -> list[str]:
    """Return what of `surface` is other code than in `before`, a line each.

    Torch wraps some of its own functions when more of it is imported; that is no replacement.
    Of a library that was not imported before, only the network's own code is named.
    """
    folder = _folder(architecture)
    moved = {id(value) for module in before.values() for value in module.values()}
    found = []
    for name, module in surface().items():
        for key, value in module.items():
            if name not in before:
                wrong = _is_own(value, folder)
            else:
                changed = key in before[name] and before[name][key] is not value
                wrong = changed and (id(value) in moved or not _is_of_library(value))
            if wrong:
                found.append(f"{name}.{key} is replaced by {_called(value)}")
    return found


def _callables(name: str, module: ModuleType) -> Iterator[tuple[str, Any]]:
    for key, value in [*vars(module).items()]:
        if callable(value):
            yield key, value
        if isinstance(value, type) and value.__module__ in (name, "torch"):
            for method, each in [*vars(value).items()]:
                if isinstance(each, FunctionType | staticmethod | classmethod | property):
                    yield f"{key}.{method}", each


def _called(value: Any) -> str:
    return repr(getattr(value, "__name__", type(value).__name__))


def _folder(architecture: Architecture) -> Path | None:
    """Return the folder, or the file, of the network's own code; None if it has no file."""
    if file := file_of(architecture):
        return file.parent
    module = sys.modules.get(architecture.constructor.partition(":")[0].partition(".")[0])
    place = getattr(module, "__file__", None)
    if place is None:
        return None
    return Path(place).parent if hasattr(module, "__path__") else Path(place)


def _is_own(value: Any, folder: Path | None) -> bool:
    place = _file_of_code(value)
    if folder is None or place is None or not Path(place).is_relative_to(folder):
        return False
    return not _INSTALLED & {*Path(place).relative_to(folder).parts}


def _is_of_library(value: Any) -> bool:
    place = _file_of_code(value) or ""
    libraries = (sys.modules.get(name) for name in ("torch", "torchvision", "timm"))
    folders = (Path(str(each.__file__)).parent for each in libraries if each is not None)
    return any(Path(place).is_relative_to(folder) for folder in folders)


def _file_of_code(value: Any) -> str | None:
    """Return the file of the code of a function, method, class, partial or callable object."""
    while isinstance(value, partial | MethodType | staticmethod | classmethod | property):
        if isinstance(value, partial):
            value = value.func
        else:
            value = value.fget if isinstance(value, property) else value.__func__
    if isinstance(value, FunctionType):
        return value.__code__.co_filename
    owner = value if isinstance(value, type) else type(value)
    return getattr(sys.modules.get(owner.__module__), "__file__", None)
