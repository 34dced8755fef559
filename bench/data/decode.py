"""Decode an image file to RGB pixels, or say why that fails; make thumbnails."""

import hashlib
import os
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader, BytesIO
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from registry.errors import DataError

DECODER_VERSION = 2  # raise it whenever a pixel changes: it is part of the cache keys
FORMATS = ("JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF", "PPM")
MAX_PIXELS = 100_000_000
MAX_FILE_BYTES = 256 * 2**20
THUMBNAIL_SIDE = 160  # pixels: sharp at half that size on a phone, about 4 kB a photograph
_LONGEST_REASON = 200  # characters
_WITHOUT_WAITING = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIXTEEN_BIT_MODES = ("I;16", "I;16L", "I;16B", "I;16N")
_BITS_PER_SAMPLE, _PHOTOMETRIC = 258, 262  # TIFF tags
_WHITE_IS_ZERO = 0
_OURS = "damaged or unsupported: it starts like a {}"
_OTHER = "not an image: it looks like {}"
_KINDS = {
    b"%PDF": _OTHER.format("a PDF document"),
    b"%!PS": _OTHER.format("a PostScript document"),
    b"PK\x03\x04": _OTHER.format("a ZIP archive"),
    b"8BPS": _OTHER.format("a Photoshop document"),
    b"\0\0\1\0": _OTHER.format("an icon"),
    b"\x1f\x8b": _OTHER.format("a gzip archive"),
    b"Rar!": _OTHER.format("a RAR archive"),
    b"\xff\xd8": _OURS.format("JPEG"),
    b"\x89PNG": _OURS.format("PNG"),
    b"GIF8": _OURS.format("GIF"),
    b"BM": _OURS.format("BMP"),
    **dict.fromkeys((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), _OURS.format("TIFF")),
}


class UnreadableImageError(DataError):
    """A file that cannot be used as an image; the message is the reason, without the name."""


class ShortOfMemoryError(UnreadableImageError):
    """Too little memory to decode a file, which may be the fault of the process."""


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
    """Return the picture in an image file's bytes; raise like `decode`.

    Memory holds at most two copies of the picture.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd metadata does not change the pixels
            picture, turn = _picture(content)
            return picture if turn is None else picture.transpose(turn)
    except UnreadableImageError:
        raise
    except UnidentifiedImageError:
        raise UnreadableImageError(_describe_signature(content[:64])) from None
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
        with os.fdopen(os.open(path, os.O_RDONLY | _WITHOUT_WAITING), "rb") as file:
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


def _picture(content: bytes) -> tuple[Image.Image, Image.Transpose | None]:
    """Return the first frame as RGB, and the transposition that turns it upright."""
    with Image.open(BytesIO(content), formats=FORMATS) as opened:
        pixels = opened.width * opened.height
        if pixels <= 0:
            raise UnreadableImageError(f"{opened.width}x{opened.height}: no pixels")
        if pixels > MAX_PIXELS:
            raise UnreadableImageError(
                f"{opened.width}x{opened.height} pixels, over the cap of {MAX_PIXELS:,}"
            )
        _require_known_levels(opened)
        opened.load()
        return _to_rgb(opened), _turn(opened)


def _require_known_levels(image: Image.Image) -> None:
    """Raise where the white level is unknown: a guess may give all white or all black."""
    if image.mode == "F":
        raise UnreadableImageError("floating-point levels: the white level is unknown")
    if image.mode == "I" and image.format == "TIFF":
        raise UnreadableImageError("signed or 32-bit levels: the white level is unknown")


def _to_rgb(image: Image.Image) -> Image.Image:
    """Return `image` as 8-bit RGB. Transparency is dropped: the stored colours are the picture."""
    if image.mode in _SIXTEEN_BIT_MODES:  # Pillow's own conversion would clip 16-bit grey to white
        image = _high_byte(image)
    elif image.mode == "I":  # 16 bits of a PPM, or of a PNG in an older Pillow
        levels = np.asarray(image) >> 8
        image = Image.fromarray(levels.clip(0, 255).astype(np.uint8))
    if image.mode in ("P", "PA") and image.palette is None:
        raise UnreadableImageError("damaged: indexed colours without a palette")
    try:
        return image.convert("RGB")
    except ValueError as error:
        raise UnreadableImageError(
            f"its colours ({image.mode}) have no conversion to RGB"
        ) from error


def _high_byte(image: Image.Image) -> Image.Image:
    """Return the upper 8 of 16 (in a TIFF: perhaps of 12) bits of a grey picture."""
    levels = np.asarray(image).astype("<u2", copy=False)
    tags = cast("dict[int, object]", getattr(image, "tag_v2", {}))  # a TIFF has them
    if tags.get(_BITS_PER_SAMPLE) == (12,):
        levels = levels << 4
    eight = Image.fromarray(np.ascontiguousarray(levels.view(np.uint8)[:, 1::2]))
    negative = tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO  # Pillow inverts 8 bits, not 16
    return ImageOps.invert(eight) if negative else eight


def _turn(image: Image.Image) -> Image.Transpose | None:
    """Return the transposition that EXIF asks for; None if EXIF is unreadable."""
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - broken EXIF leaves the pixels intact
        return None
    return _TURNS.get(orientation) if isinstance(orientation, int) else None


def _describe_signature(head: bytes) -> str:
    """Return what an unreadable file seems to be, from its first bytes."""
    if head[4:8] == b"ftyp":
        return "unsupported: it looks like HEIC, AVIF or a video"
    for signature, kind in _KINDS.items():
        if head.startswith(signature):
            return kind
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return _OURS.format("WEBP")
    if head.lstrip()[:1] == b"<":
        return _OTHER.format("HTML or XML")
    if all(byte in b"\t\n\r" or 32 <= byte < 127 for byte in head):
        return _OTHER.format("text")
    return "not an image: no known image format"


IMAGE_LIKE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".heic", ".avif", ".jfif"}
)


def looks_like_image(head: bytes) -> bool:
    """STUB."""
    return head.startswith((b"\xff\xd8", b"\x89PNG"))
