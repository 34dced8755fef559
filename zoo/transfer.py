"""Trained weights into a network of other classes, and all but its head kept as it is."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import torch
from torch import nn

from registry.errors import ConstructionError


def load_but_head(network: nn.Module, state: Mapping[str, torch.Tensor]) -> tuple[nn.Module, ...]:
    """Load into `network` what of `state` fits, and return the modules of what does not: its head.

    Raises:
        ConstructionError: other tensors are missing, or nothing fits.
    """
    own = network.state_dict()
    other = [name for name in own if name in state and state[name].shape != own[name].shape]
    missing = [name for name in own if name not in state]
    if missing or len(other) == len(own):
        raise ConstructionError(f"the trained weights lack {', '.join(missing[:3]) or 'all'}")
    kept = {name: state[name] for name in own if name not in other}
    network.load_state_dict(kept, strict=False)
    heads = dict.fromkeys(name.rpartition(".")[0] for name in other)
    return tuple(network.get_submodule(name) for name in heads)


def freeze_but(network: nn.Module, *heads: nn.Module) -> None:
    """Leave only the parameters of `heads` to be trained.

    Batch normalisation outside of them stays in evaluation mode, so that what the heads see of an
    image is the same in training.
    """
    trained = {id(parameter) for head in heads for parameter in head.parameters()}
    for parameter in network.parameters():
        parameter.requires_grad = id(parameter) in trained
    within = {id(module) for head in heads for module in head.modules()}
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and id(module) not in within:
            module.train(False)
            module.train = partial(_as_it_is, module)  # type: ignore[assignment]


def _as_it_is(module: nn.Module, mode: bool = True) -> nn.Module:
    """Take the place of `module.train`."""
    return module
