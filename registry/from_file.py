"""A network from one Python file: `./mynet.py:MyNet`, without a package."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from types import ModuleType
from typing import Any

from registry.architecture import Architecture, Origin
from registry.author_advice import advice_on, advice_on_call, place_in
from registry.errors import ConstructionError, RegistryError, format_error
from registry.family import Described
from registry.file_call import literal_arguments, parse_file_call
from registry.neighbours import FILE, neighbours_of

_CONSTRUCTOR = f"{__name__}:build"
DEFAULT_SHAPE = (3, 224, 224)


def is_file(name: str) -> bool:
    """Return whether `name` is that of a class or function in a file, or of a file alone."""
    return ".py:" in name or name.endswith(".py")


def file_name(name: str) -> str:
    """Return `name` in its one form: with the path relative to this folder, or absolute.

    Raises:
        RegistryError: the file does not exist, no class name follows the colon, or an argument is
            not a literal.
    """
    call = parse_file_call(name)
    path = Path(call.path).expanduser().resolve()
    if not path.is_file():
        raise RegistryError(f"{name!r}: no file {call.path}")
    shown = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
    return f"{shown}:{call.called}"


def file_origin(name: str) -> Origin:
    """Return the file's name, with the start of its SHA-256 as the version."""
    path = Path(parse_file_call(name).path)
    return Origin(distribution=path.name, version=f"sha256:{_digest(path)[:12]}")


def described_file(name: str) -> Described:
    """Return the description of a class in a file, named as by `file_name`; the file is run.

    The class may have an `input_shape`, (C, H, W); the default is (3, 224, 224).

    Raises:
        ConstructionError: the file cannot be run, or has no such class or function.
    """
    call = parse_file_call(name)
    path = str(Path(call.path).resolve())
    found = _load_module(path, call.name)
    shape = getattr(found, "input_shape", DEFAULT_SHAPE)
    if not _is_shape(shape):
        raise ConstructionError(f"{name}: its input_shape must be (C, H, W), not {shape!r}")
    more = (("arguments", call.arguments),) if call.arguments else ()  # as in digests of before
    return Described(
        constructor=_CONSTRUCTOR,
        arguments=(("path", path), ("name", call.name), *more),
        input_shape=tuple(shape),
        source=(found.__doc__ or "").strip().partition("\n")[0],
    )


def file_of(architecture: Architecture) -> Path | None:
    """Return the file of `architecture`; None if it belongs to a package."""
    of_file = architecture.constructor == _CONSTRUCTOR
    return Path(str(dict(architecture.arguments)["path"])) if of_file else None


def load_code(architecture: Architecture) -> object:
    """Return the constructor of `architecture`, or its class in a file; the file is run.

    Raises:
        ConstructionError: the module or file cannot be imported.
    """
    arguments, of_file = dict(architecture.arguments), file_of(architecture)
    found: object = architecture.load_unguarded()
    return _load_module(str(of_file), str(arguments["name"])) if of_file else found


def build(*, num_classes: int, path: str, name: str, arguments: str = "") -> Any:
    """Return the network that `name` in the file `path` makes for `num_classes`.

    Raises:
        ConstructionError: it fails; the message names the last line of theirs that was run.
    """
    found, folder = _load_module(path, name), Path(path).parent
    given = literal_arguments(arguments)
    try:
        with neighbours_of(folder):  # it may import more of them
            return found(num_classes=num_classes, **given)
    except (Exception, SystemExit) as error:
        called = f"{Path(path).name}:{name}"
        failed = f"failed with num_classes={num_classes}: {format_error(error)}"
        advice = advice_on_call(found, given, error)
        raise ConstructionError(f"{called} {failed}{place_in(folder, error)}{advice}") from error


def _load_module(path: str, attribute: str) -> Any:
    try:
        found = getattr(_module(path), attribute, None)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a user's file may raise even SystemExit
        place = place_in(Path(path).parent, error)
        reason = f"{format_error(error)}{place}{advice_on(error)}"
        message = f"{Path(path).name} could not be run: {reason}"
        raise ConstructionError(message) from error
    if not callable(found):
        raise ConstructionError(f"{Path(path).name} has no class or function {attribute!r}")
    return found


def _module(path: str) -> ModuleType:
    """Return the file as a module, run once for each content; its folder is importable.

    One content has one module in a process, so that its state, pickles and `isinstance` work
    as in a package.
    """
    name = f"{FILE}{hashlib.sha256(path.encode()).hexdigest()[:12]}_{_digest(Path(path))[:12]}"
    if name in sys.modules:
        return sys.modules[name]
    specification = importlib.util.spec_from_file_location(name, path)
    assert specification is not None  # the name ends with .py
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module  # dataclasses look up their own module
    try:
        with neighbours_of(Path(path).parent), _whole_tensors():
            specification.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _whole_tensors() -> AbstractContextManager[object]:
    """Return a context in which tensors hold numbers, even where only shapes are looked at."""
    torch = sys.modules.get("torch")
    return torch.device("cpu") if torch else nullcontext()


def _is_shape(value: object) -> bool:
    return (
        isinstance(value, tuple | list)
        and len(value) == 3
        and all(isinstance(size, int) and size > 0 for size in value)
    )


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
