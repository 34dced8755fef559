"""Changes that well-known libraries make when they are imported are not those of a plugin."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from registry.process_settings import Setting, changed, restore, snapshot

_LIBRARIES = {"torch", "torchvision", "timm", "numpy", "cv2", "PIL", "pandas", "scipy", "sklearn"}


class State:
    """Settings with the values that they should have."""

    def __init__(self, settings: tuple[Setting, ...]) -> None:
        self._settings, self._wanted = settings, snapshot(settings)

    def now(self) -> dict[str, Any]:
        """Return the values of now."""
        return snapshot(self._settings)

    def changes(self) -> list[str]:
        """Return what has changed, a line each; not what honest libraries may change."""
        told = [each for each in self._settings if each.skews or "environment" in each.name]
        return list(changed(self._wanted, told).values())

    def restore(self) -> None:
        """Undo what can be undone."""
        with suppress(OSError):
            restore(self._wanted, self._settings)

    def accept(self, since: Mapping[str, Any] | None) -> None:
        """Take what has changed since these values as wanted; with None, take all values of now."""
        for name, value in self.now().items():
            before = self._wanted[name] if since is None else since[name]
            if isinstance(value, dict):
                self._wanted[name] = _merged(self._wanted[name], before, value)
            elif value != before:
                self._wanted[name] = value


def _merged(
    wanted: Mapping[str, Any], before: Mapping[str, Any], after: Mapping[str, Any]
) -> dict[str, Any]:
    """Return `wanted` with the differences from `before` to `after`."""
    same = {name: value for name, value in wanted.items() if name in after or name not in before}
    return same | {name: value for name, value in after.items() if before.get(name) != value}


@contextmanager
def libraries_excused(states: list[State], after_torch: Callable[[], State]) -> Iterator[None]:
    """Accept what libraries change while they are imported; add a state once torch is there."""
    finder = _Finder(states, after_torch)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        with suppress(ValueError):
            sys.meta_path.remove(finder)


class _Finder:
    """The first finder of modules, which looks before and after a library is run."""

    def __init__(self, states: list[State], after_torch: Callable[[], State]) -> None:
        self._states, self._after_torch = states, after_torch
        self._depth = 0

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Return what the other finders find, if it is a library; else None."""
        if name.partition(".")[0] not in _LIBRARIES or (self._depth and name != "torch"):
            return None
        for finder in [*sys.meta_path]:
            found = None if finder is self else finder.find_spec(name, path, target)
            if found is not None:
                self._look_at(found)
                return found
        return None

    def _look_at(self, found: ModuleSpec) -> None:
        loader: Any = found.loader
        execute = getattr(loader, "exec_module", None)
        if execute is None:
            return

        def execute_watched(module: ModuleType) -> None:
            with suppress(AttributeError):
                del loader.exec_module
            self._execute(execute, module)

        with suppress(AttributeError):  # a loader with slots
            loader.exec_module = execute_watched

    def _execute(self, execute: Callable[[ModuleType], None], module: ModuleType) -> None:
        before = {} if self._depth else {id(state): state.now() for state in self._states}
        self._depth += 1
        try:
            execute(module)
            if module.__name__ == "torch":
                with suppress(Exception):  # a torch that does not fit may raise anything
                    self._states.append(self._after_torch())
        finally:
            self._depth -= 1
            if not self._depth:
                for state in self._states:
                    state.accept(before.get(id(state)))
