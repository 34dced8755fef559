"""From a picture to the pixels a network sees: crop, resize, flip; every draw is keyed."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
GREY_MEAN = (0.459,)  # the luma (ITU-R 601) of the ImageNet mean
GREY_STD = (0.225,)
_RATIO = (3 / 4, 4 / 3)
_ATTEMPTS = 10
_TEXTBOOK_RESIZE = 256

Pixels = NDArray[np.uint8]  # (H, W, C)


@dataclass(frozen=True, slots=True, kw_only=True)
class Augmentation:
    """What a training image may go through: the share of its area kept, and mirroring."""

    scale: tuple[float, float] = (0.5, 1.0)
    flip_probability: float = 0.5


def keyed_generator(seed: int, *counters: int) -> np.random.Generator:
    """Return a generator that depends on `seed` and `counters` alone.

    So an image's augmentation is the same whatever was drawn before, in whichever thread.
    Source: Salmon et al. 2011, Philox, counter-based random numbers.
    """
    key = np.array([seed % 2**64, 0], dtype=np.uint64)
    counter = np.zeros(4, dtype=np.uint64)
    counter[1 : 1 + len(counters)] = counters
    return np.random.Generator(np.random.Philox(key=key, counter=counter))


def normalization(channels: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and standard deviation per channel, of levels scaled to 0..1."""
    return (GREY_MEAN, GREY_STD) if channels == 1 else (IMAGENET_MEAN, IMAGENET_STD)


def training_pixels(
    picture: Image.Image,
    shape: tuple[int, int, int],
    augmentation: Augmentation,
    generator: np.random.Generator,
) -> Pixels:
    """Return a random part of `picture` as (H, W, C) of uint8, perhaps mirrored.

    The box has the distribution of torchvision's `RandomResizedCrop`; crop and resize are
    Pillow's own, as in torchvision's transforms of Pillow images.
    """
    channels, height, width = shape
    box = random_box(picture.width, picture.height, augmentation.scale, generator)
    part = _in_channels(picture, channels).crop(box)
    part = part.resize((width, height), Image.Resampling.BILINEAR)
    if generator.random() < augmentation.flip_probability:
        part = part.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return _as_array(part)


def evaluation_pixels(picture: Image.Image, shape: tuple[int, int, int]) -> Pixels:
    """Return the centre of `picture` as (H, W, C) of uint8, always the same.

    The shorter side is resized to 256 for inputs of 224 to 256 pixels, as the chapter does, and
    to 8/7 of the input otherwise; then the centre is cut out.
    """
    channels, height, width = shape
    side = max(height, width)
    short = _TEXTBOOK_RESIZE if 224 <= side <= _TEXTBOOK_RESIZE else round(side * 8 / 7)
    scaled = _resize_short(_in_channels(picture, channels), short)
    top, left = round((scaled.height - height) / 2), round((scaled.width - width) / 2)
    return _as_array(scaled.crop((left, top, left + width, top + height)))


def random_box(
    width: int, height: int, scale: tuple[float, float], generator: np.random.Generator
) -> tuple[int, int, int, int]:
    """Return left, top, right, bottom of a random part: uniform in area, log-uniform in ratio.

    Source: Szegedy et al. 2015 (Inception), with torchvision's ten tries and centre fall-back.
    """
    low, high = math.log(_RATIO[0]), math.log(_RATIO[1])
    for _ in range(_ATTEMPTS):
        area = width * height * generator.uniform(*scale)
        ratio = math.exp(generator.uniform(low, high))
        w, h = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if 0 < w <= width and 0 < h <= height:
            top = int(generator.integers(0, height - h + 1))
            left = int(generator.integers(0, width - w + 1))
            return left, top, left + w, top + h
    return _centre_box(width, height)


def _centre_box(width: int, height: int) -> tuple[int, int, int, int]:
    ratio = width / height
    if ratio < _RATIO[0]:
        w, h = width, round(width / _RATIO[0])
    elif ratio > _RATIO[1]:
        w, h = round(height * _RATIO[1]), height
    else:
        w, h = width, height
    left, top = (width - w) // 2, (height - h) // 2
    return left, top, left + w, top + h


def _resize_short(picture: Image.Image, short: int) -> Image.Image:
    width, height = picture.size
    if width <= height:
        size = (short, int(short * height / width))
    else:
        size = (int(short * width / height), short)
    return picture.resize(size, Image.Resampling.BILINEAR)


def _in_channels(picture: Image.Image, channels: int) -> Image.Image:
    return picture.convert("L") if channels == 1 else picture


def _as_array(picture: Image.Image) -> Pixels:
    pixels = np.asarray(picture)
    return pixels[:, :, None] if pixels.ndim == 2 else pixels
