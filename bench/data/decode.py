"""One strict decoder: an image file becomes RGB pixels or a reason."""

from __future__ import annotations

import stat
import warnings
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from registry.errors import DataError

DECODER_VERSION = 1  # one more whenever a pixel changes: it keys what is kept of decoded images
FORMATS = ("JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF", "PPM")
MAX_FILE_BYTES = 256 * 2**20
MAX_PIXELS = 100_000_000
_SIXTEEN_BIT_MODES = ("I;16", "I;16L", "I;16B", "I;16N", "I")


class UnreadableImageError(DataError):
    """A file that can't be used as an image; the message is the reason, without the name."""


def decode(path: Path) -> Image.Image:
    """Return the picture in `path` as 8-bit RGB, turned upright by its EXIF orientation.

    Raises:
        UnreadableImageError: not a regular file, empty, too large, truncated, or no image.
    """
    return decode_content(read_content(path))


def read_content(path: Path) -> bytes:
    """Return the bytes of an image file.

    Raises:
        UnreadableImageError: it is a pipe or device, empty, too large, or can't be read.
    """
    _require_regular_file(path)
    try:
        return path.read_bytes()
    except OSError as error:
        raise UnreadableImageError(error.strerror or str(error)) from error


def decode_content(content: bytes) -> Image.Image:
    """Return the picture that an image file's bytes hold, as `decode` does.

    Raises:
        UnreadableImageError: it is too large, truncated, or no image.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd metadata does not touch the pixels
            with Image.open(BytesIO(content), formats=FORMATS) as opened:
                _require_size(opened)
                opened.load()
                return _to_rgb(ImageOps.exif_transpose(opened))
    except UnidentifiedImageError:
        raise UnreadableImageError(f"not an image: {_beginning(content)}") from None
    except UnreadableImageError:
        raise
    except MemoryError:
        raise UnreadableImageError("it needs more memory than there is") from None
    except Exception as error:
        raise UnreadableImageError(f"damaged: {error}") from error


def _require_regular_file(path: Path) -> None:
    try:
        status = path.stat()
    except OSError as error:
        raise UnreadableImageError(error.strerror or str(error)) from error
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableImageError("not a regular file")
    if status.st_size == 0:
        raise UnreadableImageError("empty file")
    if status.st_size > MAX_FILE_BYTES:
        raise UnreadableImageError(f"{status.st_size:,} bytes, over the cap of {MAX_FILE_BYTES:,}")


def _require_size(image: Image.Image) -> None:
    pixels = image.width * image.height
    if pixels > MAX_PIXELS:
        raise UnreadableImageError(
            f"{image.width}x{image.height} pixels, over the cap of {MAX_PIXELS:,}"
        )


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode in _SIXTEEN_BIT_MODES:  # Pillow's own conversion would clip 16-bit grey to white
        levels = np.asarray(image, dtype=np.int64) >> 8
        image = Image.fromarray(levels.clip(0, 255).astype(np.uint8))
    return image.convert("RGB")


def _beginning(content: bytes) -> str:
    """Describe what a file that is no image seems to be, from its first bytes."""
    head = content[:64]
    if head.lstrip()[:1] == b"<":
        return "it looks like HTML or XML"
    if all(byte in b"\t\n\r" or 32 <= byte < 127 for byte in head):
        return "it looks like text"
    return "no known image format"
