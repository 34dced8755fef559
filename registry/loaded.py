"""An entry point loaded in this process: its value, or why there is none."""

from __future__ import annotations

import sys
import time
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint
from typing import Any

from registry.errors import format_error
from registry.import_changes import undone_changes


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What came of loading an entry point.

    Attributes:
        found: the value, if there is one in this process.
        pickled: the value as it was in the child; empty if it cannot be pickled.
        kinds: full names of the class of the value and of its bases.
        broken: why there is no value, on one line; "" if there is one.
        missing: name of the module that was not found, if that is the reason.
        changes: what the import changed in its process.
        seconds: duration, in wall seconds.
        uses_torch: whether torch is imported afterwards.
    """

    found: Any = None
    pickled: bytes = b""
    kinds: tuple[str, ...] = ()
    broken: str = ""
    missing: str = ""
    changes: tuple[str, ...] = ()
    seconds: float = 0.0
    uses_torch: bool = False

    @property
    def kind(self) -> str:
        """Return the name of the value's class."""
        return self.kinds[0].rpartition(".")[2]


def load_watched(claim: EntryPoint) -> Loaded:
    """Return the value of `claim`, imported in this process; its changes are undone."""
    started = time.perf_counter()
    with undone_changes() as changes:
        loaded = load_here(claim)
    seconds = time.perf_counter() - started
    used = "torch" in sys.modules
    return replace(loaded, changes=tuple(changes), seconds=seconds, uses_torch=used)


def load_here(claim: EntryPoint) -> Loaded:
    """Return the value of `claim`, imported in this process, or why there is none."""
    try:
        with redirect_stdout(sys.stderr):  # stdout belongs to tables and JSON
            found = claim.load()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001  (a plugin may raise even SystemExit)
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        return Loaded(broken=format_error(error), missing=missing or "")
    return Loaded(found=found, kinds=tuple(map(full_name, type(found).__mro__)))


def full_name(kind: type[Any]) -> str:
    """Return the name of a class with its module's."""
    return f"{kind.__module__}.{kind.__qualname__}"
