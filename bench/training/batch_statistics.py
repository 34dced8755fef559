"""Means and variances of batch normalisation that fit the present weights."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import nn

from bench.data.loader import Batch
from bench.system.device import autocast

IMAGES = 256  # at most, in each refresh


def refresh_statistics(
    network: nn.Module,
    batches: Iterable[Batch],
    *,
    device: torch.device,
    precision: torch.dtype = torch.float32,
) -> None:
    """Replace the running means and variances of `network` by those of `batches`.

    Only layers in training mode get new ones: the averages over the batches. A layer in evaluation
    mode was trained with the statistics that it has. The rest of the network is in evaluation mode,
    so nothing is dropped. Modes, momentum and counts of batches are as before in the end, and so
    are the statistics of layers that no image reaches. Without such a layer no batch is made.

    Running means follow by their momentum at each step: at 0.01 those of 70 steps back still weigh
    half, though the weights have changed. Source: Wu and Johnson 2021, "Rethinking Batch in
    BatchNorm", section 3 (arXiv:2105.07576).
    """
    layers = [layer for layer in _layers(network) if layer.training]
    if not layers:
        return
    modes = {module: module.training for module in network.modules()}
    momenta = {layer: layer.momentum for layer in layers}
    before = {layer: _copies(layer) for layer in layers}
    network.eval()
    try:
        for layer in layers:
            layer.training = True  # alone: `train` would reach the layers within, such as dropout
            layer.momentum = None  # the average of all batches
            layer.reset_running_stats()
        # a compiled network would be compiled once more for these few passes
        eagerly = torch.compiler.set_stance("force_eager")
        with torch.no_grad(), eagerly, autocast(device, precision):
            for batch in batches:
                network(batch.images)
    finally:
        for module, training in modes.items():
            module.training = training
        for layer in layers:
            layer.momentum = momenta[layer]
            if layer.num_batches_tracked == 0:
                _set(layer, before[layer])
            else:
                _set(layer, {"num_batches_tracked": before[layer]["num_batches_tracked"]})


@contextmanager
def keep_statistics(network: nn.Module) -> Iterator[None]:
    """Give the network its statistics back at the end of this context."""
    before = {layer: _copies(layer) for layer in _layers(network)}
    try:
        yield
    finally:
        for layer, copies in before.items():
            _set(layer, copies)


def _layers(network: nn.Module) -> list[nn.modules.batchnorm._BatchNorm]:
    """Return the layers that normalise by running statistics in evaluation."""
    return [
        module
        for module in network.modules()
        if isinstance(module, nn.modules.batchnorm._BatchNorm)
        and module.track_running_stats
        and module.num_batches_tracked is not None
    ]


def _copies(layer: nn.Module) -> dict[str, torch.Tensor]:
    return {name: each.clone() for name, each in layer.named_buffers(recurse=False)}


@torch.no_grad()
def _set(layer: nn.Module, tensors: dict[str, torch.Tensor]) -> None:
    for name, tensor in tensors.items():
        layer.get_buffer(name).copy_(tensor)
