"""Where a network trains: the device, the threads, the precision."""

from __future__ import annotations

import torch

from registry.errors import RunError

AUTO = "auto"
_HALF = (torch.bfloat16, torch.float16)
_PRECISIONS = {
    str(each).removeprefix("torch."): each for each in (torch.float32, torch.float64, *_HALF)
}


def choose_device(name: str) -> torch.device:
    """Return the device `name`; `auto` is the first available of CUDA, MPS and CPU.

    Raises:
        RunError: the device is unknown or not on this machine.
    """
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.mps.is_available()}
    if name == "auto":
        return torch.device(next(kind for kind in ("cuda", "mps", "cpu") if available[kind]))
    if not available.get(name.partition(":")[0], False):
        known = ", ".join(kind for kind, found in available.items() if found)
        raise RunError(f"no device {name!r} on this machine: use {known} or auto")
    return torch.device(name)


def device_name(device: torch.device) -> str:
    """Return the name of a CUDA device's model, else `cpu` or `mps`."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def choose_precision(name: str, device: torch.device) -> torch.dtype:
    """Return the type of matrix products: float32, float64, or a half type.

    `auto` begins as float32: each trial tries what is faster (`bench.training.precision`). With
    float64, for proofs and references, weights and images have this type, too.

    Raises:
        RunError: the precision is unknown, float16 on the CPU, or float64 on MPS.
    """
    if name == AUTO:
        return torch.float32
    if name not in _PRECISIONS:
        raise RunError(f"unknown precision {name!r}: use one of {', '.join(_PRECISIONS)}, {AUTO}")
    precision = _PRECISIONS[name]
    if precision is torch.float16 and device.type == "cpu":
        raise RunError("float16 on the CPU is many times slower: use float32, bfloat16 or auto")
    if precision is torch.float64 and device.type == "mps":
        raise RunError("MPS does not support float64: use --device cpu")
    return precision


def number_type(precision: torch.dtype) -> torch.dtype:
    """Return the type of weights and images; half types are only for matrix products."""
    return torch.float32 if precision in _HALF else precision


def autocast(device: torch.device, precision: torch.dtype) -> torch.autocast:
    """Return the context that computes matrix products in `precision`."""
    half = precision in _HALF
    dtype = precision if half else None
    return torch.autocast(device.type, dtype=dtype, enabled=half, cache_enabled=True)
