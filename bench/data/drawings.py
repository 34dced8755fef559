"""Cats and dogs drawn by code.

The two kinds differ in six traits: ears, muzzle, nose, eyes, whiskers and the head's proportions.
Their distributions overlap: a trait alone is wrong for one animal in 25, and some are hidden, so
that several together tell the kinds apart. Pose, colour, background, light, occlusion and noise
have the same distributions for both, so no average over pixels separates them.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from bench.data.scenes import (
    FURS,
    Brush,
    Colour,
    Image,
    Points,
    background,
    ellipse,
    expose,
    mirror,
    mix,
    occlude,
    rotation,
    shade,
    vary,
)

__all__ = ["Kind", "draw"]

Kind: TypeAlias = Literal["cat", "dog"]
_SIDES = (144, 193)  # pixels: a thousand drawings take 10 MB
_APART = 1.75  # standard deviations of a trait between its mean and that of both kinds
_MOST = 2.0  # standard deviations, at which a part is wholly a cat's or a dog's
_IRISES = ((96, 140, 70), (190, 150, 50), (110, 70, 35), (90, 140, 180), (60, 50, 45))
_PINK = np.array((226.0, 130.0, 140.0))
_DARK = np.array((38.0, 30.0, 32.0))
_WHITE = np.array((245.0, 242.0, 238.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Traits:
    """How much of a dog each part of an animal is: 0, a cat's at most, to 1, a dog's."""

    ears: float
    muzzle: float
    nose: float
    eyes: float
    whiskers: float
    head: float


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
    """Return a drawing of `kind` as RGB (H, W, 3), 144 to 192 pixels a side."""
    size = (int(generator.integers(*_SIDES)), int(generator.integers(*_SIDES)))
    canvas = background(generator, size)
    brush = Brush(canvas=canvas, matrix=_pose(generator, size))
    coat, traits = _coat(generator), _traits(kind, generator)
    _body(brush, coat, generator)
    if traits.ears < 0.5:  # upright ears stand behind the head, hanging ones before it
        _ears(brush, coat, traits, generator)
    high = between(0.86, 0.99, traits.head) + generator.normal(0, 0.02)
    brush.fill(ellipse(0, 0, between(1.03, 0.86, traits.head), high), coat.fur)
    _markings(brush, coat, generator)
    if traits.ears >= 0.5:
        _ears(brush, coat, traits, generator)
    _eyes(brush, coat, traits, generator)
    _muzzle(brush, coat, traits, generator)
    occlude(canvas, generator)
    return expose(canvas, generator)


def between(cat: float, dog: float, trait: float) -> float:
    """Return the value of a part, of which `trait` (0 to 1) is a dog's."""
    return cat + (dog - cat) * trait


def _traits(kind: Kind, generator: np.random.Generator) -> _Traits:
    mean = -_APART if kind == "cat" else _APART
    values = (mean + generator.standard_normal(6)).clip(-_MOST, _MOST) / (2 * _MOST) + 0.5
    ears, muzzle, nose, eyes, whiskers, head = values.tolist()
    return _Traits(ears=ears, muzzle=muzzle, nose=nose, eyes=eyes, whiskers=whiskers, head=head)


def _pose(generator: np.random.Generator, size: tuple[int, int]) -> Points:
    """Return the head's matrix (2, 3): scale, small rotation, shift, perhaps mirrored."""
    height, width = size
    radius = min(size) * generator.uniform(0.225, 0.3)
    angle = generator.normal(0.0, 0.14)
    mirror = generator.choice((-1.0, 1.0))
    cosine, sine = np.cos(angle) * radius, np.sin(angle) * radius
    centre_x = width * generator.uniform(0.28, 0.72)
    centre_y = height * generator.uniform(0.38, 0.65)
    return np.array(((mirror * cosine, -sine, centre_x), (mirror * sine, cosine, centre_y)))


def _coat(generator: np.random.Generator) -> _Coat:
    fur = vary(FURS[generator.integers(len(FURS))], generator)
    other = vary(FURS[generator.integers(len(FURS))], generator)
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


