"""What a check finds in an image file: facts of its pixels, or a flaw."""

from base64 import b64decode
from dataclasses import dataclass, field
from typing import Self

from bench.data.find import ImageFile

SKETCH_SIDE = 32  # cells


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Size of an upright image, in pixels, and what its copies are found by.

    Attributes:
        difference_hash: 256 bits, as stored plans have them.
        pixels: digest of the decoded pixels; "" if unknown, as in a stored plan.
        sketch: 32x32 grey levels, row by row; empty if unknown.
    """

    width: int
    height: int
    difference_hash: int
    pixels: str = field(default="", compare=False)
    sketch: bytes = field(default=b"", compare=False, repr=False)

    def as_plain(self) -> tuple[int, int, str]:
        """Return plain values for a plan or a job, with the hash in hexadecimal."""
        return self.width, self.height, f"{self.difference_hash:x}"

    def as_full(self) -> tuple[int, int, str, str, bytes]:
        """Return all values: those of `as_plain`, the digest of the pixels and the sketch."""
        return *self.as_plain(), self.pixels, self.sketch

    @classmethod
    def of_plain(
        cls,
        width: int,
        height: int,
        difference_hash: str,
        pixels: str = "",
        sketch: bytes | str = b"",
    ) -> Self:
        """Return the facts from the values of `as_plain` or `as_full`; a text is base64."""
        return cls(
            width=width,
            height=height,
            difference_hash=int(difference_hash, 16),
            pixels=pixels,
            sketch=b64decode(sketch) if isinstance(sketch, str) else sketch,
        )


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
