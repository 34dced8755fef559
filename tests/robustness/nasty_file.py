"""One nasty file: how it is made, and what must come of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from made_images import BLUE, GREEN, RED, WHITE

Colour = tuple[int, int, int]
CORNERS = (WHITE, RED, GREEN, BLUE)  # of the picture: above left and right, below left and right
DAMAGED = "damaged"
GREY = tuple((level,) * 3 for level in (250, 87, 130, 52))  # the same as luminance


@dataclass(frozen=True, slots=True, kw_only=True)
class Nasty:
    """One file: its name, how it is made, and either the picture that it is or why it is none."""

    name: str
    make: bytes | Callable[[Path], object]
    size: tuple[int, int] | None = None
    colours: tuple[Colour, ...] | None = None
    reason: str | None = None

    def write(self, path: Path) -> None:
        """Make the file at `path`."""
        if isinstance(self.make, bytes):
            path.write_bytes(self.make)
        else:
            self.make(path)


def used(
    name: str,
    make: bytes | Callable[[Path], object],
    colours: tuple[Colour, ...] | None = CORNERS,
    size: tuple[int, int] = (64, 48),
) -> Nasty:
    """Return a file that is an image of this size, with these colours in its quarters."""
    return Nasty(name=name, make=make, size=size, colours=colours)


def refused(name: str, make: bytes | Callable[[Path], object], reason: str) -> Nasty:
    """Return a file that is refused for a reason that holds `reason`."""
    return Nasty(name=name, make=make, reason=reason)
