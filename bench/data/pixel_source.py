"""Where pixels come from: decoded when needed, or read from a cache."""

from typing import Protocol

import numpy as np

from bench.data.decode import decode
from bench.data.find import ImageFile
from bench.data.transform import Pixels, evaluation_pixels
from registry.errors import DataError

InputShape = tuple[int, int, int]  # (C, H, W), as in a contract


class PixelSource(Protocol):
    """Returns the pixels of image files."""

    def full(self, image: ImageFile) -> Pixels:
        """Return the whole picture (H, W, 3)."""

    def centre(self, image: ImageFile, shape: InputShape) -> Pixels:
        """Return the centre (H, W, C) that validates a network of input `shape` (C, H, W)."""


class DirectPixels:
    """Decodes an image at each request."""

    def full(self, image: ImageFile) -> Pixels:
        """Return the whole picture (H, W, 3), or raise DataError, which names the file."""
        try:
            return np.asarray(decode(image.path))
        except DataError as error:
            raise DataError(f"cannot read {image.name}: {error}") from error

    def centre(self, image: ImageFile, shape: InputShape) -> Pixels:
        """Return the centre of the picture (H, W, C)."""
        return evaluation_pixels(self.full(image), shape)
