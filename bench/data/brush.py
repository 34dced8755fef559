"""Shapes and colours, by OpenCV: what drawings are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Image: TypeAlias = NDArray[np.uint8]
Points: TypeAlias = NDArray[np.float64]
Colour: TypeAlias = NDArray[np.float64]

_SHIFT = 4  # OpenCV's fixed point: sixteenths of a pixel


@dataclass(frozen=True, slots=True, kw_only=True)
class Brush:
    """Paints shapes given in head radii (x right, y down, the head's centre at 0, 0)."""

    canvas: Image
    matrix: Points  # (2, 3): head radii to pixels

    def fill(self, points: Points, colour: Colour) -> None:
        """Fill the shape between `points` (N, 2)."""
        shapes = [self._pixels(points)]
        cv2.fillPoly(self.canvas, shapes, colour.tolist(), cv2.LINE_AA, _SHIFT)

    def stroke(self, points: Points, colour: Colour, width: float) -> None:
        """Draw an open line `width` head radii wide, never thinner than a pixel."""
        lines, shade = [self._pixels(points)], colour.tolist()
        thickness = max(1, round(width * float(np.hypot(*self.matrix[:, 0]))))
        cv2.polylines(self.canvas, lines, False, shade, thickness, cv2.LINE_AA, _SHIFT)

    def _pixels(self, points: Points) -> NDArray[np.int32]:
        pixels = points @ self.matrix[:, :2].T + self.matrix[:, 2]
        fixed: NDArray[np.int32] = np.round(pixels * 2**_SHIFT).astype(np.int32)
        return fixed


def ellipse(x: float, y: float, wide: float, high: float) -> Points:
    """Return 48 points (48, 2) of the ellipse around `x`, `y`."""
    angles = np.linspace(0, 2 * np.pi, 48)
    return np.stack((x + wide * np.cos(angles), y + high * np.sin(angles)), axis=1)


def mirror(points: tuple[tuple[float, float], ...], side: float) -> Points:
    """Return `points` on the `side` -1 or 1."""
    return np.array(points) * (side, 1.0)


def rotation(angle: float) -> Points:
    """Return the matrix (2, 2) of a turn by `angle`, in radians."""
    return np.array(((np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle))))


def mix(first: Colour, second: Colour, share: float | Points) -> Colour:
    """Return `first` with `share` (0 to 1) of `second` in it."""
    return first + (second - first) * share


def shade(colour: Colour, gain: float) -> Colour:
    """Return `colour` lighter or darker by `gain`."""
    return np.clip(colour * gain, 0, 255)


def vary(colour: tuple[int, int, int], generator: np.random.Generator) -> Colour:
    """Return `colour` a little lighter or darker, in a slightly other hue."""
    varied = np.array(colour) + generator.normal(0, 14) + generator.normal(0, 4, 3)
    return np.clip(varied, 0, 255)


def to_uint8(pixels: NDArray[np.float64]) -> Image:
    """Return levels, rounded, between 0 and 255."""
    return np.clip(np.round(pixels), 0, 255).astype(np.uint8)
