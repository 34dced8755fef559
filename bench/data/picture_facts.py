"""Facts of a decoded picture: its size, two hashes and a small grey sketch."""

import hashlib

import numpy as np
from PIL import Image

from bench.data.facts import SKETCH_SIDE, Facts

_ROWS = 64  # hashed at a time, so that a large picture is not copied whole


def facts_of(picture: Image.Image) -> Facts:
    """Return the facts of an RGB picture."""
    grey = picture.convert("L")
    small = grey.resize((SKETCH_SIDE, SKETCH_SIDE), Image.Resampling.BOX)
    return Facts(
        width=picture.width,
        height=picture.height,
        difference_hash=difference_hash(grey),
        pixels=pixel_digest(picture),
        sketch=small.tobytes(),
    )


def difference_hash(picture: Image.Image) -> int:
    """Return 256 bits: whether each of 16x16 grey cells is brighter than its right neighbour.

    Source: N. Krawetz, "Kind of Like That" (2013), at 16x16 instead of 8x8.
    """
    grey = picture.convert("L").resize((17, 16), Image.Resampling.BOX)
    levels = np.asarray(grey, dtype=np.int16)
    return int.from_bytes(np.packbits(levels[:, :-1] > levels[:, 1:]).tobytes(), "big")


def pixel_digest(picture: Image.Image) -> str:
    """Return a digest of size and pixels: equal for lossless copies in any format."""
    digest = hashlib.sha256(f"{picture.mode} {picture.width}x{picture.height}\n".encode())
    for top in range(0, picture.height, _ROWS):
        bottom = min(top + _ROWS, picture.height)
        digest.update(picture.crop((0, top, picture.width, bottom)).tobytes())
    return digest.hexdigest()
