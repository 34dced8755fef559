"""Is a network what its architecture promises: built and run once, without a number computed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import partial
from typing import Literal, TypeVar

import torch
from torch import nn

from registry.architecture import Architecture, Contract
from registry.errors import ConstructionError, ContractError, told

Device = Literal["meta", "cpu"]
T = TypeVar("T")
_BATCH = 2  # one image could hide that the batch's axis is lost


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """A kept contract: what was measured, and where the network was built for it."""

    measured: Contract
    device: Device


def verify(architecture: Architecture) -> Verification:
    """Return what was measured, if it is what was promised.

    The network is built on the meta device, which holds shapes and no numbers (VGG-16: 52 ms
    instead of 4.1 s), or on the CPU where that can't be done. The global random state is as
    before when it returns.

    Raises:
        ContractError: it is not; the message names every field, measured beside promised.
        ConstructionError: it can't be built or run at all.
    """
    measured, device = probe(architecture, partial(_measured, architecture), images=_BATCH)
    _require_equal(architecture, measured)
    return Verification(measured=measured, device=device)


def probe(
    architecture: Architecture, look: Callable[[nn.Module, torch.Tensor], T], *, images: int
) -> tuple[T, Device]:
    """Return what `look` makes of a new network and its input, and the device that it was made on.

    The network is in evaluation mode, for the classes its contract names; the input is `images`
    black images (N, C, H, W). Both are on the meta device, or on the CPU where that can't be
    done. What the network prints goes to stderr, since stdout belongs to tables and JSON.

    Raises:
        ContractError: `look` raised it.
        ConstructionError: the network can't be built or run at all.
    """
    try:
        return _looked(architecture, look, images, "meta"), "meta"
    except ContractError:
        raise
    except Exception:  # noqa: BLE001  (some operations have no meta kernel; the CPU decides)
        try:
            return _looked(architecture, look, images, "cpu"), "cpu"
        except (ContractError, ConstructionError):
            raise
        except Exception as error:
            shape = (images, *architecture.contract.input_shape)
            raise ConstructionError(
                f"{architecture.name} can't be run on images of {shape}: {told(error)}"
            ) from error


def _looked(
    architecture: Architecture,
    look: Callable[[nn.Module, torch.Tensor], T],
    images: int,
    device: Device,
) -> T:
    contract = architecture.contract
    with torch.random.fork_rng(devices=[]), torch.device(device), torch.no_grad():
        network = architecture.build(contract.num_classes).eval()
        with redirect_stdout(sys.stderr):
            return look(network, torch.zeros(images, *contract.input_shape))


def _measured(architecture: Architecture, network: nn.Module, images: torch.Tensor) -> Contract:
    """Return the contract that `network` keeps at `images`.

    Raises:
        ContractError: it does not give one row of logits an image.
    """
    promised = architecture.contract
    output = network(images)
    if not isinstance(output, torch.Tensor):
        raise ContractError(
            f"{architecture.name} breaks its contract: it gives a {type(output).__name__}, "
            "not a tensor of logits (N, K)"
        )
    if output.ndim != 2 or output.shape[0] != _BATCH or output.shape[1] == 0:
        raise ContractError(
            f"{architecture.name} breaks its contract: output {tuple(output.shape)} for "
            f"{_BATCH} images, promised {(_BATCH, *promised.output_shape)}"
        )
    return Contract(
        input_shape=promised.input_shape,
        output_shape=tuple(output.shape[1:]),
        parameters=sum(parameter.numel() for parameter in network.parameters()),
    )


def _require_equal(architecture: Architecture, measured: Contract) -> None:
    promised, wrong = architecture.contract, []
    if measured.parameters != promised.parameters:
        wrong.append(f"{measured.parameters:,} parameters, promised {promised.parameters:,}")
    if measured.output_shape != promised.output_shape:
        wrong.append(f"output {measured.output_shape}, promised {promised.output_shape}")
    if wrong:
        raise ContractError(f"{architecture.name} breaks its contract: {'; '.join(wrong)}")
