"""What a check finds in an image file: facts of its pixels, or a flaw."""

from dataclasses import dataclass
from typing import Self

from bench.data.find import ImageFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Size of an upright image, in pixels, and its difference hash."""

    width: int
    height: int
    difference_hash: int

    def as_plain(self) -> tuple[int, int, str]:
        """Return plain values for JSON and SQLite, with the hash in hexadecimal."""
        return self.width, self.height, f"{self.difference_hash:x}"

    @classmethod
    def of_plain(cls, width: int, height: int, difference_hash: str) -> Self:
        """Return the facts from the values of `as_plain`."""
        return cls(width=width, height=height, difference_hash=int(difference_hash, 16))


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """Why a file cannot be used as an image.

    A lasting flaw is in the content. Others may pass: no permission to read, or a slow decoder.
    """

    reason: str
    lasts: bool = False


Verdict = Facts | Flaw


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedImage:
    """A readable image, with the digest and size of its content, and facts of its pixels."""

    file: ImageFile
    sha256: str
    bytes: int
    facts: Facts

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape (H, W, C) of its pixels."""
        return self.facts.height, self.facts.width, 3
