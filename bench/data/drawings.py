"""Cats and dogs drawn by code.

The two kinds differ in ears, muzzle and proportions. Pose, colour, background, light, occlusion
and noise have the same distributions for both, so no average over pixels separates them.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["Kind", "draw"]

Kind: TypeAlias = Literal["cat", "dog"]
Image: TypeAlias = NDArray[np.uint8]
Points: TypeAlias = NDArray[np.float64]
Colour: TypeAlias = NDArray[np.float64]
_SHIFT = 4  # OpenCV's fixed point: sixteenths of a pixel
_FURS = (
    (235, 225, 210), (190, 190, 195), (120, 120, 128), (70, 66, 68), (222, 168, 102),
    (196, 122, 58), (140, 92, 58), (96, 64, 46), (232, 200, 150), (168, 150, 130),
)  # fmt: skip
_IRISES = ((96, 140, 70), (190, 150, 50), (110, 70, 35), (90, 140, 180), (60, 50, 45))
_PINK = np.array((226.0, 130.0, 140.0))
_DARK = np.array((38.0, 30.0, 32.0))
_WHITE = np.array((245.0, 242.0, 238.0))


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Coat:
    """The colours of one animal; both kinds draw from the same palette."""

    fur: Colour
    ear: Colour
    muzzle: Colour
    nose: Colour
    iris: Colour
    line: Colour
    stripes: bool
    patch: bool
    tongue: bool


def draw(kind: Kind, generator: np.random.Generator) -> Image:
    """Return a drawing of `kind` as RGB (H, W, 3), 240 to 320 pixels a side."""
    size = (int(generator.integers(240, 321)), int(generator.integers(240, 321)))
    canvas = _background(generator, size)
    brush = Brush(canvas=canvas, matrix=_pose(generator, size))
    coat = _coat(generator)
    _body(brush, coat, generator)
    (_cat if kind == "cat" else _dog)(brush, coat, generator)
    _occlude(canvas, generator)
    return _photograph(canvas, generator)


def _pose(generator: np.random.Generator, size: tuple[int, int]) -> Points:
    """Return the head's matrix (2, 3): scale, small rotation, shift, perhaps mirrored."""
    height, width = size
    radius = min(size) * generator.uniform(0.22, 0.3)
    angle = generator.normal(0.0, 0.13)
    mirror = generator.choice((-1.0, 1.0))
    cosine, sine = np.cos(angle) * radius, np.sin(angle) * radius
    centre_x = width * generator.uniform(0.36, 0.64)
    centre_y = height * generator.uniform(0.42, 0.60)
    return np.array(((mirror * cosine, -sine, centre_x), (mirror * sine, cosine, centre_y)))


def _coat(generator: np.random.Generator) -> _Coat:
    fur = vary(_FURS[generator.integers(len(_FURS))], generator)
    other = vary(_FURS[generator.integers(len(_FURS))], generator)
    light = generator.random() < 0.5  # a pale muzzle with a dark nose, or the reverse
    return _Coat(
        fur=fur,
        ear=mix(fur, other, generator.uniform(0.2, 0.8)),
        muzzle=mix(fur, _WHITE if light else _DARK, generator.uniform(0.25, 0.7)),
        nose=mix(_DARK, _PINK, generator.uniform(0, 0.4) if light else generator.uniform(0.5, 1)),
        iris=vary(_IRISES[generator.integers(len(_IRISES))], generator),
        line=_DARK if fur.mean() > 130 else _WHITE,
        stripes=bool(generator.random() < 0.35),
        patch=bool(generator.random() < 0.35),
        tongue=bool(generator.random() < 0.4),
    )


def _body(brush: Brush, coat: _Coat, generator: np.random.Generator) -> None:
    width, lean = generator.uniform(0.75, 1.05), generator.uniform(-0.35, 0.35)
    brush.fill(ellipse(lean, 1.9, width, 1.35), shade(coat.fur, 0.86))
    brush.fill(ellipse(lean, 1.9, width * 0.5, 1.1), mix(coat.fur, coat.muzzle, 0.5))


def _cat(brush: Brush, coat: _Coat, generator: np.random.Generator) -> None:
    wide, high = generator.uniform(0.98, 1.1), generator.uniform(0.8, 0.9)
    tip_x, tip_y = generator.uniform(0.72, 0.92), generator.uniform(-1.45, -1.25)
    for side in (-1.0, 1.0):
        outer = mirror(((0.97, -0.1), (tip_x, tip_y), (0.16, -0.72)), side)
        inner = mirror(((0.84, -0.35), (tip_x - 0.02, tip_y + 0.22), (0.34, -0.72)), side)
        brush.fill(outer, coat.ear)
        brush.fill(inner, mix(coat.ear, coat.muzzle, 0.7))
    brush.fill(ellipse(0, 0, wide, high), coat.fur)
    _markings(brush, coat, generator)
    _eyes(brush, coat, x=generator.uniform(0.38, 0.46), y=-0.1, wide=0.21, high=0.17, slit=True)
    _cat_muzzle(brush, coat, generator)


