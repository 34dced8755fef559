"""What an import changes in its process, as lines; what can be undone is undone."""

from __future__ import annotations

import inspect
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from registry.library_imports import State, libraries_excused
from registry.process_settings import (
    PROCESS_SETTINGS,
    PYTHON_RANDOM,
    Setting,
    copied_descriptors,
    restore_descriptors,
)

_SHARED = ("builtins", "os", "random", "time", "threading", "json", "pickle", "math")
_SHARED_TORCH = ("torch", "torch.nn", "torch.nn.functional", "torch.nn.init", "torch.optim",
                 "torch.random", "torch.cuda", "numpy", "numpy.random")  # fmt: skip


@contextmanager
def undone_changes() -> Iterator[list[str]]:
    """Undo what happens meanwhile to this process; at its end, the yielded list has what it was.

    Settings of torch count from its own import on, which may happen meanwhile. What our libraries
    change at their import is theirs, and is not listed. Paths, warning
    filters and log handlers, which honest libraries add at import, are not listed. Threads that
    still run, and functions that a library loaded before, stay listed though they cannot be undone.
    """
    found: list[str] = []
    threads = set(threading.enumerate())
    states = [State((*PROCESS_SETTINGS, PYTHON_RANDOM, _functions(_SHARED)))]
    if "torch" in sys.modules:
        states.append(_torch_state())
    copies = copied_descriptors()
    try:
        with libraries_excused(states, after_torch=_torch_state):
            yield found
    finally:
        for state in states:
            found += state.changes()
        for state in states:
            state.restore()
        restore_descriptors(copies)
        left = [each.name for each in set(threading.enumerate()) - threads if each.is_alive()]
        if left:
            found.append(f"threads that still run: {', '.join(sorted(left))}")


def _torch_state() -> State:
    from registry.checks.settings import RANDOM_STATES, TORCH_SETTINGS  # imports torch

    numpy = tuple(each for each in RANDOM_STATES if each is not PYTHON_RANDOM)
    return State((*TORCH_SETTINGS, *numpy, _functions(_SHARED_TORCH)))


def _functions(modules: tuple[str, ...]) -> Setting:
    """Return the setting of the public functions and classes of modules, with their methods."""
    what = "functions of Python" if modules is _SHARED else "functions of torch or NumPy"
    return Setting(f"{what} that it replaced", lambda: _callables(modules), _set_callables)


def _callables(modules: tuple[str, ...]) -> dict[str, _Same]:
    """Return each public function and class by its dotted name."""
    found: dict[str, _Same] = {}
    for name in modules:
        module = sys.modules.get(name)
        for owner in (module, *_classes(module)):
            prefix = name if owner is module else f"{name}.{owner.__name__}"
            for key, value in list(vars(owner).items()) if owner else ():
                if callable(value) and (not key.startswith("_") or key in ("__init__", "__call__")):
                    found[f"{prefix}.{key}"] = _Same(owner, key, value)
    return found


def _classes(module: ModuleType | None) -> list[Any]:
    """Return the layers of `torch.nn`: of other modules, functions count alone."""
    if module is None or module.__name__ != "torch.nn":
        return []
    return [each for each in vars(module).values() if inspect.isclass(each)]


class _Same:
    """A function or class in its place; equal only to itself."""

    def __init__(self, owner: Any, key: str, value: Any) -> None:
        self.owner, self.key, self.value = owner, key, value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.value is other.value

    __hash__ = None  # type: ignore[assignment]

    def put_back(self) -> None:
        """Make it what its owner has again."""
        setattr(self.owner, self.key, self.value)


def _set_callables(before: Mapping[str, _Same]) -> None:
    for each in before.values():
        if vars(each.owner).get(each.key) is not each.value:
            each.put_back()
