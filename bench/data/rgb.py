"""Any picture that Pillow has opened as 8-bit RGB, where what its levels mean is known."""

from __future__ import annotations

from typing import cast

import numpy as np
from PIL import Image, ImageOps

from bench.data.reading import UnreadableImageError

_SIXTEEN_BIT_MODES = ("I;16", "I;16L", "I;16B", "I;16N")
_BITS_PER_SAMPLE, _PHOTOMETRIC = 258, 262  # TIFF tags
_WHITE_IS_ZERO = 0


def require_known_levels(image: Image.Image) -> None:
    """Do nothing if it is told which level of `image` is white.

    Raises:
        UnreadableImageError: it is not; guessing would give a picture all white or all black.
    """
    if image.mode == "F":
        raise UnreadableImageError("floating-point levels: which one is white is not told")
    if image.mode == "I" and image.format == "TIFF":
        raise UnreadableImageError("signed or 32-bit levels: which one is white is not told")


def to_rgb(image: Image.Image) -> Image.Image:
    """Return `image` as 8-bit RGB. Transparency is dropped: the stored colours are the picture.

    Raises:
        UnreadableImageError: what its colours are can't be known.
    """
    if image.mode in _SIXTEEN_BIT_MODES:  # Pillow's own conversion would clip 16-bit grey to white
        image = _high_byte(image)
    elif image.mode == "I":  # 16 bits of a PPM, or of a PNG in an older Pillow
        levels = np.asarray(image) >> 8
        image = Image.fromarray(levels.clip(0, 255).astype(np.uint8))
    if image.mode in ("P", "PA") and image.palette is None:
        raise UnreadableImageError("damaged: colours by number, and no palette")
    try:
        return image.convert("RGB")
    except ValueError as error:
        raise UnreadableImageError(f"no conversion of its colours ({image.mode}) to RGB") from error


def _high_byte(image: Image.Image) -> Image.Image:
    """Return the upper 8 of 16 (in a TIFF: perhaps of 12) bits of a grey picture."""
    levels = np.asarray(image).astype("<u2", copy=False)
    tags = cast("dict[int, object]", getattr(image, "tag_v2", {}))  # a TIFF has them
    if tags.get(_BITS_PER_SAMPLE) == (12,):
        levels = levels << 4
    eight = Image.fromarray(np.ascontiguousarray(levels.view(np.uint8)[:, 1::2]))
    negative = tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO  # which Pillow heeds in 8 bits, not in 16
    return ImageOps.invert(eight) if negative else eight
