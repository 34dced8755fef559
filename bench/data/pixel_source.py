"""Where pixels come from: decoded when needed, or read from a cache."""

from typing import Protocol

import numpy as np

from bench.data.decode import decode
from bench.data.find import ImageFile
from bench.data.transform import Pixels, evaluation_pixels
from registry.errors import DataError

InputShape = tuple[int, int, int]  # (C, H, W), as a contract has it


class PixelSource(Protocol):
    """Gives the pixels of image files."""

    def full(self, image: ImageFile) -> Pixels:
        """Return the whole picture (H, W, 3)."""

    def centre(self, image: ImageFile, shape: InputShape) -> Pixels:
        """Return what a network of the input `shape` (C, H, W) is validated on, as (H, W, C)."""


class DirectPixels:
    """Decodes an image each time it is asked for."""

    def full(self, image: ImageFile) -> Pixels:
        """Return the whole picture (H, W, 3), or raise DataError, which names it."""
        try:
            return np.asarray(decode(image.path))
        except DataError as error:
            raise DataError(f"can't read {image.name}: {error}") from error

    def centre(self, image: ImageFile, shape: InputShape) -> Pixels:
        """Return the centre of the picture (H, W, C)."""
        return evaluation_pixels(self.full(image), shape)
