"""Tiny folders of pictures drawn at random, which no two numbers have in common."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image


def noise(seed: int, width: int = 48, height: int = 40) -> Image.Image:
    """Return a picture of random blots that no other seed gives."""
    blocks = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    return Image.fromarray(blocks).resize((width, height), Image.Resampling.BICUBIC)


def draw_folder(folder: Path, *, each: int = 12, first: int = 0) -> Path:
    """Write `each` cats (reddish noise) and dogs (bluish), numbered from `first`, as JPEGs."""
    for label, (kind, channel) in enumerate((("Cat", 0), ("Dog", 2))):
        (folder / kind).mkdir(parents=True)
        for number in range(first, first + each):
            levels = np.asarray(noise(1000 * label + number)).copy()
            levels[..., channel] = 255 - levels[..., channel] // 8
            path = folder / kind / f"{kind.lower()}.{number}.jpg"
            Image.fromarray(levels).save(path, quality=95)
    return folder
