"""What a check finds in an image file: facts of its pixels, or a flaw."""

from dataclasses import dataclass
from typing import Self

from bench.data.find import ImageFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the pixels of an image say: its size, upright, and its difference hash."""

    width: int
    height: int
    difference_hash: int

    def as_plain(self) -> tuple[int, int, str]:
        """Return its values as JSON and SQLite have them, the hash in hexadecimal digits."""
        return self.width, self.height, f"{self.difference_hash:x}"

    @classmethod
    def of_plain(cls, width: int, height: int, difference_hash: str) -> Self:
        """Return the facts that gave `as_plain`."""
        return cls(width=width, height=height, difference_hash=int(difference_hash, 16))


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """Why a file can't be used as an image.

    A flaw that lasts is in the content. Others may be of the day: no leave to read, or a decoder
    that took too long.
    """

    reason: str
    lasts: bool = False


Verdict = Facts | Flaw


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedImage:
    """A readable image with the digest of its content, its size, and what its pixels say."""

    file: ImageFile
    sha256: str
    bytes: int
    facts: Facts

    @property
    def shape(self) -> tuple[int, int, int]:
        """(H, W, C) of its pixels."""
        return self.facts.height, self.facts.width, 3
