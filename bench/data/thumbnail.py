"""Small pictures of images, for pages that carry them."""

from __future__ import annotations

import io

from PIL import Image

from bench.data.transform import Pixels

LONGEST_SIDE = 160  # pixels: sharp at half that size on a phone, about 4 kB a photograph
_QUALITY = 72


def thumbnail(pixels: Pixels) -> bytes:
    """Return a small JPEG of a picture (H, W, 3)."""
    picture = Image.fromarray(pixels)
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE), reducing_gap=2.0)
    written = io.BytesIO()
    picture.save(written, "JPEG", quality=_QUALITY, optimize=True)
    return written.getvalue()
