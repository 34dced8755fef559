"""Muon for the filters of convolutions, and AdamW for all other parameters, as one optimiser."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.adamw import adamw

_BETAS = (0.9, 0.999)  # of AdamW; a schedule that changes the first changes Muon's, too
_MOMENTUM = 0.95
_EPS = 1e-8
_STEPS = 5  # of the Newton-Schulz iteration
_SMALLEST = 1e-7  # norm that can be scaled to 1, as in `torch.optim.Muon`
_QUINTIC = (3.4445, -4.7750, 2.0315)  # five steps map 0.002..1 to 0.68..1.21


class Muon(Optimizer):
    """An optimiser: Muon for parameter groups with `filters`, AdamW for all other groups.

    Muon's step is the running mean of the gradient, with its singular values scaled to about 1. So
    rare features change the filters as much as common ones. A filter bank (K, C, h, w) counts as a
    matrix (K, C h w). Weight decay is decoupled in both.

    Sources: Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks", and his
    airbench94_muon. `torch.optim.Muon` supports matrices only, and has no AdamW.
    """

    def __init__(self, groups: Iterable[dict[str, Any]], *, lr: float) -> None:
        defaults = {"lr": lr, "betas": _BETAS, "weight_decay": 0.0, "filters": False, "fused": True}
        super().__init__(groups, defaults)
        for group in self.param_groups:
            if group["filters"]:
                group["betas"] = (_MOMENTUM, _BETAS[1])

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        """Update each parameter that has a gradient."""
        for group in self.param_groups:
            having = [each for each in group["params"] if each.grad is not None]
            if group["filters"]:
                for bank in having:
                    self._orthogonal_step(bank, group)
            elif having:
                self._adamw_step(having, group)

    def _orthogonal_step(self, bank: nn.Parameter, group: dict[str, Any]) -> None:
        gradient = bank.grad.flatten(1)  # type: ignore[union-attr]
        state = self.state[bank]
        if not state:
            state["mean"] = torch.zeros_like(gradient)
        mean = state["mean"]
        mean.lerp_(gradient, 1 - group["betas"][0])
        higher = max(1.0, mean.shape[0] / mean.shape[1])
        bank.mul_(1 - group["lr"] * group["weight_decay"])
        bank.add_(orthogonal(mean).view_as(bank), alpha=-group["lr"] * math.sqrt(higher))

    def _adamw_step(self, parameters: list[nn.Parameter], group: dict[str, Any]) -> None:
        for each in parameters:
            if not self.state[each]:
                self.state[each] = {
                    "exp_avg": torch.zeros_like(each),
                    "exp_avg_sq": torch.zeros_like(each),
                    "step": torch.zeros((), dtype=torch.float32, device=each.device),
                }
        states = [self.state[each] for each in parameters]
        adamw(
            [*parameters],
            [each.grad for each in parameters],  # type: ignore[misc]
            [state["exp_avg"] for state in states],
            [state["exp_avg_sq"] for state in states],
            [],
            [state["step"] for state in states],
            fused=True,
            amsgrad=False,
            beta1=group["betas"][0],
            beta2=group["betas"][1],
            lr=group["lr"],
            weight_decay=group["weight_decay"],
            eps=_EPS,
            maximize=False,
        )


def orthogonal(matrix: torch.Tensor) -> torch.Tensor:
    """Return `matrix` (M, N) with singular values of 0.68 to 1.21, by Newton-Schulz steps.

    Singular values below 1/500 of the Frobenius norm end up below 0.68. If the norm is below 1e-7,
    all of them do. Each step multiplies from the left by a polynomial of the Gram matrix. So the
    polynomials are multiplied, each a small square matrix, and the wide matrix is used twice only.
    """
    tall = matrix.shape[0] > matrix.shape[1]
    wide = matrix.T if tall else matrix
    wide = wide / wide.norm().clamp_min(_SMALLEST)
    gram = wide @ wide.T
    product = factor = _polynomial(gram)
    for _ in range(_STEPS - 1):
        gram = factor @ gram @ factor
        factor = _polynomial(gram)
        product = factor @ product
    found: torch.Tensor = product @ wide
    return found.T if tall else found


def _polynomial(gram: torch.Tensor) -> torch.Tensor:
    """Return the polynomial of the Gram matrix (M, M) by which a Newton-Schulz step multiplies."""
    first, third, fifth = _QUINTIC
    found = torch.addmm(gram, gram, gram, beta=third, alpha=fifth)
    found.diagonal().add_(first)
    return found


def filter_banks(network: nn.Module) -> list[nn.Parameter]:
    """Return the weights of convolutions with one group: their filters see all channels.

    The last registered weights, usually the head's, are never among them: AdamW trains these.
    """
    weights = [each for each in network.parameters() if each.ndim > 1]
    banks = [
        layer.weight
        for layer in network.modules()
        if isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Conv3d) and layer.groups == 1
    ]
    return [each for each in banks if isinstance(each, nn.Parameter) and each is not weights[-1]]
