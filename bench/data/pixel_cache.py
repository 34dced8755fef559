"""Pixels decoded once and kept in files, for all models, seeds, processes and later runs."""

import hashlib
import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
import PIL
from filelock import FileLock

from bench.data.check import CheckedImage
from bench.data.decode import DECODER_VERSION
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
from bench.system.own_files import ForeignFileError, why_foreign_folder

MEMORY_SHARE = 0.6  # above it, pages are read from disk again, no faster than decoding
_SAMPLE = 8  # images decoded to compare them with a file: 10 ms


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
    test images. Images that are missing or damaged there are decoded by `_direct`.
    """

    _report: Reporter
    _direct: DirectPixels = field(default_factory=DirectPixels)
    _files: dict[InputShape | None, _OpenFile] = field(default_factory=dict)  # None: whole pictures

    def full(self, image: ImageFile) -> Pixels:
        """Return the whole picture (H, W, 3); do not write to it."""
        found = self._read(None, image)
        return self._direct.full(image) if found is None else found

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
                "digest": opened.file.digest.hex(),
                "key": opened.key.hex(),
                "numbers": {str(path): number for path, number in opened.numbers.items()},
            }
            for shape, opened in self._files.items()
        ]

    @classmethod
    def reopened(cls, plain: list[dict[str, Any]], direct: DirectPixels, report: Reporter) -> Self:
        """Return the pixels in the files of another process, without writing any.

        A file that is not the one it had open is reported; `direct` decodes instead.
        """
        source = cls(report, direct)
        for each in plain:
            shape, path, key = each["shape"], Path(each["path"]), bytes.fromhex(each["key"])
            digest = bytes.fromhex(each["digest"])
            numbers = {Path(name): number for name, number in each["numbers"].items()}
            try:
                opened = _OpenFile(path, key, numbers, PixelFile(path, key, digest))
            except (OSError, DamagedPixelsError, ForeignFileError) as error:
                report.say(f"the pixel cache {path} cannot be used ({error}): decoding instead")
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
            pixels = self.full(unique[number].file)  # of exactly the content with the digest
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
    more slowly. A damaged file, one that others can write, and one whose pixels are not those of a
    few images picked at random, is reported and written again.

    For `evaluated`, the centres for input `shapes` (C, H, W) are stored, too.
    """
    source = CachedPixels(report, DirectPixels.of([*evaluated, *images]))
    if reason := why_foreign_folder(folder):
        report.say(
            f"no pixel cache: {folder}: {reason}, so each image is decoded every time; set "
            "$ZOO_CACHE to a folder of your own"
        )
        return source
    source.open_or_write(images, None, folder, threads)
    for shape in dict.fromkeys(shapes):
        source.open_or_write(evaluated, shape, folder, threads)
    return source


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
        opened, why = _open_sound(path, key, shapes, make, threads)
        if opened:
            return opened
        if why:
            report.say(f"the pixel cache {path} is not used ({why}): writing it again")
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock")):  # the system unlocks it when its holder dies
            opened, _ = _open_sound(path, key, shapes, make, threads)
            if opened:  # written while we were waiting
                return opened
            with report.counting("storing decoded pixels", len(shapes)) as bar:
                write_pixel_file(path, key, shapes, make, threads=threads, on_image=bar.update)
        return PixelFile(path, key)
    except (DamagedPixelsError, ForeignFileError) as error:  # altered as soon as it was written
        report.say(f"the pixel cache {path} cannot be used ({error}): decoding instead")
        return None
    except OSError as error:
        report.say(
            f"no pixel cache: cannot store {_size(need)} in {path.parent} "
            f"({error.strerror or error}), so each image is decoded every time; "
            "set $ZOO_CACHE to another folder"
        )
        return None


def _open_sound(
    path: Path, key: bytes, shapes: Sequence[Shape], make: Callable[[int], Pixels], threads: int
) -> tuple[PixelFile | None, str]:
    """Return the file, or None and why an existing one cannot be used.

    A digest tells damage, not who wrote the pixels. So a few, different ones each time, are
    compared with what `make` returns.
    """
    try:
        file = PixelFile(path, key)
        if file.shapes != [tuple(shape) for shape in shapes]:
            return None, "its pictures have other sizes than the images"
        numbers = random.SystemRandom().sample(range(len(shapes)), min(_SAMPLE, len(shapes)))
        with ThreadPoolExecutor(threads) as pool:
            for number, pixels in zip(numbers, pool.map(make, numbers), strict=True):
                if not np.array_equal(file.read(number), pixels):
                    return None, "its pixels are not those of the images"
    except FileNotFoundError:
        return None, ""
    except (DamagedPixelsError, ForeignFileError) as error:
        return None, str(error)
    return file, ""


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{count / 1e6:.1f} MB"
