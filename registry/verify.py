"""Is a network what its architecture promises: built and run once, without a number computed."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from dataclasses import dataclass
from typing import Literal

import torch

from registry.architecture import Architecture, Contract
from registry.errors import ConstructionError, ContractError

_BATCH = 2  # one image could hide that the batch's axis is lost


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """A kept contract: what was measured, and where the network was built for it."""

    measured: Contract
    device: Literal["meta", "cpu"]


def verify(architecture: Architecture) -> Verification:
    """Return what was measured, if it is what was promised.

    The network is built on the meta device, which holds shapes and no numbers (VGG-16: 52 ms
    instead of 4.1 s), or on the CPU where that can't be done. The global random state is as
    before when it returns.

    Raises:
        ContractError: it is not; the message names every field, measured beside promised.
        ConstructionError: it can't be built or run at all.
    """
    device: Literal["meta", "cpu"] = "meta"
    try:
        measured = measure(architecture, "meta")
    except ContractError:
        raise
    except Exception:  # noqa: BLE001  (some operations have no meta kernel; the CPU decides)
        device = "cpu"
        measured = _measured_on_cpu(architecture)
    _require_equal(architecture, measured)
    return Verification(measured=measured, device=device)


def measure(architecture: Architecture, device: Literal["meta", "cpu"]) -> Contract:
    """Return the contract that the network keeps at the promised input and number of classes.

    Raises:
        ContractError: it does not give one row of logits an image.
        Exception: whatever the network raises where it can't be built or run on `device`.
    """
    promised = architecture.contract
    with torch.random.fork_rng(devices=[]), torch.device(device), torch.no_grad():
        network = architecture.build(promised.num_classes).eval()
        with redirect_stdout(sys.stderr):  # stdout belongs to tables and JSON
            output = network(torch.zeros(_BATCH, *promised.input_shape))
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


def _measured_on_cpu(architecture: Architecture) -> Contract:
    try:
        return measure(architecture, "cpu")
    except (ContractError, ConstructionError):
        raise
    except Exception as error:
        shape = (_BATCH, *architecture.contract.input_shape)
        raise ConstructionError(
            f"{architecture.name} can't be run on images of {shape}: "
            f"{type(error).__name__}: {error}"
        ) from error


def _require_equal(architecture: Architecture, measured: Contract) -> None:
    promised, wrong = architecture.contract, []
    if measured.parameters != promised.parameters:
        wrong.append(f"{measured.parameters:,} parameters, promised {promised.parameters:,}")
    if measured.output_shape != promised.output_shape:
        wrong.append(f"output {measured.output_shape}, promised {promised.output_shape}")
    if wrong:
        raise ContractError(f"{architecture.name} breaks its contract: {'; '.join(wrong)}")
