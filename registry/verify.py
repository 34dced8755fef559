"""Whether a network keeps its contract: it is built and run once, without computing numbers."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import replace
from typing import Literal, TypeVar

import torch
from torch import nn

from registry.architecture import Architecture, Contract
from registry.author_advice import advice_on_forward
from registry.errors import ConstructionError, ContractError, UnsuitableError, format_error
from registry.from_file import DEFAULT_SHAPE, file_of
from registry.output_advice import advice_on_output
from registry.parameters import count_parameters, nothing_hidden, steady
from registry.shape_device import built_on

Device = Literal["meta", "cpu"]
_DEVICES: tuple[Device, ...] = ("meta", "cpu")  # the CPU has the last word
T = TypeVar("T")
_BATCH = 2  # one image could hide a lost batch axis


def verify(architecture: Architecture) -> Device:
    """Return the device that the network was built on, if it keeps its contract.

    The meta device holds shapes but no numbers (VGG-16: 52 ms instead of 4.1 s). The CPU is used
    where meta does not work. The global random state stays unchanged.

    Raises:
        UnsuitableError: it has no contract to break, and returns no logits (N, K).
        ContractError: it breaks the contract; the message lists each field, measured and promised.
        ConstructionError: the network cannot be built or run.
    """
    frozen = " as frozen in zoo-contracts.toml" if architecture.contract_by == "frozen" else ""
    breaks = f"{architecture.name} breaks its contract{frozen}"
    try:
        found, device = probe(architecture, contract_of, images=_BATCH)
    except UnsuitableError as error:
        if architecture.contract_by == "measured":
            raise UnsuitableError(f"{architecture.name} cannot be compared: {error}") from error
        raise ContractError(f"{breaks}: {error}") from error
    promised, wrong = architecture.contract, []
    if found.parameters != promised.parameters:
        wrong.append(f"{found.parameters:,} parameters, promised {promised.parameters:,}")
    if found.output_shape != promised.output_shape:
        wrong.append(f"output {found.output_shape}, promised {promised.output_shape}")
    if wrong:
        raise ContractError(f"{breaks}: {'; '.join(wrong)}")
    return device


def measure_contract(architecture: Architecture) -> Architecture:
    """Return `architecture` with its measured contract, for the same number of classes.

    Raises:
        ConstructionError: the network cannot be built or run.
        UnsuitableError: it does not return one row of logits for each image and these classes.
    """
    classes = architecture.contract.num_classes
    try:
        contract, _ = probe(architecture, _in_both_modes, images=_BATCH)
    except UnsuitableError as error:
        raise UnsuitableError(f"{architecture.name} cannot be compared: {error}") from error
    if contract.num_classes != classes:
        raise UnsuitableError(
            f"{architecture.name} cannot be compared: it has {contract.num_classes} outputs for "
            f"{classes} classes: make its last layer `num_classes` wide"
        )
    return replace(architecture, contract=contract, contract_by="measured")


def contract_of(network: nn.Module, images: torch.Tensor) -> Contract:
    """Return the measured contract of `network` on `images` (N, C, H, W).

    Raises:
        UnsuitableError: it does not return one row of logits for each image.
    """
    _require_usual(network)
    _require_evaluation(network)
    with steady(network), nothing_hidden(network):
        output = _logits(network(images), images)
    channels, height, width = images.shape[1:]
    return Contract(
        input_shape=(channels, height, width),
        output_shape=(output.shape[1],),
        parameters=count_parameters(network),
    )


def probe(
    architecture: Architecture, look: Callable[[nn.Module, torch.Tensor], T], *, images: int
) -> tuple[T, Device]:
    """Return what `look` returns for a new network and its input, and the device of both.

    The network is in evaluation mode, for its contract's classes; the input is `images` black
    images (N, C, H, W). Both are on the meta device, or on the CPU where meta does not work. What
    the network prints goes to stderr, because stdout belongs to tables and JSON.

    Raises:
        UnsuitableError: `look` raised it.
        ConstructionError: the network cannot be built or run.
    """
    shape = (images, *architecture.contract.input_shape)
    network: nn.Module | None = None
    for device in _DEVICES:
        try:
            with torch.random.fork_rng(devices=[]), built_on(device), torch.no_grad():
                network = architecture.untrained.build(architecture.contract.num_classes).eval()
                with redirect_stdout(sys.stderr):
                    return look(network, torch.zeros(shape)), device
        except UnsuitableError:
            raise
        except Exception as error:  # noqa: BLE001  (some operations have no meta kernel)
            failed = error
    if isinstance(failed, ConstructionError):
        raise failed
    reason = f"{format_error(failed)}{architecture.place_of(failed)}"
    message = f"{architecture.name} cannot be run on images of {shape}: {reason}"
    raise ConstructionError(message + _how_to_run(architecture, network, failed)) from failed


def _how_to_run(architecture: Architecture, network: nn.Module | None, failed: Exception) -> str:
    """Return what would mend a network that cannot be run on images of its input shape."""
    if network and (advice := advice_on_forward(network.forward, failed)):
        return advice
    channels, _, width = shape = architecture.contract.input_shape
    if width in (1, 3) and channels not in (1, 3):
        return "; an input_shape is (channels, height, width)"
    if file_of(architecture) and shape == DEFAULT_SHAPE:
        return "; for images of another size, add `input_shape = (3, 32, 32)` or so to it"
    return ""


def _in_both_modes(network: nn.Module, images: torch.Tensor) -> Contract:
    """Return the contract of a network that returns logits in training mode, too."""
    contract = contract_of(network, images)
    with steady(network), nothing_hidden(network):
        _logits(network(images[:1]), images[:1])
        _logits(network.train()(images), images, " in training mode")
    return contract


def _require_usual(network: nn.Module) -> None:
    """Raise UnsuitableError for parameters that cannot be counted, trained or stored."""
    for name, parameter in network.named_parameters():
        if isinstance(parameter, nn.parameter.UninitializedParameter):
            raise UnsuitableError(
                f"its parameter {name!r} is lazy, and a call gives it no shape: use its layer in "
                "`forward`, give the layer its sizes, or remove it"
            )
        if parameter.layout is not torch.strided:
            kind = str(parameter.layout).removeprefix("torch.").removeprefix("_")
            raise UnsuitableError(
                f"its parameter {name!r} is {kind}, not dense: store it as a dense parameter, and "
                "make it sparse in `forward`"
            )
        kind = str(parameter.dtype).removeprefix("torch.")
        if parameter.dtype in (torch.float16, torch.bfloat16):
            raise UnsuitableError(
                f"its parameter {name!r} is of {kind}: remove `.half()` or the like; "
                "`--precision` computes in half precision with parameters of float32"
            )
        if not parameter.is_floating_point():
            raise UnsuitableError(
                f"its parameter {name!r} is of {kind}: use floating-point parameters, and "
                "`register_buffer` for anything else"
            )


def _require_evaluation(network: nn.Module) -> None:
    """Raise UnsuitableError for normalisation by the batch that `eval` does not end."""
    for name, layer in network.named_modules():
        if layer.training and isinstance(layer, nn.modules.batchnorm._BatchNorm):
            raise UnsuitableError(
                f"its layer {name!r} stays in training mode after `eval()`: have the method "
                "`train(self, mode=True)` pass on `mode`"
            )


def _logits(output: object, images: torch.Tensor, when: str = "") -> torch.Tensor:
    count = len(images)
    if not isinstance(output, torch.Tensor):
        what = type(output).__name__
        advice = advice_on_output(output, count)
        raise UnsuitableError(f"it returns a {what}{when}, not a tensor of logits (N, K){advice}")
    if output.ndim != 2 or output.shape[0] != count or output.shape[1] == 0:
        shape = tuple(output.shape)
        raise UnsuitableError(
            f"output {shape} for {count} images{when}, not ({count}, K): return one row of "
            "logits for each image, and keep the batch axis (no `squeeze()`)"
        )
    return output
