"""Images that were checked on another machine, found here again by their content."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from bench.data.check import CheckedImage
from bench.data.decode import UnreadableImageError, content_digest
from bench.data.find import find
from registry.errors import DataError

_SHOWN = 3
_REASON = 60  # characters, fewer than a digest's


def locate_images(
    images: Sequence[CheckedImage],
    folders: Sequence[Path] = (),
    *,
    threads: int = 2,
    on_image: Callable[[], object] = lambda: None,
) -> dict[CheckedImage, CheckedImage]:
    """Return for each of `images` the same with the path of a file here that has its content.

    It is looked for at its own path, or, where `folders` are given, among their images alone.
    Labels and names stay as they were. Every file is read.

    Raises:
        DataError: some are not there, or have another content; it names the first.
    """
    paths = [image.file.path for image in images]
    if folders:
        paths = [file.path for folder in folders for file in find(folder).images]
    digests = _digests(paths, threads, on_image)
    if folders:
        there = dict(zip(digests, paths, strict=True))
        missing = [image.file.name for image in images if image.sha256 not in there]
        _require_none(missing, len(images), f"in {', '.join(map(str, folders))}")
        return {
            image: replace(image, file=replace(image.file, path=there[image.sha256]))
            for image in images
        }
    missing = [
        f"{image.file.name} ({'other content' if len(digest) == 64 else digest})"
        for image, digest in zip(images, digests, strict=True)
        if digest != image.sha256
    ]
    _require_none(missing, len(images), "where the plan has them")
    return {image: image for image in images}


def _digests(paths: Sequence[Path], threads: int, on_image: Callable[[], object]) -> list[str]:
    """Return the SHA-256 of each file, or why it can't be read."""

    def digest(path: Path) -> str:
        try:
            return content_digest(path)[0]
        except UnreadableImageError as error:
            return str(error)[:_REASON]

    with ThreadPoolExecutor(threads) as pool:
        found = []
        for each in pool.map(digest, paths):
            found.append(each)
            on_image()
    return found


def _require_none(missing: Sequence[str], count: int, where: str) -> None:
    if missing:
        rest = ", ..." if len(missing) > _SHOWN else ""
        raise DataError(
            f"{len(missing):,} of the plan's {count:,} images are not {where}: "
            f"{', '.join(missing[:_SHOWN])}{rest}: name a folder that has the same images by "
            "--data, or plan anew"
        )
