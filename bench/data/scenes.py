"""What is around a drawn animal: the brush, the background, what hides it, light and lens."""

from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Image: TypeAlias = NDArray[np.uint8]
Points: TypeAlias = NDArray[np.float64]
Colour: TypeAlias = NDArray[np.float64]
_SHIFT = 4  # OpenCV's fixed point: sixteenths of a pixel
FURS = (
    (235, 225, 210), (190, 190, 195), (120, 120, 128), (70, 66, 68), (222, 168, 102),
    (196, 122, 58), (140, 92, 58), (96, 64, 46), (232, 200, 150), (168, 150, 130),
)  # fmt: skip


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
    """Return a mix of two colours with `share` (0 to 1) of `second`."""
    return first + (second - first) * share


def shade(colour: Colour, gain: float) -> Colour:
    """Return `colour` lighter or darker by `gain`."""
    return np.clip(colour * gain, 0, 255)


def vary(colour: tuple[int, int, int], generator: np.random.Generator) -> Colour:
    """Return `colour` with slightly different lightness and hue."""
    varied = np.array(colour) + generator.normal(0, 14) + generator.normal(0, 4, 3)
    return np.clip(varied, 0, 255)


def to_uint8(pixels: NDArray[np.float64]) -> Image:
    """Return levels rounded and clipped to 0 to 255."""
    return np.clip(np.round(pixels), 0, 255).astype(np.uint8)


def background(generator: np.random.Generator, size: tuple[int, int]) -> Image:
    """Return a gradient between two colours, under a texture (H, W, 3)."""
    # Around the palette's mean: warmer furs would give the outline away by its colour.
    first, second, third = np.mean(FURS, axis=0) + generator.uniform(-95, 95, (3, 3))
    canvas = mix(first, second, _ramp(generator, size)[..., None])
    texture = generator.integers(4)
    y, x = np.ogrid[: size[0], : size[1]]
    period = generator.uniform(14, 60)
    if texture == 1:
        angle = generator.uniform(0, np.pi)
        wave = np.sin((x * np.cos(angle) + y * np.sin(angle)) * 2 * np.pi / period)
        canvas = mix(canvas, third, generator.uniform(0.1, 0.45) * (wave > 0)[..., None])
    elif texture == 2:
        coarse = generator.uniform(0, 1, (size[0] // 24 + 2, size[1] // 24 + 2))
        cloud = np.asarray(cv2.resize(coarse, size[::-1], interpolation=cv2.INTER_CUBIC), float)
        canvas = mix(canvas, third, 0.45 * np.clip(cloud, 0, 1)[..., None])
    elif texture == 3:
        checks = (x // period + y // period) % 2
        canvas = mix(canvas, third, generator.uniform(0.1, 0.45) * checks[..., None])
    return to_uint8(canvas)


def occlude(canvas: Image, generator: np.random.Generator) -> None:
    """Cover part of two images in five with a bar or a few blobs."""
    height, width = canvas.shape[:2]
    brush = Brush(canvas=canvas, matrix=np.array(((width, 0, 0), (0, height, 0)), np.float64))
    colour = generator.uniform(20, 235, 3)
    lot = generator.random()
    if lot < 0.2:
        bar = np.array(((-1.5, -0.04), (1.5, -0.04), (1.5, 0.04), (-1.5, 0.04)))
        turned = bar @ rotation(generator.uniform(0, np.pi))
        brush.fill(turned + generator.uniform(0.15, 0.85, 2), colour)
    elif lot < 0.4:
        for _ in range(generator.integers(1, 4)):
            x, y = generator.uniform(0.1, 0.9, 2)
            wide, high = generator.uniform(0.04, 0.1, 2)
            brush.fill(ellipse(x, y, wide, high), colour)


def expose(canvas: Image, generator: np.random.Generator) -> Image:
    """Return the scene under uneven light, through an imperfect lens and a noisy sensor."""
    height, width = canvas.shape[:2]
    light = 1 + generator.uniform(0, 0.4) * (_ramp(generator, (height, width))[..., None] - 0.5)
    contrast, brightness = generator.uniform(0.7, 1.15), generator.uniform(-28, 28)
    pixels = (canvas * light - 128) * contrast + 128 + brightness
    pixels = np.asarray(cv2.GaussianBlur(pixels, (0, 0), generator.uniform(0.3, 1.1)))
    noise = generator.standard_normal(canvas.shape, dtype=np.float32)
    return to_uint8(pixels + generator.uniform(2, 12) * noise)


def _ramp(generator: np.random.Generator, size: tuple[int, int]) -> Points:
    """Return a slope (H, W) from 0 to 1 in a random direction."""
    angle = generator.uniform(0, 2 * np.pi)
    y, x = np.ogrid[-1 : 1 : size[0] * 1j, -1 : 1 : size[1] * 1j]
    slope: Points = 0.5 + 0.4 * (x * np.cos(angle) + y * np.sin(angle))
    return np.clip(slope, 0, 1)
