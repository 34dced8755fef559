"""Pixels decoded once and kept in files, for all models, seeds, processes and later runs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import PIL
from filelock import FileLock

from bench.data.check import CheckedImage
from bench.data.decode import DECODER_VERSION, decode_content
from bench.data.find import ImageFile
from bench.data.pixel_file import (
    DamagedPixelsError,
    PixelFile,
    Shape,
    file_bytes,
    partial_files,
    write_pixel_file,
)
from bench.data.pixel_source import DirectPixels, InputShape
from bench.data.reading import read_content
from bench.data.transform import Pixels, evaluation_pixels
from bench.system.memory import available_bytes
from registry.errors import DataError

MEMORY_SHARE = 0.6  # beyond it pages are read again from the disk, no faster than decoding


class Reporter(Protocol):
    """Somebody who is told what a cache does."""

    def say(self, text: str) -> None:
        """Hear one line."""

    def counting(self, what: str, total: int) -> AbstractContextManager[Any]:
        """Count to `total` by calls of what is given."""


@dataclass(slots=True)
class _Kept:
    """An open file, and which of its images is which."""

    path: Path
    file: PixelFile
    numbers: dict[Path, int]

    key: bytes

    def read(self, image: ImageFile) -> Pixels | None:
        number = self.numbers.get(image.path)
        return None if number is None else self.file.read(number)

    def as_plain(self) -> dict[str, Any]:
        numbers = {str(path): number for path, number in self.numbers.items()}
        return {"path": str(self.path), "key": self.key.hex(), "numbers": numbers}


@dataclass(slots=True)
class CachedPixels:
    """Pixels from files in a folder, shared by all models, seeds, processes and later runs.

    One file holds the whole pictures, one for each input shape the centres of those that validate
    and test. What a file does not hold, or holds no longer as it was written, is decoded.
    """

    _report: Reporter
    _whole: _Kept | None = None
    _centres: dict[InputShape, _Kept] = field(default_factory=dict)
    _direct: DirectPixels = field(default_factory=DirectPixels)

    def full(self, image: ImageFile) -> Pixels:
        """Return the whole picture (H, W, 3), not to be written to."""
        found = self._read(self._whole, image)
        return self._direct.full(image) if found is None else found

    def centre(self, image: ImageFile, shape: InputShape) -> Pixels:
        """Return the centre of the picture (H, W, C), not to be written to."""
        found = self._read(self._centres.get(shape), image)
        return evaluation_pixels(self.full(image), shape) if found is None else found

    def _read(self, kept: _Kept | None, image: ImageFile) -> Pixels | None:
        if kept is None:
            return None
        try:
            return kept.read(image)
        except DamagedPixelsError as error:
            if kept.path.exists():
                self._report.say(
                    f"the pixel cache {kept.path} is damaged ({error}): decoding instead, "
                    "and writing it anew in the next run"
                )
                _remove(kept.path)
            return None

    def as_plain(self) -> dict[str, Any]:
        """Return which files there are as values that JSON has, for another process."""
        return {
            "whole": self._whole and self._whole.as_plain(),
            "centres": [[shape, kept.as_plain()] for shape, kept in self._centres.items()],
        }

    @classmethod
    def reopened(cls, plain: dict[str, Any], report: Reporter) -> CachedPixels:
        """Return the pixels that another process has written; nothing is written here."""
        source = cls(report)
        source._whole = _reopen(plain["whole"], report)
        for shape, told in plain["centres"]:
            kept = _reopen(told, report)
            if kept is not None:
                source._centres[tuple(shape)] = kept
        return source

    def keep_whole(self, images: Sequence[CheckedImage], folder: Path, threads: int) -> None:
        """Read whole pictures from a file in `folder` from now on; it is written if need be."""
        self._whole = _open_or_write(
            images,
            lambda image: image.shape,
            folder / "whole",
            _decode_checked,
            self._report,
            threads,
        )

    def keep_centres(
        self, images: Sequence[CheckedImage], shape: InputShape, folder: Path, threads: int
    ) -> None:
        """Read the centres for `shape` (C, H, W) from a file in `folder` from now on."""
        channels, height, width = shape
        name = f"centre-{channels}x{height}x{width}"

        def make(image: CheckedImage) -> Pixels:
            whole = self._read(self._whole, image.file)
            return evaluation_pixels(_decode_checked(image) if whole is None else whole, shape)

        kept = _open_or_write(
            images,
            lambda _: (height, width, channels),
            folder / name,
            make,
            self._report,
            threads,
        )
        if kept is not None:
            self._centres[shape] = kept


def open_pixel_cache(
    images: Sequence[CheckedImage],
    evaluated: Sequence[CheckedImage],
    shapes: Sequence[InputShape],
    *,
    folder: Path,
    threads: int,
    report: Reporter,
) -> CachedPixels:
    """Return the pixels of `images`, from files in `folder` as far as that is of use.

    The files are written if they are not there. Where they would not fit into 60 % of the free
    memory or on the disk, or can't be written, that is reported, and every image is decoded when
    it is needed: the same pixels, more slowly.

    Args:
        images: all that will be asked for.
        evaluated: those whose centre will be asked for.
        shapes: input shapes (C, H, W) that the centres will be asked for at.
        folder: of the cache; made if it is not there.
        threads: how many write.
        report: is told what was done, and counts images.
    """
    source = CachedPixels(report)
    source.keep_whole(images, folder, threads)
    for shape in dict.fromkeys(shapes):
        source.keep_centres(evaluated, shape, folder, threads)
    return source


def _decode_checked(image: CheckedImage) -> Pixels:
    """Return the pixels of the very bytes that were checked, since they are kept by their digest.

    Raises:
        DataError: the file has changed since.
    """
    content = read_content(image.file.path)
    if hashlib.sha256(content).hexdigest() != image.sha256:
        raise DataError(f"{image.file.name} changed while it was read: run again")
    return np.asarray(decode_content(content))


def _open_or_write(
    images: Sequence[CheckedImage],
    shape_of: Callable[[CheckedImage], Shape],
    stem: Path,
    make: Callable[[CheckedImage], Pixels],
    report: Reporter,
    threads: int,
) -> _Kept | None:
    """Return the open file of these images, written if need be, or None where there can be none."""
    by_content = {image.sha256: image for image in images}
    digests = sorted(by_content)
    unique = [by_content[digest] for digest in digests]
    key = hashlib.sha256(
        "\n".join([str(DECODER_VERSION), PIL.__version__, stem.name, *digests]).encode()
    ).digest()
    path = stem.with_name(f"{stem.name}-{key.hex()[:16]}.pixels")
    shapes = [shape_of(image) for image in unique]
    need, available = file_bytes(shapes), available_bytes()
    if need > MEMORY_SHARE * available:
        report.say(
            f"no pixel cache: {_size(need)} of pixels are more than {MEMORY_SHARE:.0%} of the "
            f"{_size(available)} of memory that are free, so every image is decoded each time"
        )
        return None
    try:
        file = _open_whole(path, key) or _write_once(
            path, key, shapes, lambda number: make(unique[number]), report, threads
        )
    except OSError as error:
        report.say(
            f"no pixel cache: can't keep {_size(need)} in {path.parent} "
            f"({error.strerror or error}), so every image is decoded each time; "
            "$ZOO_CACHE names another folder"
        )
        return None
    places = {digest: number for number, digest in enumerate(digests)}
    return _Kept(path, file, {image.file.path: places[image.sha256] for image in images}, key)


def _reopen(plain: dict[str, Any] | None, report: Reporter) -> _Kept | None:
    if plain is None:
        return None
    path, key = Path(plain["path"]), bytes.fromhex(plain["key"])
    try:
        file = PixelFile(path, key)
    except (OSError, DamagedPixelsError) as error:
        report.say(f"the pixel cache {path} can't be read ({error}): decoding instead")
        return None
    return _Kept(path, file, {Path(name): n for name, n in plain["numbers"].items()}, key)


def _open_whole(path: Path, key: bytes) -> PixelFile | None:
    """Return the file, or None where it is not there or not as it was written."""
    try:
        return PixelFile(path, key)
    except (FileNotFoundError, DamagedPixelsError):
        return None


def _write_once(
    path: Path,
    key: bytes,
    shapes: Sequence[Shape],
    make: Callable[[int], Pixels],
    report: Reporter,
    threads: int,
) -> PixelFile:
    """Return the file, written by this process or by another that was at it already."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_suffix(".lock")):  # the system unlocks it when its holder dies
        ready = _open_whole(path, key)  # perhaps while we were waiting
        if ready is not None:
            return ready
        for left in partial_files(path):
            _remove(left)
        with report.counting("keeping decoded pixels", len(shapes)) as bar:
            write_pixel_file(path, key, shapes, make, threads=threads, on_image=bar.update)
    return PixelFile(path, key)


def _remove(path: Path) -> None:
    """Remove a file, unless the system has it in use."""
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{count / 1e6:.1f} MB"
