"""Deletion: what is left of a class's probability as the pixels that a map names go first."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

_STEPS = 10  # a tenth of the pixels goes at each
_SEED = 20_180_619


def spread_out(maps: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Return maps (N, h, w) over all pixels (N, height, width), between the places linearly."""
    size = (height, width)
    return F.interpolate(maps[:, None], size, mode="bilinear", align_corners=False)[:, 0]


def deletion_area(
    network: nn.Module, image: torch.Tensor, label: int, values: torch.Tensor
) -> float:
    """Return the mean probability of a class, 0 to 1, as pixels become the mean colour.

    The pixels with the highest `values` go first, a tenth at a time. The lower, the better do the
    values say what the network needs.
    Source: V. Petsiuk et al. 2018, RISE, arXiv:1806.07421.

    Args:
        network: in evaluation mode.
        image: a normalised image (C, H, W).
        label: the class.
        values: a heat map (h, w).
    """
    pixels = spread_out(values[None], *image.shape[1:]).flatten()
    rank = pixels.argsort(descending=True, stable=True).argsort()
    gone = torch.arange(_STEPS + 1, device=rank.device)[:, None] * len(pixels) / _STEPS
    kept = (rank[None] >= gone).view(-1, 1, *image.shape[1:])
    with torch.inference_mode():
        shares = network(image * kept).softmax(1)[:, label]
    return float(torch.trapezoid(shares, dx=1 / _STEPS))


def random_values(height: int, width: int, number: int) -> torch.Tensor:
    """Return values (h, w) in a random order, of image `number`: what a map must beat."""
    generator = torch.Generator().manual_seed(_SEED + number)
    return torch.rand((height, width), generator=generator)
