"""One strict decoder: an image file becomes RGB pixels or a reason."""

from __future__ import annotations

import warnings
from io import BytesIO
from pathlib import Path

from PIL import ExifTags, Image, UnidentifiedImageError

from bench.data.reading import UnreadableImageError, read_content
from bench.data.rgb import require_known_levels, to_rgb
from bench.data.signature import describe_signature

DECODER_VERSION = 2  # one more whenever a pixel changes: it keys what is kept of decoded images
FORMATS = ("JPEG", "PNG", "BMP", "GIF", "WEBP", "TIFF", "PPM")
MAX_PIXELS = 100_000_000
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


class ShortOfMemoryError(UnreadableImageError):
    """There was not the memory to decode it, which says as much of the process as of the file."""


def decode(path: Path) -> Image.Image:
    """Return the picture in `path` as 8-bit RGB, turned upright by its EXIF orientation.

    Raises:
        UnreadableImageError: not a regular file, empty, too large, truncated, or no image.
    """
    return decode_content(read_content(path))


def decode_content(content: bytes) -> Image.Image:
    """Return the picture that an image file's bytes hold, as `decode` does.

    At no time are more than two copies of the picture in memory.

    Raises:
        UnreadableImageError: it is too large, truncated, or no image.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd metadata does not touch the pixels
            picture, turn = _picture(content)
            return picture if turn is None else picture.transpose(turn)
    except UnreadableImageError:
        raise
    except UnidentifiedImageError:
        raise UnreadableImageError(describe_signature(content)) from None
    except Image.DecompressionBombError:
        raise UnreadableImageError(f"more pixels than the cap of {MAX_PIXELS:,}") from None
    except Exception as error:
        # a codec's own is passed on by Pillow as an OSError
        if isinstance(error, MemoryError) or "out of memory" in str(error):
            raise ShortOfMemoryError("it needs more memory than there is") from None
        text = " ".join(str(error).split()) or type(error).__name__
        raise UnreadableImageError(f"damaged: {text[:_LONGEST_REASON]}") from error


def _picture(content: bytes) -> tuple[Image.Image, Image.Transpose | None]:
    """Return the first frame as RGB, and how it must be turned."""
    with Image.open(BytesIO(content), formats=FORMATS) as opened:
        _require_size(opened)
        require_known_levels(opened)
        opened.load()
        return to_rgb(opened), _turn(opened)


def _turn(image: Image.Image) -> Image.Transpose | None:
    """Return how the camera says that `image` must be turned; unreadable EXIF says nothing."""
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - whatever is wrong there, the pixels are right
        return None
    return _TURNS.get(orientation) if isinstance(orientation, int) else None


def _require_size(image: Image.Image) -> None:
    pixels = image.width * image.height
    if pixels <= 0:
        raise UnreadableImageError(f"{image.width}x{image.height}: no pixels")
    if pixels > MAX_PIXELS:
        raise UnreadableImageError(
            f"{image.width}x{image.height} pixels, over the cap of {MAX_PIXELS:,}"
        )
