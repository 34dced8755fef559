"""An architecture layer by layer: shapes, parameters, multiply-adds; nothing is computed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from registry.architecture import Architecture
from registry.errors import ConstructionError


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One module without modules of its own, as it was called.

    Attributes:
        output_shape: of one image, the batch's axis left out.
        multiply_adds: of one image; one multiply-add is two floating-point operations. Only
            convolutions and matrix products are counted, as is usual.
    """

    name: str
    type: str
    output_shape: tuple[int, ...]
    parameters: int
    multiply_adds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The layers in the order they are called, and totals for one float32 image."""

    layers: tuple[Layer, ...]
    parameters: int
    trainable_parameters: int
    multiply_adds: int
    input_bytes: int
    activation_bytes: int
    parameter_bytes: int


def summarise(architecture: Architecture) -> Summary:
    """Return the layers of `architecture` at the classes its contract names.

    It is built on the meta device, or on the CPU where an operation has no meta kernel. FLOPs come
    from torch's own counter, which counts what is really called, functions included.

    Raises:
        ConstructionError: the network can't be built or run.
    """
    try:
        return _walk(architecture, "meta")
    except Exception:  # noqa: BLE001  (the CPU decides)
        try:
            return _walk(architecture, "cpu")
        except ConstructionError:
            raise
        except Exception as error:
            raise ConstructionError(
                f"{architecture.name} can't be run: {type(error).__name__}: {error}"
            ) from error


def _walk(architecture: Architecture, device: str) -> Summary:
    contract = architecture.contract
    with torch.random.fork_rng(devices=[]), torch.device(device), torch.no_grad():
        network = architecture.build(contract.num_classes).eval()
        images = torch.zeros(1, *contract.input_shape)
        with _watching(network) as called, FlopCounterMode(display=False) as counter:
            network(images)
    flops = {str(name): sum(counts.values()) for name, counts in counter.get_flop_counts().items()}
    root = type(network).__name__
    layers = tuple(
        Layer(
            name=name,
            type=type(module).__name__,
            output_shape=shape,
            parameters=sum(parameter.numel() for parameter in module.parameters()),
            multiply_adds=flops.get(f"{root}.{name}", 0) // 2,
        )
        for name, module, shape in called
    )
    parameters = list(network.parameters())
    return Summary(
        layers=layers,
        parameters=sum(parameter.numel() for parameter in parameters),
        trainable_parameters=sum(p.numel() for p in parameters if p.requires_grad),
        multiply_adds=counter.get_total_flops() // 2,
        input_bytes=images.nbytes,
        activation_bytes=4 * sum(_size(layer.output_shape) for layer in layers),
        parameter_bytes=sum(parameter.nbytes for parameter in parameters),
    )


_Call = tuple[str, nn.Module, tuple[int, ...]]


@contextmanager
def _watching(network: nn.Module) -> Iterator[list[_Call]]:
    """Collect each call of a module without children: its name, itself, its output's shape."""
    called: list[_Call] = []

    def watch(name: str, module: nn.Module) -> torch.utils.hooks.RemovableHandle:
        def note(_module: nn.Module, _inputs: object, output: object) -> None:
            if isinstance(output, torch.Tensor):
                called.append((name, module, tuple(output.shape[1:])))

        return module.register_forward_hook(note)

    leaves = ((name, m) for name, m in network.named_modules() if not any(m.children()))
    hooks = [watch(name, module) for name, module in leaves]
    try:
        yield called
    finally:
        for hook in hooks:
            hook.remove()


def _size(shape: tuple[int, ...]) -> int:
    return int(torch.Size(shape).numel())
