"""Pixels decoded once and kept in files, for all models, seeds, processes and later runs."""

import hashlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
import PIL
from filelock import FileLock

from bench.data.check import CheckedImage
from bench.data.decode import DECODER_VERSION, decode_content, read_content
from bench.data.find import ImageFile
from bench.data.pixel_file import (
    DamagedPixelsError,
    PixelFile,
    Shape,
    image_offsets,
    write_pixel_file,
)
from bench.data.pixel_source import DirectPixels, InputShape
from bench.data.transform import Pixels, evaluation_pixels
from bench.system.memory import available_bytes
from registry.errors import DataError

MEMORY_SHARE = 0.6  # above it, pages are read from disk again, no faster than decoding


class Reporter(Protocol):
    """Receives the messages and progress of a cache."""

    def say(self, text: str) -> None:
        """Report one line."""

    def counting(self, what: str, total: int) -> AbstractContextManager[Any]:
        """Return a context manager of a counter to `total`, which has `update`."""


@dataclass(frozen=True, slots=True)
class _OpenFile:
    path: Path
    key: bytes
    numbers: dict[Path, int]  # index of each image in the file
    file: PixelFile


@dataclass(slots=True)
class CachedPixels:
    """Pixels from files in a folder, shared by all models, seeds, processes and later runs.

    One file holds whole pictures. One for each input shape holds the centres of validation and
    test images. Images that are missing or damaged there are decoded.
    """

    _report: Reporter
    _files: dict[InputShape | None, _OpenFile] = field(default_factory=dict)  # None: whole pictures

    def full(self, image: ImageFile) -> Pixels:
        """Return the whole picture (H, W, 3); do not write to it."""
        found = self._read(None, image)
        return DirectPixels().full(image) if found is None else found

    def centre(self, image: ImageFile, shape: InputShape) -> Pixels:
        """Return the centre of the picture (H, W, C); do not write to it."""
        found = self._read(shape, image)
        return evaluation_pixels(self.full(image), shape) if found is None else found

    def _read(self, shape: InputShape | None, image: ImageFile) -> Pixels | None:
        opened = self._files.get(shape)
        if opened is None or image.path not in opened.numbers:
            return None
        try:
            return opened.file.read(opened.numbers[image.path])
        except DamagedPixelsError as error:
            if opened.path.exists():
                self._report.say(
                    f"the pixel cache {opened.path} is damaged ({error}): decoding instead; "
                    "the next run writes it again"
                )
                with suppress(OSError):  # the system may have it in use
                    opened.path.unlink(missing_ok=True)
            return None

    def as_plain(self) -> list[dict[str, Any]]:
        """Return the open files as JSON values, for another process."""
        return [
            {
                "shape": shape,
                "path": str(opened.path),
                "key": opened.key.hex(),
                "numbers": {str(path): number for path, number in opened.numbers.items()},
            }
            for shape, opened in self._files.items()
        ]

    @classmethod
    def reopened(cls, plain: list[dict[str, Any]], report: Reporter) -> Self:
        """Return the pixels in the files of another process, without writing any."""
        source = cls(report)
        for each in plain:
            shape, path, key = each["shape"], Path(each["path"]), bytes.fromhex(each["key"])
            numbers = {Path(name): number for name, number in each["numbers"].items()}
            try:
                opened = _OpenFile(path, key, numbers, PixelFile(path, key))
            except (OSError, DamagedPixelsError) as error:
                report.say(f"the pixel cache {path} cannot be read ({error}): decoding instead")
            else:
                source._files[shape and tuple(shape)] = opened
        return source

    def open_or_write(
        self, images: Sequence[CheckedImage], shape: InputShape | None, folder: Path, threads: int
    ) -> None:
        """Open the file of whole pictures, or of centres for `shape` (C, H, W), or write it."""
        by_content = {image.sha256: image for image in images}
        digests = sorted(by_content)
        unique = [by_content[digest] for digest in digests]

        def make(number: int) -> Pixels:
            whole = self._read(None, unique[number].file)
            pixels = _decode_checked(unique[number]) if whole is None else whole
            return evaluation_pixels(pixels, shape) if shape else pixels

        name = "centre-{}x{}x{}".format(*shape) if shape else "whole"
        shapes = [(*shape[1:], shape[0]) if shape else image.shape for image in unique]
        versions = [str(DECODER_VERSION), PIL.__version__, name]
        key = hashlib.sha256("\n".join([*versions, *digests]).encode()).digest()
        path = folder / f"{name}-{key.hex()[:16]}.pixels"
        file = _open_or_write(path, key, shapes, make, self._report, threads)
        if file is not None:
            places = {digest: number for number, digest in enumerate(digests)}
            numbers = {image.file.path: places[image.sha256] for image in images}
            self._files[shape] = _OpenFile(path, key, numbers, file)


def open_pixel_cache(
    images: Sequence[CheckedImage],
    evaluated: Sequence[CheckedImage],
    shapes: Sequence[InputShape],
    *,
    folder: Path,
    threads: int,
    report: Reporter,
) -> CachedPixels:
    """Return the pixels of `images`, read from files in `folder` where possible.

    Missing files are written. If they exceed 60 % of the free memory, do not fit on the disk or
    cannot be written, that is reported. Each image is then decoded when needed: the same pixels,
    more slowly.

    For `evaluated`, the centres for input `shapes` (C, H, W) are stored, too.
    """
    source = CachedPixels(report)
    source.open_or_write(images, None, folder, threads)
    for shape in dict.fromkeys(shapes):
        source.open_or_write(evaluated, shape, folder, threads)
    return source


def _decode_checked(image: CheckedImage) -> Pixels:
    """Return the pixels of exactly the checked bytes, whose digest is the key."""
    content = read_content(image.file.path)
    if hashlib.sha256(content).hexdigest() != image.sha256:
        raise DataError(f"{image.file.name} changed while it was read: run again")
    return np.asarray(decode_content(content))


def _open_or_write(
    path: Path,
    key: bytes,
    shapes: Sequence[Shape],
    make: Callable[[int], Pixels],
    report: Reporter,
    threads: int,
) -> PixelFile | None:
    """Return the open file, written if needed; None if that is impossible."""
    need, available = image_offsets(shapes)[1], available_bytes()
    if need > MEMORY_SHARE * available:
        report.say(
            f"no pixel cache: {_size(need)} of pixels exceed {MEMORY_SHARE:.0%} of the "
            f"{_size(available)} of free memory, so each image is decoded every time"
        )
        return None
    try:
        if opened := _open_whole(path, key):
            return opened
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock")):  # the system unlocks it when its holder dies
            if opened := _open_whole(path, key):  # written while we were waiting
                return opened
            with report.counting("storing decoded pixels", len(shapes)) as bar:
                write_pixel_file(path, key, shapes, make, threads=threads, on_image=bar.update)
        return PixelFile(path, key)
    except OSError as error:
        report.say(
            f"no pixel cache: cannot store {_size(need)} in {path.parent} "
            f"({error.strerror or error}), so each image is decoded every time; "
            "set $ZOO_CACHE to another folder"
        )
        return None


def _open_whole(path: Path, key: bytes) -> PixelFile | None:
    """Return the file; None if it is missing or damaged."""
    try:
        return PixelFile(path, key)
    except (FileNotFoundError, DamagedPixelsError):
        return None


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{count / 1e6:.1f} MB"
