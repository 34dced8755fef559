"""Training on smaller images than those that are tested: more of them in the same time."""

from __future__ import annotations

import torch
from torch import nn

from bench.data.transform import MEMORY_FORMATS, Layout
from bench.system.device import autocast, number_type
from bench.system.random_state import preserve_random_state

_MULTIPLE = 32  # pixels: what most networks halve five times
Shape = tuple[int, int, int]


def smaller_shape(shape: Shape, share: float) -> Shape:
    """Return `shape` (C, H, W) with sides of about `share`: the nearest multiples of 32 pixels.

    A side stays as it is where the whole is asked for, or where none would be left. Tested on
    larger images than in training, where random crops show objects larger, a network gains (Touvron
    et al. 2019, arXiv:1906.06423).
    """
    channels, height, width = shape
    return shape if share == 1 else (channels, _smaller(height, share), _smaller(width, share))


def _smaller(side: int, share: float) -> int:
    return min(side, round(side * share / _MULTIPLE) * _MULTIPLE) or side


def takes(
    network: nn.Module, shape: Shape, device: torch.device, layout: Layout, precision: torch.dtype
) -> bool:
    """Say whether `network`, left as it is, gives a row of logits for each image of `shape`."""
    images = torch.zeros(2, *shape, device=device, dtype=number_type(precision))
    images = images.contiguous(memory_format=MEMORY_FORMATS[layout])
    training = network.training
    try:
        with preserve_random_state(), torch.no_grad(), autocast(device, precision):
            logits = network.eval()(images)
        return isinstance(logits, torch.Tensor) and logits.ndim == 2 and len(logits) == 2
    except Exception:  # noqa: BLE001  (whatever it raises, it does not take them)
        return False
    finally:
        network.train(training)
