"""A check of heat maps: those of a network with shuffled weights must look different."""

from __future__ import annotations

import numpy as np
import torch
from scipy.stats import rankdata
from torch import nn

_SEED = 20_180_610


def shuffle_weights(network: nn.Module) -> None:
    """Shuffle the values within each parameter of `network`, always in the same way.

    Their sizes and spread stay, and all that was learned is lost.
    """
    generator = torch.Generator().manual_seed(_SEED)
    with torch.no_grad():
        for parameter in network.parameters():
            order = torch.randperm(parameter.numel(), generator=generator)
            parameter.copy_(parameter.flatten()[order].view_as(parameter))


def rank_correlation(one: torch.Tensor, other: torch.Tensor) -> float:
    """Return Spearman's correlation of two maps (h, w); 0 if one is the same everywhere.

    A map that hardly changes as the weights are shuffled shows the image, not the network.
    Source: J. Adebayo et al. 2018, Sanity Checks for Saliency Maps, arXiv:1810.03292.
    """
    ranks = [rankdata(each.flatten().numpy()) for each in (one, other)]
    if min(rank.std() for rank in ranks) == 0:
        return 0.0
    return float(np.corrcoef(ranks)[0, 1])
