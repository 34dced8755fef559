"""Crop, resize, flip and normalise pictures for a network; every random draw is keyed."""

import math
from collections.abc import Sequence
from typing import cast

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.nn import functional as F

from bench.data.batch_options import Augmentation, Fidelity, Layout
from registry.architecture import Architecture, Normalization

IMAGENET = Normalization(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
GREY = Normalization(mean=(0.459,), std=(0.225,))  # the luma (ITU-R 601) of the ImageNet mean
_RATIO = (3 / 4, 4 / 3)
_LUMA = (0.299, 0.587, 0.114)  # ITU-R 601
_ATTEMPTS = 10
_TEXTBOOK_RESIZE = 256
_MOST_RESIZED = 20_000_000  # pixels, 80 MB: all that a check accepts for inputs up to 512

Pixels = NDArray[np.uint8]  # (H, W, C)
MEMORY_FORMATS = {"channels_last": torch.channels_last, "contiguous": torch.contiguous_format}


def keyed_generator(seed: int, *counters: int) -> np.random.Generator:
    """Return a generator that depends on `seed` and `counters` alone.

    So an image's augmentation depends neither on earlier draws nor on the thread.
    Source: Salmon et al. 2011, Philox, counter-based random numbers.
    """
    key = np.array([seed % 2**64, 0], dtype=np.uint64)
    counter = np.zeros(4, dtype=np.uint64)
    counter[1 : 1 + len(counters)] = counters
    return np.random.Generator(np.random.Philox(key=key, counter=counter))


def normalization_of(architecture: Architecture) -> Normalization:
    """Return the architecture's own normalisation, or the usual one for its channels."""
    usual = GREY if architecture.contract.input_shape[0] == 1 else IMAGENET
    return architecture.normalization or usual


def training_pixels(
    picture: Pixels,
    shape: tuple[int, int, int],
    augmentation: Augmentation,
    generator: np.random.Generator,
    fidelity: Fidelity = "exact",
) -> Pixels:
    """Return a random part of `picture` (H, W, 3) as (H, W, C), perhaps mirrored.

    The box has the distribution of torchvision's `RandomResizedCrop`. `exact` resizes by Pillow,
    equal to torchvision on a Pillow image. `fast` resizes by torch's antialiased resize of 8-bit
    images, with differences of at most 2 of 255.
    """
    height, width = picture.shape[:2]
    left, top, right, bottom = random_box(width, height, augmentation.scale, generator)
    mirrored = bool(generator.random() < augmentation.flip_probability)
    resize = _resize_exactly if fidelity == "exact" else _resize_fast
    pixels = resize(picture[top:bottom, left:right], shape, mirrored)
    return _jitter(pixels, augmentation.color_jitter, generator)


def _jitter(pixels: Pixels, most: float, generator: np.random.Generator) -> Pixels:
    """Return `pixels` (H, W, C) with random brightness, contrast and saturation.

    Equal to torchvision's `ColorJitter` in the order brightness, saturation, contrast, but as one
    linear map of an image's levels, rounded once: 0.1 ms for 3x192x192.
    """
    if not most:
        return pixels
    brightness, contrast, saturation = generator.uniform(1 - most, 1 + most, 3)
    channels = pixels.shape[2]
    luma = np.array(_LUMA if channels == 3 else (1.0,))
    grey = float(luma @ cv2.mean(pixels)[:channels])  # of the image, on average
    mixed = saturation * np.eye(channels) + (1 - saturation) * luma
    offset = np.full((channels, 1), (1 - contrast) * brightness * grey)
    changed = cv2.transform(pixels, np.hstack([contrast * brightness * mixed, offset]))
    return cast("Pixels", changed.reshape(pixels.shape))


def evaluation_pixels(picture: Pixels, shape: tuple[int, int, int]) -> Pixels:
    """Return the centre of `picture` (H, W, 3) as (H, W, C).

    The shorter side is resized first. As in the chapter, it becomes 256 for inputs of 224 to 256
    pixels; otherwise 8/7 of the input.
    """
    channels, height, width = shape
    whole = _as_picture(picture, channels)
    size = _size_with_side(whole, evaluation_side(shape))
    if size[0] * size[1] > _MOST_RESIZED:
        return _centre_of_long(whole, size, (width, height))
    scaled = whole.resize(size, Image.Resampling.BILINEAR)
    top, left = round((scaled.height - height) / 2), round((scaled.width - width) / 2)
    return _as_pixels(scaled.crop((left, top, left + width, top + height)))


def evaluation_side(shape: tuple[int, int, int]) -> int:
    """Return the shorter side to which `evaluation_pixels` resizes for an input `shape`."""
    side = max(shape[1:])
    return _TEXTBOOK_RESIZE if 224 <= side <= _TEXTBOOK_RESIZE else round(side * 8 / 7)


def reduced(picture: Pixels, side: int) -> Pixels:
    """Return `picture` (H, W, C) with the shorter side `side`, or as it is if that is shorter."""
    if min(picture.shape[:2]) <= side:
        return picture
    whole = Image.fromarray(picture)
    return _as_pixels(whole.resize(_size_with_side(whole, side), Image.Resampling.BILINEAR))


def _size_with_side(picture: Image.Image, short: int) -> tuple[int, int]:
    """Return the size (W, H) of `picture` when its shorter side is `short`."""
    longer = int(short * max(picture.size) / min(picture.size))
    return (short, longer) if picture.width <= picture.height else (longer, short)


def _centre_of_long(picture: Image.Image, scaled: tuple[int, int], size: tuple[int, int]) -> Pixels:
    """Return the centre of `size` (W, H) of a picture as if resized to `scaled`.

    Only that part is resized, so that its length takes no memory; equal but for rounding.
    """
    starts = [round((whole - part) / 2) for whole, part in zip(scaled, size, strict=True)]
    steps = [before / after for before, after in zip(picture.size, scaled, strict=True)]
    ends = [start + part for start, part in zip(starts, size, strict=True)]
    left, top, right, bottom = (
        step * place for places in (starts, ends) for step, place in zip(steps, places, strict=True)
    )
    box = (left, top, min(right, picture.width), min(bottom, picture.height))
    return _as_pixels(picture.resize(size, Image.Resampling.BILINEAR, box=box))


def normalize_batch(
    pixels: Sequence[Pixels], how: Normalization = IMAGENET, layout: Layout = "channels_last"
) -> torch.Tensor:
    """Return N images (H, W, C) of levels as float32 (N, C, H, W), in the memory order `layout`.

    Equal, to the last bit, to torchvision's ToTensor and Normalize. 0.1 ms for 3x224x224. One
    image at a time stays in the processor's cache. NumPy uses one thread, and leaves the others
    to the network.
    """
    height, width, channels = pixels[0].shape
    mean, std = (np.tile(np.asarray(each, np.float32), width) for each in (how.mean, how.std))
    batch = np.empty((len(pixels), height, width * channels), np.float32)
    for rows, levels in zip(batch, pixels, strict=True):
        rows[:] = levels.reshape(height, width * channels)
        rows /= np.float32(255)
        rows -= mean
        rows /= std
    images = torch.from_numpy(batch.reshape(len(pixels), height, width, channels))
    return images.permute(0, 3, 1, 2).contiguous(memory_format=MEMORY_FORMATS[layout])


def normalize_on_device(
    levels: torch.Tensor, how: Normalization, device: torch.device, layout: Layout
) -> torch.Tensor:
    """Return levels (N, H, W, C) as `normalize_batch` does, moved to `device` first.

    So only a quarter of the bytes are copied, from pinned memory without blocking.
    """
    moved = levels.to(device, non_blocking=True).permute(0, 3, 1, 2)
    mean, std = torch.tensor((how.mean, how.std), device=device).view(2, 1, -1, 1, 1)
    images = moved.float().div_(255).sub_(mean).div_(std)
    return images.contiguous(memory_format=MEMORY_FORMATS[layout])


def random_box(
    width: int, height: int, scale: tuple[float, float], generator: np.random.Generator
) -> tuple[int, int, int, int]:
    """Return left, top, right, bottom of a random part: uniform in area, log-uniform in ratio.

    Source: Szegedy et al. 2015 (Inception), with torchvision's ten tries, then the centre.
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
    w = round(height * _RATIO[1]) if width / height > _RATIO[1] else width
    h = round(width / _RATIO[0]) if width / height < _RATIO[0] else height
    left, top = (width - w) // 2, (height - h) // 2
    return left, top, left + w, top + h


def _resize_exactly(part: Pixels, shape: tuple[int, int, int], mirrored: bool) -> Pixels:
    channels, height, width = shape
    picture = _as_picture(part, channels).resize((width, height), Image.Resampling.BILINEAR)
    if mirrored:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return _as_pixels(picture)


def _resize_fast(part: Pixels, shape: tuple[int, int, int], mirrored: bool) -> Pixels:
    channels, height, width = shape
    if channels == 1:
        part = _as_pixels(_as_picture(part, channels))
    images = torch.from_numpy(part.copy()[None]).permute(0, 3, 1, 2)
    planes = F.interpolate(images, (height, width), mode="bilinear", antialias=True)[0].numpy()
    # 0.01 ms by OpenCV, in this thread; 0.15 ms by torch, which would take the network's threads
    pixels = cv2.merge(list(planes))
    pixels = cv2.flip(pixels, 1) if mirrored else pixels
    return cast("Pixels", pixels.reshape(height, width, channels))


def _as_picture(pixels: Pixels, channels: int) -> Image.Image:
    picture = Image.fromarray(pixels)
    return picture.convert("L") if channels == 1 else picture


def _as_pixels(picture: Image.Image) -> Pixels:
    pixels = np.asarray(picture)
    return pixels[:, :, None] if pixels.ndim == 2 else pixels
