"""What is to be known of an image's content: facts of its pixels, or its flaw."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image

from bench.data.duplicates import difference_hash


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the pixels of an image say: its size, upright, and its difference hash."""

    width: int
    height: int
    difference_hash: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """Why a file can't be used as an image.

    A flaw that lasts is in the content. Others may be of the day: no leave to read, or a decoder
    that took too long.
    """

    reason: str
    lasts: bool


Verdict = Facts | Flaw


def facts_of(picture: Image.Image) -> Facts:
    """Return the facts of an upright RGB picture."""
    return Facts(
        width=picture.width, height=picture.height, difference_hash=difference_hash(picture)
    )
