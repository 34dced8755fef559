"""Whether a network can be given pictures, and whether its answers depend on them alone."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from bench.system.device import autocast, number_type
from bench.system.random_state import preserve_random_state
from registry.architecture import Architecture
from registry.errors import ContractError, UnsuitableError
from registry.parameters import untrainable
from registry.unbuilt import is_unbuilt

ASKED = 8  # pictures; more would only take longer
PROBABILITIES = (
    "its outputs are probabilities, and the loss applies its own softmax: remove the one in "
    "`forward`"
)
_CHANNELS = (1, 3)  # of grey and of colour pictures
_SAME = 1e-4  # in probability: batches of other sizes may be added up in another order
_ROUGH = 1e-3  # relative error of TF32, in which a GPU may multiply
_ROUNDINGS = 8  # of an answer, at most
_SUMS = 1e-4  # from 1, of a row of probabilities


def can_have_pictures(architecture: Architecture) -> bool:
    """Return whether pictures have the channels that `architecture` takes, and it can be built."""
    return architecture.contract.input_shape[0] in _CHANNELS and not is_unbuilt(architecture)


def require_pictures(architecture: Architecture) -> None:
    """Raise UnsuitableError if no picture has the channels that `architecture` takes."""
    shape = architecture.contract.input_shape
    if shape[0] in _CHANNELS:
        return
    order = " (channels come first)" if shape[2] in _CHANNELS else ""
    raise UnsuitableError(
        f"{architecture.name} takes images of {shape[0]} channels, input_shape {shape}{order}: "
        "pictures have 3 channels (colour) or 1 (grey); use one of these"
    )


def require_trainable(network: nn.Module, model: str) -> int:
    """Return the number of parameters of `network`.

    Raises:
        UnsuitableError: it has none that an optimiser can change.
    """
    if reason := untrainable(network):
        raise UnsuitableError(f"{model} cannot be trained: {reason}")
    return sum(parameter.numel() for parameter in network.parameters())


def require_size(network: nn.Module, parameters: int | None, model: str) -> None:
    """Raise ContractError if `network` no longer has so many parameters as it was built with."""
    found = sum(parameter.numel() for parameter in network.parameters())
    if parameters is not None and found != parameters:
        raise ContractError(
            f"{model} has {found:,} parameters after training, and was built with {parameters:,}: "
            "make all layers in the constructor, and remove none later"
        )


def doubts(network: nn.Module, images: torch.Tensor, precision: torch.dtype) -> Iterator[str]:
    """Yield why the answers of `network` are no function of each picture alone.

    It is asked twice for `images` (N, C, H, W), then for the first alone and for the others.
    """
    network.eval()
    rough = _ROUGH if images.device.type == "cuda" else 0.0
    allowed = max(_SAME, _ROUNDINGS * max(rough, torch.finfo(precision).eps))
    parts = [part for part in (images[:1], images[1:]) if len(part)]
    with preserve_random_state(), torch.inference_mode(), autocast(images.device, precision):
        first, again = (_answers(network, images, precision) for _ in range(2))
        apart = [_answers(network, part, precision) for part in parts]
    if _differ(first, again, allowed):
        yield "other answers when asked twice: is dropout on, or other chance, in evaluation?"
    elif _differ(first, torch.cat(apart), allowed):
        yield "other answers in other batches: an answer depends on the other images in evaluation"


def gives_probabilities(network: nn.Module, images: torch.Tensor, precision: torch.dtype) -> bool:
    """Return whether each answer of `network` to `images` is not negative and sums to 1."""
    with torch.inference_mode(), autocast(images.device, precision):
        outputs = network(images)
    sums = outputs.double().sum(1)
    return bool((outputs >= 0).all()) and bool(((sums - 1).abs() < _SUMS).all())


def _answers(network: nn.Module, images: torch.Tensor, precision: torch.dtype) -> torch.Tensor:
    logits: torch.Tensor = network(images).to(number_type(precision))
    return logits.softmax(1)


def _differ(first: torch.Tensor, second: torch.Tensor, allowed: float) -> bool:
    return not bool(((first - second).abs() < allowed).all())
