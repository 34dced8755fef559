"""Twelve corruptions of photographs at three severities: what a camera and a web page do to them.

Each is made by OpenCV from the same photograph, and every draw is keyed by its content.
Source: D. Hendrycks, T. Dietterich 2019, arXiv:1903.12261 (ImageNet-C), whose levels differ.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np

from bench.data.transform import Pixels, keyed_generator

SEVERITIES = (1, 2, 3)
_BASE = 256  # pixels of a shorter side, for which lengths are given
_MIDDLE = 127  # a grey level
_Draws = np.random.Generator


@dataclass(frozen=True, slots=True, kw_only=True)
class Corruption:
    """A corruption: its name, its levels by severity, and what they mean."""

    name: str
    meaning: str
    levels: tuple[float, float, float]
    apply: Callable[[Pixels, float, _Draws], Pixels]

    def __call__(self, picture: Pixels, severity: int, digest: str) -> Pixels:
        """Return `picture` (H, W, 3) corrupted with `severity`, 1 to 3.

        Draws depend on the content's SHA-256 `digest` and the corruption alone. So they are the
        same in any order of images, and for each severity.
        """
        number = [each.name for each in CORRUPTIONS].index(self.name)
        draws = keyed_generator(int(digest[:16], 16), number)
        return self.apply(picture, self.levels[severity - 1], draws)


def _noise(picture: Pixels, level: float, draws: _Draws) -> Pixels:
    added = draws.standard_normal(picture.shape, dtype=np.float32) * np.float32(level * 255)
    return cast("Pixels", cv2.add(picture, added, dtype=cv2.CV_8U))


def _blur(picture: Pixels, level: float, draws: _Draws) -> Pixels:
    return cast("Pixels", cv2.GaussianBlur(picture, (0, 0), level * _unit(picture)))


def _motion(picture: Pixels, level: float, draws: _Draws) -> Pixels:
    half = level * _unit(picture) / 2
    angle = draws.uniform(0, math.pi)
    middle = math.ceil(half)
    kernel = np.zeros((2 * middle + 1, 2 * middle + 1), np.float32)
    end = round(half * math.cos(angle)), round(half * math.sin(angle))
    cv2.line(kernel, (middle - end[0], middle - end[1]), (middle + end[0], middle + end[1]), 1.0)
    return cast("Pixels", cv2.filter2D(picture, -1, kernel / kernel.sum()))


def _jpeg(picture: Pixels, level: float, draws: _Draws) -> Pixels:
    blue_first = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    _, content = cv2.imencode(".jpg", blue_first, [cv2.IMWRITE_JPEG_QUALITY, int(level)])
    decoded = cast("Pixels", cv2.imdecode(content, cv2.IMREAD_COLOR))
    return cast("Pixels", cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB))


def _darkness(picture: Pixels, level: float, draws: _Draws) -> Pixels:
    return cast("Pixels", cv2.convertScaleAbs(picture, alpha=level))


def _contrast(picture: Pixels, level: float, draws: _Draws) -> Pixels:
    mean = cv2.mean(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY))[0]
    return cast("Pixels", cv2.convertScaleAbs(picture, alpha=level, beta=(1 - level) * mean))


def _fog(picture: Pixels, level: float, draws: _Draws) -> Pixels:
    height, width = picture.shape[:2]
    banks = draws.uniform(170, 250, (4, 4)).astype(np.float32)
    haze = cv2.resize(banks, (width, height), interpolation=cv2.INTER_LINEAR).astype(np.uint8)
    white = cv2.cvtColor(haze, cv2.COLOR_GRAY2RGB)
    return cast("Pixels", cv2.addWeighted(picture, 1 - level, white, level, 0))


def _grey(picture: Pixels, level: float, draws: _Draws) -> Pixels:
    grey = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return cast("Pixels", cv2.addWeighted(picture, 1 - level, grey, level, 0))


def _rotation(picture: Pixels, level: float, draws: _Draws) -> Pixels:
    height, width = picture.shape[:2]
    sign = 1 if draws.random() < 0.5 else -1
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), sign * level, 1.0)
    turned = cv2.warpAffine(picture, turn, (width, height), borderMode=cv2.BORDER_REFLECT_101)
    return cast("Pixels", turned)


def _crop(picture: Pixels, level: float, draws: _Draws) -> Pixels:
    height, width, top, left = _part(picture, level, draws)
    return np.ascontiguousarray(picture[top : top + height, left : left + width])


def _occlusion(picture: Pixels, level: float, draws: _Draws) -> Pixels:
    height, width, top, left = _part(picture, level, draws)
    found = picture.copy()
    found[top : top + height, left : left + width] = _MIDDLE
    return found


def _small(picture: Pixels, level: float, draws: _Draws) -> Pixels:
    height, width = picture.shape[:2]
    share = min(1.0, level / min(height, width))
    size = max(1, round(width * share)), max(1, round(height * share))
    shrunk = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return cast("Pixels", cv2.resize(shrunk, (width, height), interpolation=cv2.INTER_LINEAR))


def _part(picture: Pixels, share: float, draws: _Draws) -> tuple[int, int, int, int]:
    """Return height, width, top and left of a part with `share` of each side, anywhere."""
    height, width = (max(1, round(side * share)) for side in picture.shape[:2])
    down, right = draws.random(2)
    top, left = round(down * (picture.shape[0] - height)), round(right * (picture.shape[1] - width))
    return height, width, top, left


def _unit(picture: Pixels) -> float:
    """Return the pixels of `picture` for one of a picture whose shorter side is 256."""
    return float(min(picture.shape[:2]) / _BASE)


CORRUPTIONS = (
    Corruption(name="noise", meaning="deviation of a level, of 1", levels=(0.06, 0.12, 0.24),
               apply=_noise),
    Corruption(name="blur", meaning="deviation in pixels of 256", levels=(1.5, 3.0, 6.0),
               apply=_blur),
    Corruption(name="motion", meaning="pixels of 256, in any direction", levels=(9, 17, 33),
               apply=_motion),
    Corruption(name="JPEG", meaning="quality, of 100", levels=(20, 10, 4), apply=_jpeg),
    Corruption(name="darkness", meaning="share of the light", levels=(0.5, 0.25, 0.1),
               apply=_darkness),
    Corruption(name="contrast", meaning="share of the contrast", levels=(0.5, 0.25, 0.1),
               apply=_contrast),
    Corruption(name="fog", meaning="share of white", levels=(0.35, 0.55, 0.75), apply=_fog),
    Corruption(name="grey", meaning="share of the colour that is lost", levels=(0.5, 0.8, 1.0),
               apply=_grey),
    Corruption(name="rotation", meaning="degrees, either way", levels=(10, 20, 40),
               apply=_rotation),
    Corruption(name="crop", meaning="share of each side that is left", levels=(0.75, 0.55, 0.4),
               apply=_crop),
    Corruption(name="occlusion", meaning="share of each side that is covered",
               levels=(0.3, 0.5, 0.7), apply=_occlusion),
    Corruption(name="small", meaning="pixels of the shorter side", levels=(64, 32, 16),
               apply=_small),
)  # fmt: skip
