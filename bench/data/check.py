"""Every file opened once: what will be used, what not and why, and what is there twice."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from pathlib import Path

import numpy as np
from PIL import Image

from bench.data.decode import UnreadableImageError, decode_content, read_content
from bench.data.find import Finding, ImageFile, Reject, sorted_rejects
from bench.data.ledger import Facts, Ledger
from registry.errors import DataError

NEAR_BITS = 15  # of 256; the same photograph saved twice differs by about 9, two others by 67 up
_BANDS = 16  # at most 15 differing bits leave one of 16 bands equal, so no near pair is missed


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
    finding: Finding,
    *,
    threads: int = 2,
    on_image: Callable[[], object] = lambda: None,
    ledger: Ledger | None = None,
) -> Manifest:
    """Return the manifest of `finding`: each image read, and decoded, by several threads.

    Args:
        finding: what the folder holds.
        threads: how many read and decode.
        on_image: is called after each image.
        ledger: what earlier checks found; content that it knows is not decoded again.

    Raises:
        DataError: fewer than two classes have a readable image.
    """
    known = ledger.read() if ledger else {}
    with ThreadPoolExecutor(max_workers=threads) as pool:
        look = partial(_checked, known=known, on_image=on_image)
        results = list(pool.map(look, finding.images))
    if ledger:
        ledger.add({i.sha256: i.facts for i in results
                    if isinstance(i, CheckedImage) and i.sha256 not in known})  # fmt: skip
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


def _checked(
    file: ImageFile, known: Mapping[str, Facts], on_image: Callable[[], object]
) -> CheckedImage | Reject:
    try:
        content = read_content(file.path)
        digest = hashlib.sha256(content).hexdigest()
        facts = known.get(digest) or _facts(decode_content(content))
    except UnreadableImageError as error:
        return Reject(name=file.name, reason=str(error))
    finally:
        on_image()
    return CheckedImage(file=file, sha256=digest, bytes=len(content), facts=facts)


def _facts(picture: Image.Image) -> Facts:
    return Facts(
        width=picture.width, height=picture.height, difference_hash=difference_hash(picture)
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
