"""An architecture layer by layer: shapes, parameters and multiply-adds, without computation."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from torch.utils.hooks import RemovableHandle

from registry.architecture import Architecture
from registry.verify import probe


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One call of a module that has no submodules.

    Attributes:
        name, type: name of the module in the network, and its class.
        output_shape: output shape of one image, without the batch axis.
        parameters: number of parameters not counted in an earlier row; 0 for a repeated layer.
        multiply_adds: multiply-adds of one image in convolutions and matrix products.
    """

    name: str
    type: str
    output_shape: tuple[int, ...]
    parameters: int
    multiply_adds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerSummary:
    """The layers in the order they are called, and totals for one float32 image.

    Parameters and matrix products outside of layers count in the totals only.
    """

    layers: tuple[Layer, ...]
    parameters: int
    trainable_parameters: int
    multiply_adds: int
    input_bytes: int
    activation_bytes: int
    parameter_bytes: int


def summarise(architecture: Architecture) -> LayerSummary:
    """Return the layers of `architecture`, with the number of classes of its contract.

    torch's counter gives the FLOPs of all calls, functions included: see `probe`.

    Raises:
        ConstructionError: the network cannot be built or run.
    """
    return probe(architecture, _walk, images=1)[0]


def count_multiply_adds(architecture: Architecture, classes: int) -> int | None:
    """Return the multiply-adds of one image for `classes` classes; None if not countable."""
    contract = replace(architecture.contract, output_shape=(classes,))
    try:
        return probe(replace(architecture, contract=contract), _count, images=1)[0]
    except Exception:  # noqa: BLE001  (torch's counter may raise anything)
        return None


def _count(network: nn.Module, images: torch.Tensor) -> int:
    with FlopCounterMode(display=False) as counter:
        network(images)
    return int(counter.get_total_flops() // 2)


def _walk(network: nn.Module, images: torch.Tensor) -> LayerSummary:
    with FlopCounterMode(display=False) as counter, _watching(network, counter) as layers:
        network(images)
    parameters = list(network.parameters())
    return LayerSummary(
        layers=tuple(layers),
        parameters=sum(parameter.numel() for parameter in parameters),
        trainable_parameters=sum(p.numel() for p in parameters if p.requires_grad),
        multiply_adds=counter.get_total_flops() // 2,
        input_bytes=images.nbytes,
        activation_bytes=4 * sum(math.prod(layer.output_shape) for layer in layers),
        parameter_bytes=sum(parameter.nbytes for parameter in parameters),
    )


@contextmanager
def _watching(network: nn.Module, counter: FlopCounterMode) -> Iterator[list[Layer]]:
    """Collect a row for each call of a module without submodules, inside the context."""
    layers: list[Layer] = []
    counted: set[nn.Parameter] = set()

    def watch(name: str, module: nn.Module) -> tuple[RemovableHandle, RemovableHandle]:
        flops_before: list[int] = []

        def start(_module: nn.Module, _inputs: object) -> None:
            flops_before.append(counter.get_total_flops())

        def note(_module: nn.Module, _inputs: object, output: object) -> None:
            flops = counter.get_total_flops() - flops_before.pop()
            if not isinstance(output, torch.Tensor):
                return
            fresh = set(module.parameters()) - counted
            counted.update(fresh)
            layer = Layer(
                name=name,
                type=type(module).__name__,
                output_shape=tuple(output.shape[1:]),
                parameters=sum(parameter.numel() for parameter in fresh),
                multiply_adds=flops // 2,
            )
            layers.append(layer)

        return module.register_forward_pre_hook(start), module.register_forward_hook(note)

    leaves = [(name, m) for name, m in network.named_modules() if not any(m.children())]
    hooks = [hook for name, module in leaves for hook in watch(name, module)]
    try:
        yield layers
    finally:
        for hook in hooks:
            hook.remove()
