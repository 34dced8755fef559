"""Where a network trains: the device, the threads, the precision."""

from __future__ import annotations

import torch

from registry.errors import RunError

_HALF = (torch.bfloat16, torch.float16)
_PRECISIONS = {
    str(each).removeprefix("torch."): each for each in (torch.float32, torch.float64, *_HALF)
}


def choose_device(name: str) -> torch.device:
    """Return the device `name`, where `auto` is the first of CUDA, MPS and CPU that is there.

    Raises:
        RunError: the device is unknown or not on this machine.
    """
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.mps.is_available()}
    if name == "auto":
        return torch.device(next(kind for kind in ("cuda", "mps", "cpu") if there[kind]))
    if not there.get(name.partition(":")[0], False):
        known = ", ".join(kind for kind, available in there.items() if available)
        raise RunError(f"no device {name!r} on this machine: there is {known} (or auto)")
    return torch.device(name)


def choose_precision(name: str, device: torch.device) -> torch.dtype:
    """Return the type that matrix products are made in: float32, or a half type on a GPU.

    Or float64, for proofs and references: then weights and images are of it, too.

    Raises:
        RunError: the precision is unknown, a half type on the CPU, or float64 on Apple's GPU.
    """
    if name not in _PRECISIONS:
        raise RunError(f"unknown precision {name!r}: there are {', '.join(_PRECISIONS)}")
    precision = _PRECISIONS[name]
    if precision in _HALF and device.type == "cpu":
        raise RunError(f"{name} on the CPU would be many times slower: use float32, or a GPU")
    if precision is torch.float64 and device.type == "mps":
        raise RunError("MPS does not support float64: use --device cpu")
    return precision


def number_type(precision: torch.dtype) -> torch.dtype:
    """Return the type of weights and images: half types are of matrix products alone."""
    return torch.float32 if precision in _HALF else precision


def autocast(device: torch.device, precision: torch.dtype) -> torch.autocast:
    """Return the context in which matrix products are made in `precision`."""
    half = precision in _HALF
    dtype = precision if half else None
    return torch.autocast(device.type, dtype=dtype, enabled=half, cache_enabled=True)
