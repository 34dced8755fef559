"""Entry points loaded in a process of their own: what an import does there harms nobody.

An import that hangs cannot be stopped in its process: it may hold locks or never run Python again.
So plugins are imported in a child, which is ended with its changes. Their values come
back; they are plain, and name their constructors as text.
"""

from __future__ import annotations

import io
import pickle
import sys
from contextlib import suppress
from dataclasses import replace
from importlib.metadata import EntryPoint
from typing import Any

from registry.import_process import ImportProcess
from registry.loaded import Loaded, full_name, load_here, load_watched
from registry.processes import can_pass_descriptors

_ROOMS = ("registry", "bench")  # whose classes a plain value has


class Loader:
    """Loads entry points of plugins in a child, which starts at the first of them.

    A plugin that changes anything, ends the child or hangs is the last one there; the next plugin
    gets a new one.
    """

    def __init__(self) -> None:
        self._child: ImportProcess | None = None
        self._changed_by: str | None = None

    def load(self, claim: EntryPoint, owner: str, wanted: type[Any]) -> Loaded:
        """Return the value of `claim` of the distribution `owner`.

        A value that is `wanted` but has parts of the plugin's own is imported here after all, once
        the child has done so. So is a module that this process has already, as it costs nothing.
        """
        if claim.value.partition(":")[0].strip() in sys.modules:
            return load_here(claim)
        loaded = self.load_in_child(claim, owner)
        if loaded.broken or loaded.found or full_name(wanted) not in loaded.kinds:
            return loaded
        try:
            return replace(loaded, found=_Plain(io.BytesIO(loaded.pickled)).load())
        except Exception:  # noqa: BLE001  (whatever pickle raises for what is not plain)
            return load_watched(claim)

    def close(self) -> None:
        """End the child."""
        if self._child is not None:
            self._child.end()
        self._child = self._changed_by = None

    def load_in_child(self, claim: EntryPoint, owner: str) -> Loaded:
        """Return what loading `claim` comes to, its value pickled; here if there is no child."""
        if self._changed_by not in (None, owner):
            self.close()
        child = self._child = self._child or _started()
        if child is None:
            return load_watched(claim)
        try:
            loaded = child.load(claim)
        except BaseException:
            self.close()
            raise
        self._changed_by = owner if loaded.changes else self._changed_by
        if not child.runs:
            self.close()
        return loaded


def _started() -> ImportProcess | None:
    """Return a new child; None where there can be none."""
    if not can_pass_descriptors() or not sys.executable:
        return None
    with suppress(OSError):  # too many processes, for example
        child = ImportProcess()
        if child.runs:
            return child
    return None


class _Plain(pickle.Unpickler):
    """Reads values that consist of our classes alone, so that it imports no plugin."""

    def find_class(self, module: str, name: str) -> Any:
        """Return a class of ours."""
        if module.partition(".")[0] not in _ROOMS:
            raise pickle.UnpicklingError(f"{module}.{name} is not ours")
        return super().find_class(module, name)
