"""A check of heat maps: those of a network with random weights must look different."""

from __future__ import annotations

import numpy as np
import torch
from scipy.stats import rankdata
from torch import nn

_SEED = 20_180_610


def randomize_weights(network: nn.Module) -> None:
    """Draw each parameter of `network` again, of the same mean and deviation, always the same.

    Whatever was learned is lost. Shuffling would take ten times as long for many parameters.
    """
    generator = torch.Generator().manual_seed(_SEED)
    with torch.no_grad():
        for parameter in network.parameters():
            mean, deviation = parameter.mean(), parameter.std(correction=0)
            drawn = torch.randn(parameter.shape, generator=generator).to(parameter)
            parameter.copy_(drawn * deviation + mean)


def rank_correlation(one: torch.Tensor, other: torch.Tensor) -> float:
    """Return Spearman's correlation of two maps (h, w); 0 if one is the same everywhere.

    A map that hardly changes with random weights shows the image, not the network.
    Source: J. Adebayo et al. 2018, Sanity Checks for Saliency Maps, arXiv:1810.03292.
    """
    ranks = [rankdata(each.flatten().numpy()) for each in (one, other)]
    if min(rank.std() for rank in ranks) == 0:
        return 0.0
    return float(np.corrcoef(ranks)[0, 1])
