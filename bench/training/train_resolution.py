"""Training on smaller images than in the test: more images in the same time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import nn

from bench.data.pixel_source import InputShape
from bench.system.device import autocast
from bench.system.random_state import preserve_random_state

_MULTIPLE = 32  # pixels: most networks halve the image five times


def training_shapes(
    shape: InputShape,
    shares: float | Sequence[float],
    takes_shape: Callable[[InputShape], bool],
) -> tuple[InputShape, ...]:
    """Return the shape of training images in each part of the training.

    Those are `shape` (C, H, W) with sides of about each of `shares`. What the network does not
    take is left out; if it takes none, all of the training has `shape`.
    """
    asked = [shares] if isinstance(shares, int | float) else shares
    wanted = [smaller_shape(shape, share) for share in asked]
    taken = {each: each == shape or takes_shape(each) for each in dict.fromkeys(wanted)}
    return tuple(each for each in wanted if taken[each]) or (shape,)


def smaller_shape(shape: InputShape, share: float) -> InputShape:
    """Return `shape` (C, H, W) with sides of about `share`: the nearest multiples of 32 pixels.

    A side stays as it is for a share of 1, or if it would become 0. Random crops show objects
    larger, so a test on larger images improves accuracy (Touvron et al. 2019, arXiv:1906.06423).
    """

    def smaller(side: int) -> int:
        return min(side, round(side * share / _MULTIPLE) * _MULTIPLE) or side

    channels, height, width = shape
    return shape if share == 1 else (channels, smaller(height), smaller(width))


def takes(network: nn.Module, images: torch.Tensor, precision: torch.dtype) -> bool:
    """Say whether `network` returns a row of logits for each of `images`; it is not changed."""
    training = network.training
    try:
        with preserve_random_state(), torch.no_grad(), autocast(images.device, precision):
            logits = network.eval()(images)
        return isinstance(logits, torch.Tensor) and logits.ndim == 2 and len(logits) == len(images)
    except Exception:  # noqa: BLE001  (a network may raise anything)
        return False
    finally:
        network.train(training)
