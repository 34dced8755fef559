"""A running mean of weights, which is validated, tested and saved."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn


class WeightAverage:
    """The exponential moving average of the weights of `network` over its steps.

    Each step has `decay` times the weight of the next one. The initial weights do not count, by the
    bias correction of Adam. Running means of normalisation layers are averaged too; whole numbers
    are those of the last step.

    Sources: Polyak and Juditsky 1992; Kingma and Ba 2015, section 3 (the correction).
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self._network, self._decay = network, decay
        self._steps = 0
        self._means = {name: tensor.clone() for name, tensor in _tensors(network).items()}

    @torch.no_grad()
    def update(self) -> None:
        """Add the current weights."""
        self._steps += 1
        share = (1 - self._decay) / (1 - self._decay**self._steps)  # 1 at the first step
        present = _tensors(self._network)
        floats = [name for name, mean in self._means.items() if mean.is_floating_point()]
        means, tensors = [self._means[n] for n in floats], [present[n] for n in floats]
        torch._foreach_lerp_(means, tensors, share)
        for name in self._means.keys() - set(floats):
            self._means[name].copy_(present[name])

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Give the network the mean of its weights in this context, then its own again."""
        own = {name: tensor.clone() for name, tensor in _tensors(self._network).items()}
        self.keep()
        try:
            yield
        finally:
            set_weights(self._network, own)

    def keep(self) -> None:
        """Give the network the mean of its weights permanently."""
        if self._steps:
            set_weights(self._network, self._means)

    def state(self) -> dict[str, Any]:
        """Return everything the next mean depends on, except the weights."""
        return {"steps": self._steps, "means": self._means}

    @torch.no_grad()
    def load(self, state: dict[str, Any]) -> None:
        """Resume from a `state`, of this process or another."""
        self._steps = state["steps"]
        for name, mean in self._means.items():
            mean.copy_(state["means"][name])


def copy_weights(network: nn.Module) -> dict[str, torch.Tensor]:
    """Return a copy of the weights and buffers of `network`, on the CPU."""
    return {name: tensor.cpu().clone() for name, tensor in _tensors(network).items()}


@torch.no_grad()
def set_weights(network: nn.Module, weights: dict[str, torch.Tensor]) -> None:
    """Copy `weights`, by name, into `network`."""
    for name, tensor in _tensors(network).items():
        tensor.copy_(weights[name])


def _tensors(network: nn.Module) -> dict[str, torch.Tensor]:
    """Return the tensors of the network's state; training changes them."""
    return {
        name: value.detach()
        for name, value in network.state_dict().items()
        if isinstance(value, torch.Tensor)
    }
