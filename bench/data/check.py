"""Every file opened once: what will be used, what not and why, and what is there twice."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from pathlib import Path

import numpy as np
from PIL import Image

from bench.data.decode import UnreadableImageError, decode
from bench.data.find import Finding, ImageFile, Reject, sorted_rejects
from registry.errors import DataError

NEAR_BITS = 15  # of 256; the same photograph saved twice differs by about 9, two others by 67 up
_BANDS = 16  # at most 15 differing bits leave one of 16 bands equal, so no near pair is missed


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedImage:
    """A readable image with what its content says: digest, size, and difference hash."""

    file: ImageFile
    sha256: str
    bytes: int
    width: int
    height: int
    difference_hash: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A folder's readable images in the finder's order, its rejects, and its duplicates."""

    folder: Path
    classes: tuple[str, ...]
    images: tuple[CheckedImage, ...]
    rejects: tuple[Reject, ...]
    duplicates: tuple[tuple[CheckedImage, ...], ...]

    def count(self, label: int) -> int:
        """Return how many readable images carry `label`."""
        return sum(image.file.label == label for image in self.images)


def check(
    finding: Finding, *, threads: int = 2, on_image: Callable[[], object] = lambda: None
) -> Manifest:
    """Return the manifest of `finding`: each image decoded once, by several threads.

    Raises:
        DataError: fewer than two classes have a readable image.
    """
    with ThreadPoolExecutor(max_workers=threads) as pool:
        results = list(pool.map(partial(_checked, on_image=on_image), finding.images))
    images = tuple(result for result in results if isinstance(result, CheckedImage))
    rejects = [result for result in results if isinstance(result, Reject)]
    manifest = Manifest(
        folder=finding.folder,
        classes=finding.classes,
        images=images,
        rejects=tuple(sorted_rejects([*finding.rejects, *rejects])),
        duplicates=_duplicates(images),
    )
    for label, name in enumerate(manifest.classes):
        if not manifest.count(label):
            raise DataError(
                f"no readable image of class {name!r} in {finding.folder} "
                f"({len(manifest.rejects)} rejected): `zoo data check` names each with its reason"
            )
    return manifest


def require_one_label_each(manifest: Manifest) -> None:
    """Do nothing if no picture stands under two labels.

    Raises:
        DataError: one does; it names both files.
    """
    for group in manifest.duplicates:
        if len({image.file.label for image in group}) > 1:
            names = " and ".join(image.file.name for image in group)
            raise DataError(f"the same picture under two labels: {names}: remove or move one")


def _checked(file: ImageFile, on_image: Callable[[], object]) -> CheckedImage | Reject:
    try:
        picture = decode(file.path)
        content = file.path.read_bytes()
    except UnreadableImageError as error:
        return Reject(name=file.name, reason=str(error))
    finally:
        on_image()
    return CheckedImage(
        file=file,
        sha256=hashlib.sha256(content).hexdigest(),
        bytes=len(content),
        width=picture.width,
        height=picture.height,
        difference_hash=difference_hash(picture),
    )


def difference_hash(picture: Image.Image) -> int:
    """Return 256 bits: is each of 16x16 grey cells brighter than its right neighbour.

    Source: N. Krawetz, "Kind of Like That" (2013), at 16x16 instead of 8x8.
    """
    grey = picture.convert("L").resize((17, 16), Image.Resampling.BOX)
    levels = np.asarray(grey, dtype=np.int16)
    return int.from_bytes(np.packbits(levels[:, :-1] > levels[:, 1:]).tobytes(), "big")


def _duplicates(images: Sequence[CheckedImage]) -> tuple[tuple[CheckedImage, ...], ...]:
    """Return groups of images whose content is equal or nearly so, each group once."""
    parent = list(range(len(images)))

    def root(index: int) -> int:
        while parent[index] != index:
            index = parent[index]
        return index

    for first, second in _candidates(images):
        distance = (images[first].difference_hash ^ images[second].difference_hash).bit_count()
        if distance <= NEAR_BITS or images[first].sha256 == images[second].sha256:
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
            buckets[band, (image.difference_hash >> (16 * band)) & 0xFFFF].append(index)
    return {pair for members in buckets.values() for pair in combinations(members, 2)}
