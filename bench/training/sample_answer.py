"""A network's answer to one made-up picture, by which a changed network is noticed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace

import numpy as np
import torch
from torch import nn

from bench.training.record import Weights
from bench.training.weight_averaging import set_weights

# Of the largest logit. Other threads, memory formats and kernels gave at most 6.4e-6 (vgg16).
_TOLERANCE = 1e-3
_SMALLEST = 1e-12  # if all logits are zero

Logits = tuple[float, ...]


def sample_answer(
    network: nn.Module, shape: tuple[int, int, int], state: dict[str, torch.Tensor] | None = None
) -> Logits | None:
    """Return the logits (K,) of `network` for one random picture of `shape`, (C, H, W).

    A copy of the network answers, in evaluation mode on the CPU in float32.

    Args:
        network: stays as it is.
        shape: that of one image.
        state: weights of the copy; None: those of the network.

    Returns:
        The logits, or None if the network cannot be copied, fails or does not repeat its answer.
    """
    try:
        copied = deepcopy(network, _computed(network)).cpu().float().eval()
        if state is not None:
            set_weights(copied, state)
        return _answer(copied, shape)
    except Exception:  # noqa: BLE001  (a plugin may raise anything, and its training is done)
        return None


def _computed(network: nn.Module) -> dict[int, torch.Tensor]:
    """Return copies of tensors that were computed with gradients, which torch does not copy.

    The old `weight_norm` keeps such a weight as an attribute, and computes it again when called.
    """
    kept = (each for module in network.modules() for each in vars(module).values())
    tensors = (each for each in kept if isinstance(each, torch.Tensor) and not each.is_leaf)
    return {id(each): each.detach().clone() for each in tensors}


def with_answer(
    weights: Weights | None, network: nn.Module, shape: tuple[int, int, int], code: str | None
) -> Weights | None:
    """Return `weights` with what tells whether a network loaded with them is the same."""
    if weights is None:
        return None
    return replace(weights, code=code, logits=sample_answer(network, shape, weights.state))


def _answer(network: nn.Module, shape: tuple[int, int, int]) -> Logits | None:
    levels = np.random.RandomState(0).normal(size=(1, *shape))  # the same in every version
    picture = torch.from_numpy(levels).float()
    with torch.inference_mode():
        first, second = (network(picture.clone()).float() for _ in range(2))
    once, again = (tuple(logits.reshape(-1).tolist()) for logits in (first, second))
    certain = len(first) == 1 and all(map(math.isfinite, once)) and is_alike(once, again)
    return once if certain else None


def is_alike(then: Sequence[float], now: Sequence[float]) -> bool:
    """Return whether two answers differ by less than other threads, machines or versions do."""
    if len(then) != len(now):
        return False
    allowed = max(_SMALLEST, _TOLERANCE * max(map(abs, then), default=0.0))
    return all(abs(one - other) <= allowed for one, other in zip(then, now, strict=True))
