"""Decode an image file to RGB pixels, or say why that fails; make thumbnails."""

import hashlib
import os
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import BufferedReader, BytesIO
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, UnidentifiedImageError

from bench.data.image_formats import FORMATS as FORMATS
from bench.data.image_formats import describe_signature, looks_like_targa, why_unread
from bench.data.rgb import ShortOfMemoryError as ShortOfMemoryError
from bench.data.rgb import UnreadableImageError as UnreadableImageError
from bench.data.rgb import scale_key, to_rgb
from bench.system.received_files import open_without_waiting

DECODER_VERSION = 3  # raise it whenever a pixel changes: it is part of the cache keys
MAX_PIXELS = 100_000_000
MAX_ASPECT = 50  # panoramas have 10, lines of text 30; of more, an input shows under 2 %
MAX_FILE_BYTES = 256 * 2**20
THUMBNAIL_SIDE = 160  # pixels: sharp at half that size on a phone, about 4 kB a photograph
_LONGEST_REASON = 200  # characters
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SUBFILE_TYPE, _SUBFILES, _DNG_VERSION = 254, 330, 50706  # TIFF tags
_REDUCED = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """A picture as 8-bit RGB; whether any of it was transparent, and so is shown on white."""

    picture: Image.Image
    transparent: bool


def read_content(path: Path) -> bytes:
    """Return the bytes of an image file.

    Raises:
        UnreadableImageError: it is a pipe or device, empty, too large, or unreadable.
    """
    with _open_regular(path) as file:
        return file.read(MAX_FILE_BYTES)


def content_digest(path: Path) -> tuple[str, int]:
    """Return the SHA-256 and size of a file's content; raise like `read_content`."""
    with _open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest(), file.tell()


def decode(path: Path) -> Image.Image:
    """Return the picture in `path` as 8-bit RGB, turned upright by its EXIF orientation.

    Raises:
        UnreadableImageError: not a regular file, empty, too large, truncated, or no image.
    """
    return decode_content(read_content(path))


def decode_content(content: bytes) -> Image.Image:
    """Return the picture in an image file's bytes; raise like `decode`."""
    return decode_fully(content).picture


def decode_fully(content: bytes) -> Decoded:
    """Return what is in an image file's bytes; raise like `decode`.

    Memory holds at most two copies of the picture.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd metadata does not change the pixels
            found, turn = _picture(content)
            return found if turn is None else replace(found, picture=found.picture.transpose(turn))
    except UnreadableImageError:
        raise
    except UnidentifiedImageError:
        raise UnreadableImageError(describe_signature(content[:64])) from None
    except Image.DecompressionBombError:
        raise UnreadableImageError(f"more pixels than the cap of {MAX_PIXELS:,}") from None
    except Exception as error:
        # Pillow turns a codec's memory error into an OSError
        if isinstance(error, MemoryError) or "out of memory" in str(error):
            raise ShortOfMemoryError("it needs more memory than is available") from None
        text = " ".join(str(error).split()) or type(error).__name__
        raise UnreadableImageError(f"damaged: {text[:_LONGEST_REASON]}") from error


def thumbnail(pixels: NDArray[np.uint8]) -> bytes:
    """Return a small JPEG of a picture (H, W, 3), to embed in pages."""
    picture = Image.fromarray(pixels)
    picture.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), reducing_gap=2.0)
    written = BytesIO()
    picture.save(written, "JPEG", quality=72, optimize=True)
    return written.getvalue()


@contextmanager
def _open_regular(path: Path) -> Iterator[BufferedReader]:
    """Yield the open file; refuse it before opening unless regular, since a pipe may block.

    A second check of the open file catches a replaced one; O_NONBLOCK opens even a pipe at once.
    """
    try:
        _require_regular_file(path.stat())
        with os.fdopen(open_without_waiting(path, follow=True), "rb") as file:
            _require_regular_file(os.fstat(file.fileno()))
            yield file
    except OSError as error:
        if isinstance(error, FileNotFoundError) and path.is_symlink():
            raise UnreadableImageError("a broken link") from error
        raise UnreadableImageError(error.strerror or str(error)) from error


def _require_regular_file(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableImageError("not a regular file")
    if status.st_size == 0:
        raise UnreadableImageError("empty file")
    if status.st_size > MAX_FILE_BYTES:
        raise UnreadableImageError(f"{status.st_size:,} bytes, over the cap of {MAX_FILE_BYTES:,}")


def readable_formats(content: bytes) -> tuple[str, ...]:
    """Return Pillow's names of the formats that the content may have: Targa only if it may be."""
    targa = looks_like_targa(content[:64])
    return tuple(each for each in FORMATS if targa or each != "TGA")


def _picture(content: bytes) -> tuple[Decoded, Image.Transpose | None]:
    """Return the first frame as RGB, and the transposition that turns it upright."""
    with Image.open(BytesIO(content), formats=readable_formats(content)) as opened:
        _require_usual_size(opened.width, opened.height)
        _require_known_levels(opened)
        _require_no_raw(opened)
        scale_key(opened)
        opened.load()
        picture, transparent = to_rgb(opened)
        return Decoded(picture=picture, transparent=transparent), _turn(opened)


def _require_usual_size(width: int, height: int) -> None:
    if width * height <= 0:
        raise UnreadableImageError(f"{width}x{height}: no pixels")
    if width * height > MAX_PIXELS:
        raise UnreadableImageError(f"{width}x{height} pixels, over the cap of {MAX_PIXELS:,}")
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise UnreadableImageError(
            f"one side is over {MAX_ASPECT} times the other: {width}x{height} pixels: "
            "cut it into parts, or remove it"
        )


def _require_no_raw(image: Image.Image) -> None:
    """Raise for a camera's raw file, whose first picture in TIFF form is a small preview."""
    tags = cast("dict[int, int]", getattr(image, "tag_v2", {}))
    preview = _SUBFILES in tags and tags.get(_SUBFILE_TYPE) == _REDUCED
    if _DNG_VERSION in tags or preview:
        raise UnreadableImageError(why_unread(".raw") or "")


def _require_known_levels(image: Image.Image) -> None:
    """Raise where the white level is unknown: a guess may give all white or all black."""
    if image.mode == "F":
        raise UnreadableImageError("floating-point levels: the white level is unknown")
    if image.mode == "I" and image.format == "TIFF":
        raise UnreadableImageError("signed or 32-bit levels: the white level is unknown")


def _turn(image: Image.Image) -> Image.Transpose | None:
    """Return the transposition that EXIF asks for; None if EXIF is unreadable."""
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - broken EXIF leaves the pixels intact
        return None
    return _TURNS.get(orientation) if isinstance(orientation, int) else None
