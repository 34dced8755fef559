"""Find images that show the same picture: equal files, or files with near difference hashes."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import combinations

import numpy as np
from PIL import Image

from bench.data.facts import CheckedImage

NEAR_BITS = 15  # of 256; a photograph saved twice differs by about 9, two others by 67 or more
_BANDS = 16  # at most 15 differing bits leave one of 16 bands equal, so no near pair is missed


def difference_hash(picture: Image.Image) -> int:
    """Return 256 bits: whether each of 16x16 grey cells is brighter than its right neighbour.

    Source: N. Krawetz, "Kind of Like That" (2013), at 16x16 instead of 8x8.
    """
    grey = picture.convert("L").resize((17, 16), Image.Resampling.BOX)
    levels = np.asarray(grey, dtype=np.int16)
    return int.from_bytes(np.packbits(levels[:, :-1] > levels[:, 1:]).tobytes(), "big")


def duplicates_of(images: Sequence[CheckedImage]) -> tuple[tuple[CheckedImage, ...], ...]:
    """Return groups of images with equal or nearly equal content, each group once."""
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
