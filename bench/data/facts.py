"""What is to be known of an image's content: facts of its pixels, its flaw, what equals it."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Self

import numpy as np
from PIL import Image

from bench.data.find import ImageFile

NEAR_BITS = 15  # of 256; the same photograph saved twice differs by about 9, two others by 67 up
_BANDS = 16  # at most 15 differing bits leave one of 16 bands equal, so no near pair is missed


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


def difference_hash(picture: Image.Image) -> int:
    """Return 256 bits: is each of 16x16 grey cells brighter than its right neighbour.

    Source: N. Krawetz, "Kind of Like That" (2013), at 16x16 instead of 8x8.
    """
    grey = picture.convert("L").resize((17, 16), Image.Resampling.BOX)
    levels = np.asarray(grey, dtype=np.int16)
    return int.from_bytes(np.packbits(levels[:, :-1] > levels[:, 1:]).tobytes(), "big")


def duplicates_of(images: Sequence[CheckedImage]) -> tuple[tuple[CheckedImage, ...], ...]:
    """Return groups of images whose content is equal or nearly so, each group once."""
    parent = list(range(len(images)))

    def root(index: int) -> int:
        while parent[index] != index:
            index = parent[index]
        return index

    for first, second in _candidates(images):
        bits = images[first].facts.difference_hash ^ images[second].facts.difference_hash
        if bits.bit_count() <= NEAR_BITS or images[first].sha256 == images[second].sha256:
            parent[root(second)] = root(first)
    groups: dict[int, list[CheckedImage]] = defaultdict(list)
    for index, image in enumerate(images):
        groups[root(index)].append(image)
    return tuple(tuple(group) for group in groups.values() if len(group) > 1)


def _candidates(images: Sequence[CheckedImage]) -> Iterable[tuple[int, int]]:
    """Return the pairs whose difference hashes agree in at least one band of 16 bits."""
    buckets: dict[tuple[int, int], list[int]] = defaultdict(list)
    for index, image in enumerate(images):
        for band in range(_BANDS):
            buckets[band, (image.facts.difference_hash >> (16 * band)) & 0xFFFF].append(index)
    return {pair for members in buckets.values() for pair in combinations(members, 2)}
