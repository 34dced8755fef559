"""What suits a network's kind, found from its layers and not from its name."""

from __future__ import annotations

from dataclasses import replace

from torch import nn

from bench.training.muon import filter_banks
from bench.training.recipe import Recipe

_NORMALIZERS = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm)
_SIDES = (2 / 7, 3 / 7, 4 / 7)  # of 224 pixels: 64, 96 and 128, tested on 224
_CHEAP = 4e9  # multiply-adds of a step of Muon: some 40 ms of two cores
_SHARE = 0.3  # of the multiply-adds of forward and backward, on images of the second size
_PASSES = 3  # backward is two


def suited(recipe: Recipe, network: nn.Module, multiply_adds: int | None) -> Recipe:
    """Return `recipe`, or what suits the kind of `network` in its place, if that is requested.

    A network with normalisation layers has first weights of its own, learns in larger batches,
    and begins on small images: so a budget of seconds holds many more steps. Where Muon would
    train few of its weights, or take much of the time, AdamW trains all, at a higher rate that
    falls along a cosine. Other networks are trained by the recipe: it was chosen for two of them.

    Args:
        recipe: recipe for networks without normalisation layers.
        network: network to train.
        multiply_adds: those of one image of the tested size; None if unknown.

    Sources: Howard 2018, fastai's progressive resizing; Tan and Le 2021, arXiv:2104.00298.
    """
    if not recipe.by_kind or not normalizes(network):
        return recipe
    size = 2 * recipe.batch_size
    changed = replace(recipe, batch_size=size, initialization="own", train_resolution=_SIDES)
    training = _PASSES * size * (multiply_adds or 0) * _SIDES[1] ** 2
    is_cheap = muon_multiply_adds(network) <= max(_CHEAP, _SHARE * training)
    if recipe.optimizer == "muon" and is_cheap and _is_of_filters(network):
        return changed
    return replace(changed, optimizer="adamw", learning_rate=1e-3, schedule="cosine", warmup=0.15)


def normalizes(network: nn.Module) -> bool:
    """Say whether `network` has normalisation layers."""
    return any(isinstance(module, _NORMALIZERS) for module in network.modules())


def _is_of_filters(network: nn.Module) -> bool:
    """Say whether half of the weights or more are in filters that Muon would train."""
    all_weights = sum(each.numel() for each in network.parameters())
    return 2 * sum(bank.numel() for bank in filter_banks(network)) >= all_weights


def muon_multiply_adds(network: nn.Module) -> int:
    """Return the multiply-adds of one step of Muon (`bench.training.muon.orthogonal`)."""
    total = 0
    for bank in filter_banks(network):
        low, high = sorted((len(bank), bank[0].numel()))
        total += 2 * low**2 * high + 17 * low**3  # Gram matrix and result; five polynomials
    return total