def _ears(brush: Brush, coat: _Coat, traits: _Traits, generator: np.random.Generator) -> None:
    """Draw ears between upright triangles and hanging lobes: they turn, and their tips go round."""
    turn = between(0.42, 2.75, traits.ears) + generator.normal(0, 0.1)
    length = between(0.85, 1.25, traits.ears) + generator.normal(0, 0.06)
    width = between(0.42, 0.32, traits.ears)
    tip = between(0.0, 0.8, traits.ears)  # of the width
    along = np.linspace(0.0, 1.0, 24)
    half = width * ((1 - along) * (1 - tip) + tip * np.sqrt(1 - along**2) * (0.6 + 0.8 * along))
    lobe = np.concatenate(
        (np.stack((half, -length * along), 1), np.stack((-half, -length * along), 1)[::-1])
    )
    for side in (-1.0, 1.0):
        root = np.array((0.62, -0.55))
        ear = (lobe @ rotation(turn).T + root) * (side, 1.0)
        inner = (
            0.55 * lobe @ rotation(turn).T + root + 0.12 * np.array((np.sin(turn), -np.cos(turn)))
        ) * (side, 1.0)
        brush.fill(ear, coat.ear)
        brush.fill(inner, mix(coat.ear, coat.muzzle, between(0.7, 0.1, traits.ears)))
        brush.stroke(ear, shade(coat.ear, 0.75), 0.03)


def _muzzle(brush: Brush, coat: _Coat, traits: _Traits, generator: np.random.Generator) -> None:
    """Draw a muzzle between two small cushions and a snout down to the chin; nose and whiskers."""
    y = between(0.38, 0.24, traits.muzzle) + generator.normal(0, 0.03)
    long = between(0.15, 0.5, traits.muzzle)
    wide = between(0.2, 0.34, traits.muzzle)
    if coat.tongue:
        brush.fill(ellipse(0.03, y + 1.5 * long, between(0.08, 0.16, traits.muzzle), 0.2), _PINK)
    for side in (-1.0, 1.0):
        brush.fill(ellipse(side * 0.14, y + 0.6 * long, wide, long), coat.muzzle)
    for side in (-1.0, 1.0):
        end = y + 1.25 * long
        mouth = ((0.0, y), (0.0, end - 0.08), (0.7 * wide, end), (1.2 * wide, end - 0.08))
        brush.stroke(mirror(mouth, side), coat.line, 0.035)
        _whiskers(brush, coat, traits, side, y + 0.5 * long)
    big = between(0.1, 0.26, traits.nose)
    brush.fill(ellipse(0, y, big, 0.7 * big), coat.nose)
    brush.fill(
        ellipse(-0.25 * big, y - 0.25 * big, 0.3 * big, 0.2 * big), mix(coat.nose, _WHITE, 0.5)
    )


def _whiskers(brush: Brush, coat: _Coat, traits: _Traits, side: float, y: float) -> None:
    reach = between(1.5, 0.3, traits.whiskers)
    for fan in (-0.2, 0.0, 0.2):
        whisker = ((0.24, y + 0.2 * fan), (0.24 + reach, y + 0.05 + fan * reach))
        brush.stroke(mirror(whisker, side), coat.line, 0.025)


def _eyes(brush: Brush, coat: _Coat, traits: _Traits, generator: np.random.Generator) -> None:
    """Draw eyes between wide ones with slits and round ones with round pupils."""
    x, y = (
        between(0.42, 0.31, traits.head) + generator.normal(0, 0.02),
        between(-0.08, -0.24, traits.head),
    )
    wide, high = between(0.22, 0.13, traits.eyes), between(0.17, 0.14, traits.eyes)
    pupil = between(0.03, 0.11, traits.eyes), high * between(0.95, 0.7, traits.eyes)
    for side in (-1.0, 1.0):
        brush.fill(ellipse(side * x, y, wide + 0.025, high + 0.025), _DARK)
        brush.fill(ellipse(side * x, y, wide, high), coat.iris)
        brush.fill(ellipse(side * x, y, *pupil), _DARK)
        brush.fill(ellipse(side * x - 0.05, y - 0.06, 0.035, 0.035), _WHITE)


def _markings(brush: Brush, coat: _Coat, generator: np.random.Generator) -> None:
    """Draw stripes on the forehead and a patch over an eye, on some of both kinds."""
    if coat.patch:
        brush.fill(ellipse(0.36, -0.16, 0.33, 0.37), coat.ear)
    if coat.stripes:
        for x in (-0.2, 0.0, 0.2):
            stripe = np.array(((x, -0.72 + abs(x) * 0.3), (x * 0.7, -0.36)))
            brush.stroke(stripe, shade(coat.fur, 0.6), 0.07)
    for _ in range(20):
        angle, distance = generator.uniform(0, 2 * np.pi), np.sqrt(generator.uniform(0, 0.6))
        start = distance * np.array((np.cos(angle), np.sin(angle)))
        hair = np.stack((start, start * 1.1 + (0.0, 0.05)))
        brush.stroke(hair, shade(coat.fur, generator.uniform(0.8, 1.2)), 0.015)
