"""Opened images of any mode as 8-bit RGB, transparent ones on white."""

from collections.abc import Iterator
from typing import cast

import numpy as np
from PIL import Image, ImageOps

from registry.errors import DataError

_SIXTEEN_BIT_MODES = ("I;16", "I;16L", "I;16B", "I;16N")
_BITS_PER_SAMPLE, _PHOTOMETRIC = 258, 262  # TIFF tags
_WHITE_IS_ZERO = 0
_ALPHA_MAY_BE_UNUSED = ("BMP", "TGA")  # writers leave zeros, and viewers then ignore them
_STRIP = 2**20  # pixels: composited strip by strip, as memory holds two large pictures only
_FAINT = 8  # levels of 255 that hardly anyone sees on white
_KEY_SCALES = {"L;2": 85, "L;4": 17}  # Pillow scales the levels of a PNG, not its key

Box = tuple[int, int, int, int]


class UnreadableImageError(DataError):
    """A file that cannot be used as an image; the message is the reason, without the name."""


class ShortOfMemoryError(UnreadableImageError):
    """Too little memory to decode a file, which may be the fault of the process."""


def scale_key(opened: Image.Image) -> None:
    """Scale the transparent level or colour of a PNG, not loaded yet, like its levels."""
    key, tile = opened.info.get("transparency"), getattr(opened, "tile", None)
    if opened.format != "PNG" or not tile:
        return
    if tile[0].args == "RGB;16B" and isinstance(key, tuple):
        opened.info["transparency"] = tuple(each >> 8 for each in key)
    elif isinstance(key, int):
        opened.info["transparency"] = key * _KEY_SCALES.get(tile[0].args, 1)


def to_rgb(image: Image.Image) -> tuple[Image.Image, bool]:
    """Return `image` as 8-bit RGB, and whether any of it was transparent.

    Transparency is shown on white; an opaque picture has its stored colours.

    Raises:
        UnreadableImageError: its colours are unknown, or white hides everything in it.
    """
    if image.mode in ("P", "PA") and image.palette is None:
        raise UnreadableImageError("damaged: indexed colours without a palette")
    image = _eight_bits(image)
    if image.has_transparency_data and _shows_alpha(image):
        return _on_white(image), True
    try:
        return image.convert("RGB"), False
    except ValueError as error:
        raise UnreadableImageError(
            f"its colours ({image.mode}) have no conversion to RGB"
        ) from error


def _eight_bits(image: Image.Image) -> Image.Image:
    """Return a picture of 16 bits of grey in 8 bits, with alpha if one level is transparent."""
    if image.mode in _SIXTEEN_BIT_MODES:  # Pillow's own conversion would clip 16-bit grey to white
        grey = _high_byte(image)
    elif image.mode == "I":  # 16 bits of a PPM, or of a PNG in an older Pillow
        levels = np.asarray(image) >> 8
        grey = Image.fromarray(levels.clip(0, 255).astype(np.uint8))
    else:
        return image
    key = image.info.get("transparency")
    if isinstance(key, int):
        grey.putalpha(Image.fromarray((np.asarray(image) != key).astype(np.uint8) * 255))
    return grey


def _high_byte(image: Image.Image) -> Image.Image:
    """Return the upper 8 of 16 (in a TIFF: perhaps of 12) bits of a grey picture."""
    levels = np.asarray(image).astype("<u2", copy=False)
    tags = cast("dict[int, object]", getattr(image, "tag_v2", {}))  # a TIFF has them
    if tags.get(_BITS_PER_SAMPLE) == (12,):
        levels = levels << 4
    eight = Image.fromarray(np.ascontiguousarray(levels.view(np.uint8)[:, 1::2]))
    negative = tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO  # Pillow inverts 8 bits, not 16
    return ImageOps.invert(eight) if negative else eight


def _shows_alpha(image: Image.Image) -> bool:
    """Return whether any pixel is transparent, as viewers see it."""
    least, most = 255, 0
    for _, part in _strips(image):
        low, high = cast("tuple[int, int]", part.getchannel("A").getextrema())
        least, most = min(least, low), max(most, high)
    return least < 255 and (most > 0 or image.format not in _ALPHA_MAY_BE_UNUSED)


def _on_white(image: Image.Image) -> Image.Image:
    """Return a transparent picture on white, unless nothing can be seen there."""
    shown = Image.new("RGB", image.size, "white")
    for box, part in _strips(image):
        shown.paste(part.convert("RGB"), box, part.getchannel("A"))
    if _range(shown) <= _FAINT and not _is_one_colour(image):
        raise UnreadableImageError(
            "blank on white: where it is not transparent, it is white: give it a background"
        )
    return shown


def _is_one_colour(image: Image.Image) -> bool:
    """Return whether every pixel has the same colour and alpha, and so hides nothing."""
    extremes = [part.getextrema() for _, part in _strips(image)]
    bands = [np.array(each) for each in zip(*extremes, strict=True)]
    return bool(all(np.ptp(band) == 0 for band in bands) and bands[3].max() > 0)


def _range(picture: Image.Image) -> int:
    """Return the largest difference of two levels in one channel."""
    return max(high - low for low, high in cast("list[tuple[int, int]]", picture.getextrema()))


def _strips(image: Image.Image) -> Iterator[tuple[Box, Image.Image]]:
    """Yield the picture as RGBA in strips of whole rows, each with its place."""
    rows = max(1, _STRIP // image.width)
    for top in range(0, image.height, rows):
        box = (0, top, image.width, min(top + rows, image.height))
        yield box, image.crop(box).convert("RGBA")
