"""Settings of the whole process that code could change; those that need no torch."""

from __future__ import annotations

import decimal
import gc
import locale
import logging
import os
import random
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, cast

from registry.processes import allow_cores, cores_allowed

_POOLS = ("OMP_", "KMP_", "MKL_", "OPENBLAS_", "CUDA_", "CUBLAS_", "TORCH_", "PYTORCH_", "NUMEXPR_")


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of the whole process.

    Attributes:
        name: its name in messages.
        read: returns a copy of its value.
        write: restores such a value; None if that is impossible.
        skews: whether it affects results, speed or random numbers of other networks. Then an
            import must not change it, either; other settings may change at import.
        tellable: whether its value can be printed.
    """

    name: str
    read: Callable[[], Any]
    write: Callable[[Any], object] | None
    skews: bool = True
    tellable: bool = True


def snapshot(settings: Sequence[Setting]) -> dict[str, Any]:
    """Return the values of `settings` by name."""
    return {setting.name: setting.read() for setting in settings}


def changed(before: Mapping[str, Any], settings: Sequence[Setting]) -> dict[str, str]:
    """Return a line for each of `settings` that changed since the snapshot `before`, by name."""
    after = snapshot(settings)
    return {
        setting.name: _describe(setting, before[setting.name], after[setting.name])
        for setting in settings
        if before[setting.name] != after[setting.name]
    }


def restore(before: Mapping[str, Any], settings: Sequence[Setting]) -> None:
    """Give each of `settings` that changed its value in `before`, where that is possible."""
    for setting in settings:
        if setting.write and setting.read() != before[setting.name]:
            setting.write(before[setting.name])


def _describe(setting: Setting, before: Any, after: Any) -> str:
    if isinstance(before, dict) and setting.tellable:
        names = sorted(n for n in before.keys() | after.keys() if before.get(n) != after.get(n))
        return f"{setting.name}: {', '.join(names)}"
    return f"{setting.name}: {before}, now {after}" if setting.tellable else setting.name


def _environment(pools: bool) -> dict[str, str]:
    return {name: text for name, text in os.environ.items() if name.startswith(_POOLS) is pools}


def _set_environment(pools: bool, before: Mapping[str, str]) -> None:
    for name in _environment(pools).keys() - before.keys():
        del os.environ[name]
    os.environ.update(before)


def _folder() -> str | None:
    try:
        return os.getcwd()  # noqa: PTH109  (a text, as it is printed)
    except OSError:  # it is gone
        return None


def _set_folder(before: str | None) -> None:
    if before is not None:
        with suppress(OSError):
            os.chdir(before)


def _handlers() -> dict[int, Any]:
    return {number: signal.getsignal(number) for number in signal.valid_signals()}


def _set_handlers(before: Mapping[int, Any]) -> None:
    if threading.current_thread() is not threading.main_thread():
        return
    for number, handler in before.items():
        if signal.getsignal(number) is not handler and handler is not None:
            signal.signal(number, handler)


def _logging() -> tuple[int, bool, int, tuple[logging.Handler, ...]]:
    root = logging.getLogger()
    return root.level, root.disabled, logging.root.manager.disable, tuple(root.handlers)


def _set_logging(before: tuple[int, bool, int, tuple[logging.Handler, ...]]) -> None:
    root = logging.getLogger()
    root.setLevel(before[0])
    root.disabled = before[1]
    logging.disable(before[2])
    root.handlers[:] = before[3]


def _umask() -> str:
    now = os.umask(0o077)  # the only way to read it is to set it
    os.umask(now)
    return f"{now:03o}"


def _streams() -> tuple[Any, ...]:
    return sys.stdin, sys.stdout, sys.stderr


def _set_streams(before: tuple[Any, ...]) -> None:
    sys.stdin, sys.stdout, sys.stderr = before


def _files() -> tuple[tuple[int, int] | None, ...]:
    """Return which files the descriptors 0 to 2 are; None for one that is closed."""
    return tuple(map(_file, range(3)))


def _file(descriptor: int) -> tuple[int, int] | None:
    try:
        found = os.fstat(descriptor)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _decimals() -> dict[str, Any]:
    context = decimal.getcontext()
    names = ("prec", "rounding", "Emin", "Emax", "capitals", "clamp")
    return {name: getattr(context, name) for name in names}


def _set_decimals(before: Mapping[str, Any]) -> None:
    for name, value in before.items():
        setattr(decimal.getcontext(), name, value)


PROCESS_SETTINGS = (
    Setting("the processors that it may use", cores_allowed, allow_cores),
    Setting(
        "garbage collection", gc.isenabled, lambda before: gc.enable() if before else gc.disable()
    ),
    Setting(
        "environment variables of threads and devices",
        lambda: _environment(pools=True),
        lambda before: _set_environment(True, before),
    ),
    Setting(
        "environment variables",
        lambda: _environment(pools=False),
        lambda before: _set_environment(False, before),
        skews=False,
    ),
    Setting(
        "warning filters",
        lambda: list(warnings.filters),
        lambda before: cast("list[object]", warnings.filters).__setitem__(slice(None), before),
        skews=False,
        tellable=False,
    ),
    Setting(
        "the locale",
        lambda: locale.setlocale(locale.LC_ALL),
        lambda before: locale.setlocale(locale.LC_ALL, before),
    ),
    Setting("the working directory", _folder, _set_folder),
    Setting("signal handlers", _handlers, _set_handlers, tellable=False),
    Setting(
        "sys.path",
        lambda: list(sys.path),
        lambda before: sys.path.__setitem__(slice(None), before),
        skews=False,
        tellable=False,
    ),
    Setting("recursion limit", sys.getrecursionlimit, sys.setrecursionlimit, skews=False),
    Setting("the root logger", _logging, _set_logging, skews=False, tellable=False),
    Setting("the umask", _umask, lambda before: os.umask(int(before, 8))),
    Setting("the decimal context", _decimals, _set_decimals),
    Setting("sys.stdin, sys.stdout or sys.stderr", _streams, _set_streams, tellable=False),
    Setting("the descriptors 0 to 2", _files, None, tellable=False),
)
PYTHON_RANDOM = Setting("Python's random state", random.getstate, random.setstate, tellable=False)
_SURROUNDINGS = tuple(
    each
    for each in PROCESS_SETTINGS
    if each.name.startswith(("the working", "signal", "the umask", "sys.stdin", "the descriptors"))
)


@contextmanager
def kept_surroundings() -> Iterator[list[str]]:
    """Undo changes of folder, descriptors, streams, umask and signal handlers; list them.

    The yielded list is complete at the end. What a network or its libraries may need stays.
    """
    found: list[str] = []
    before, copies = snapshot(_SURROUNDINGS), copied_descriptors()
    try:
        yield found
    finally:
        found += changed(before, _SURROUNDINGS).values()
        restore(before, _SURROUNDINGS)
        restore_descriptors(copies)


def copied_descriptors() -> list[tuple[int, int]]:
    """Return the descriptors 0 to 2 that are open, each with a copy."""
    copies = []
    for descriptor in range(3):
        with suppress(OSError):
            copies.append((descriptor, os.dup(descriptor)))
    return copies


def restore_descriptors(copies: list[tuple[int, int]]) -> None:
    """Make the descriptors what they were when they were copied; close the copies."""
    for descriptor, copy in copies:
        with suppress(OSError):  # it has closed the copy, too
            os.dup2(copy, descriptor)
            os.close(copy)
