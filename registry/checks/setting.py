"""One thing that a whole process has: read, put back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One thing that a whole process has.

    Attributes:
        name: what it is called, `a number of things` or `the state of something`.
        read: returns its value, as a copy.
        write: puts such a value back; None where that can't be done.
        skews: it changes figures, speed or chance for everybody, and so it must not change while
            a module is imported, either. Of the rest, an import may add what its own libraries
            need.
        tellable: its value can be printed.
    """

    name: str
    read: Callable[[], Any]
    write: Callable[[Any], object] | None
    skews: bool = True
    tellable: bool = True
