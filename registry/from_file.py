"""A network from one Python file: `./mynet.py:MyNet`, without a package."""

from __future__ import annotations

import hashlib
import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from registry.architecture import Architecture, Origin
from registry.errors import ConstructionError, RegistryError, format_error
from registry.family import Described

_PATTERN = re.compile(r"(?P<path>.+\.py):(?P<name>[A-Za-z_]\w*)")
_CONSTRUCTOR = f"{__name__}:build"
_DEFAULT_SHAPE = (3, 224, 224)


def is_file(name: str) -> bool:
    """Return whether `name` is that of a class or function in a file, or of a file alone."""
    return ".py:" in name or name.endswith(".py")


def file_name(name: str) -> str:
    """Return `name` in its one form: with the path relative to this folder, or absolute.

    Raises:
        RegistryError: the file does not exist, or no class name follows the colon.
    """
    found = _PATTERN.fullmatch(name)
    if found is None:
        raise RegistryError(f"{name!r} is not a class in a file: write ./mynet.py:MyNet")
    path = Path(found["path"]).expanduser().resolve()
    if not path.is_file():
        raise RegistryError(f"{name!r}: no file {found['path']}")
    shown = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
    return f"{shown}:{found['name']}"


def file_origin(name: str) -> Origin:
    """Return the file's name, with the start of its SHA-256 as the version."""
    path = Path(name.rpartition(":")[0])
    return Origin(distribution=path.name, version=f"sha256:{_digest(path)[:12]}")


def described_file(name: str) -> Described:
    """Return the description of a class in a file, named as by `file_name`; the file is run.

    The class may have an `input_shape`, (C, H, W); the default is (3, 224, 224).

    Raises:
        ConstructionError: the file cannot be run, or has no such class or function.
    """
    file, _, attribute = name.rpartition(":")
    path = str(Path(file).resolve())
    found = _load_module(path, attribute)
    shape = getattr(found, "input_shape", _DEFAULT_SHAPE)
    if not _is_shape(shape):
        raise ConstructionError(f"{name}: its input_shape must be (C, H, W), not {shape!r}")
    return Described(
        constructor=_CONSTRUCTOR,
        arguments=(("path", path), ("name", attribute)),
        input_shape=tuple(shape),
        source=(found.__doc__ or "").strip().partition("\n")[0],
    )


def file_of(architecture: Architecture) -> Path | None:
    """Return the file of `architecture`; None if it belongs to a package."""
    of_file = architecture.constructor == _CONSTRUCTOR
    return Path(str(dict(architecture.arguments)["path"])) if of_file else None


def build(*, num_classes: int, path: str, name: str) -> Any:
    """Return the network that `name` in the file `path` makes for `num_classes`."""
    return _load_module(path, name)(num_classes=num_classes)


def _load_module(path: str, attribute: str) -> Any:
    try:
        found = getattr(_module(path), attribute, None)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a user's file may raise even SystemExit
        message = f"{Path(path).name} could not be run: {format_error(error)}"
        raise ConstructionError(message) from error
    if not callable(found):
        raise ConstructionError(f"{Path(path).name} has no class or function {attribute!r}")
    return found


def _module(path: str) -> ModuleType:
    """Return the file as a module, run once for each content; its folder is importable.

    One content has one module in a process, so that its state, pickles and `isinstance` work
    as in a package.
    """
    name = f"_zoo_file_{hashlib.sha256(path.encode()).hexdigest()[:12]}_{_digest(Path(path))[:12]}"
    if name in sys.modules:
        return sys.modules[name]
    specification = importlib.util.spec_from_file_location(name, path)
    assert specification is not None  # the name ends with .py
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module  # dataclasses look up their own module
    sys.path.insert(0, str(Path(path).parent))  # as for `python mynet.py`
    try:
        specification.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    finally:
        sys.path.remove(str(Path(path).parent))
    return module


def _is_shape(value: object) -> bool:
    return (
        isinstance(value, tuple | list)
        and len(value) == 3
        and all(isinstance(size, int) and size > 0 for size in value)
    )


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
