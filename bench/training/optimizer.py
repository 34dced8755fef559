"""The optimiser of a recipe: which parameters it trains, and at which share of the rate."""

from __future__ import annotations

from typing import Any

from torch import nn
from torch.optim import SGD, AdamW, Optimizer

from bench.training.muon import Muon, filter_banks
from bench.training.recipe import Recipe


def build_optimizer(
    network: nn.Module, recipe: Recipe, head: frozenset[str] | None = None
) -> Optimizer:
    """Return the recipe's optimiser over the trainable parameters of `network`.

    `head` names the parameters of the head; other rates are the head's times `backbone_rate`.
    """
    groups = _groups(network, recipe, head)
    if recipe.optimizer == "sgd":
        return SGD(groups, lr=recipe.learning_rate, momentum=recipe.momentum, fused=True)
    if recipe.optimizer == "muon":
        return Muon(groups, lr=recipe.learning_rate)
    return AdamW(groups, lr=recipe.learning_rate, fused=True)


def _groups(
    network: nn.Module, recipe: Recipe, head: frozenset[str] | None
) -> list[dict[str, Any]]:
    """Return groups of parameters; biases and normalisation gains have no weight decay.

    Muon's groups are last. Source: He et al. 2019, arXiv:1812.01187, section 3.1.
    """
    banks = {*filter_banks(network)} if recipe.optimizer == "muon" else set()
    groups: dict[tuple[bool, float, float], list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        if not parameter.requires_grad:
            continue
        decay = recipe.weight_decay if parameter.ndim > 1 else 0.0
        share = 1.0 if head is None or name in head else recipe.backbone_rate
        if parameter in banks:
            share = share * recipe.filter_rate / recipe.learning_rate
        groups.setdefault((parameter not in banks, share, decay), []).append(parameter)
    ordered = sorted(groups.items(), key=lambda group: group[0], reverse=True)  # the head first
    return [
        {"params": parameters, "weight_decay": decay, "share": share}
        | ({} if plain else {"filters": True})
        for (plain, share, decay), parameters in ordered
    ]