def _cat_muzzle(brush: Brush, coat: _Coat, generator: np.random.Generator) -> None:
    """Draw a short muzzle: two small cushions, a nose no wider than an eye, whiskers."""
    y = generator.uniform(0.36, 0.44)
    for side in (-1.0, 1.0):
        brush.fill(ellipse(side * 0.15, y + 0.07, 0.2, 0.16), coat.muzzle)
    if coat.tongue:
        brush.fill(ellipse(0.02, y + 0.25, 0.08, 0.13), _PINK)
    brush.fill(np.array(((-0.11, y - 0.1), (0.11, y - 0.1), (0.0, y + 0.03))), coat.nose)
    reach, droop = generator.uniform(1.15, 1.45), generator.uniform(-0.1, 0.15)
    for side in (-1.0, 1.0):
        mouth = ((0.0, y + 0.03), (0.02, y + 0.15), (0.12, y + 0.19), (0.22, y + 0.13))
        brush.stroke(mirror(mouth, side), coat.line, 0.03)
        for fan in (-0.2, 0.0, 0.2):
            whisker = ((0.22, y + 0.06 + 0.2 * fan), (reach, y + droop + 1.3 * fan))
            brush.stroke(mirror(whisker, side), coat.line, 0.025)


def _dog(brush: Brush, coat: _Coat, generator: np.random.Generator) -> None:
    wide, high = generator.uniform(0.8, 0.9), generator.uniform(0.95, 1.05)
    brush.fill(ellipse(0, 0, wide, high), coat.fur)
    _markings(brush, coat, generator)
    drop, flare = generator.uniform(0.0, 0.25), generator.uniform(0.05, 0.4)
    for side in (-1.0, 1.0):
        ear = ellipse(0, 0, 0.3, generator.uniform(0.65, 0.8)) @ rotation(side * flare)
        ear = ear + np.array((side * 0.88, drop))
        brush.fill(ear, coat.ear)
        brush.stroke(ear, shade(coat.ear, 0.75), 0.03)
    _eyes(brush, coat, x=generator.uniform(0.27, 0.35), y=-0.22, wide=0.14, high=0.15, slit=False)
    _dog_muzzle(brush, coat, generator)


def _dog_muzzle(brush: Brush, coat: _Coat, generator: np.random.Generator) -> None:
    """Draw a long snout down to the chin, a big nose, sometimes a tongue."""
    y = generator.uniform(0.2, 0.3)
    if coat.tongue:
        brush.fill(ellipse(0.03, y + 0.78, 0.17, 0.26), _PINK)
    brush.fill(ellipse(0, y + 0.28, generator.uniform(0.42, 0.5), 0.5), coat.muzzle)
    brush.fill(ellipse(0, y, 0.25, 0.18), coat.nose)
    brush.fill(ellipse(-0.06, y - 0.06, 0.08, 0.04), mix(coat.nose, _WHITE, 0.5))
    for side in (-1.0, 1.0):
        mouth = ((0.0, y + 0.17), (0.0, y + 0.42), (0.16, y + 0.52), (0.34, y + 0.44))
        brush.stroke(mirror(mouth, side), coat.line, 0.04)


def _eyes(
    brush: Brush, coat: _Coat, *, x: float, y: float, wide: float, high: float, slit: bool
) -> None:
    for side in (-1.0, 1.0):
        brush.fill(ellipse(side * x, y, wide + 0.025, high + 0.025), _DARK)
        brush.fill(ellipse(side * x, y, wide, high), coat.iris)
        brush.fill(
            ellipse(side * x, y, 0.05 if slit else 0.1, high * (0.9 if slit else 0.7)), _DARK
        )
        brush.fill(ellipse(side * x - 0.05, y - 0.06, 0.035, 0.035), _WHITE)


def _markings(brush: Brush, coat: _Coat, generator: np.random.Generator) -> None:
    """Draw stripes on the forehead and a patch over an eye, on some of both kinds."""
    if coat.patch:
        brush.fill(ellipse(0.36, -0.16, 0.33, 0.37), coat.ear)
    if coat.stripes:
        for x in (-0.2, 0.0, 0.2):
            stripe = np.array(((x, -0.72 + abs(x) * 0.3), (x * 0.7, -0.36)))
            brush.stroke(stripe, shade(coat.fur, 0.6), 0.07)
    for _ in range(40):
        angle, distance = generator.uniform(0, 2 * np.pi), np.sqrt(generator.uniform(0, 0.6))
        start = distance * np.array((np.cos(angle), np.sin(angle)))
        hair = np.stack((start, start * 1.1 + (0.0, 0.05)))
        brush.stroke(hair, shade(coat.fur, generator.uniform(0.8, 1.2)), 0.015)


def _background(generator: np.random.Generator, size: tuple[int, int]) -> Image:
    """Return a gradient between two colours, under a texture (H, W, 3)."""
    # Around the palette's mean: warmer furs would give the outline away by its colour.
    first, second, third = np.mean(_FURS, axis=0) + generator.uniform(-95, 95, (3, 3))
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


def _occlude(canvas: Image, generator: np.random.Generator) -> None:
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


def _photograph(canvas: Image, generator: np.random.Generator) -> Image:
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
