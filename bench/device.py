"""Where a network trains: the device, the threads, the precision."""

from __future__ import annotations

import torch

from bench.cores import default_threads as default_threads
from registry.errors import RunError

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


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

    Raises:
        RunError: the precision is unknown, or a half type is asked for on the CPU.
    """
    if name not in PRECISIONS:
        raise RunError(f"unknown precision {name!r}: there are {', '.join(PRECISIONS)}")
    if name != "float32" and device.type == "cpu":
        raise RunError(f"{name} on the CPU would be many times slower: use float32, or a GPU")
    return PRECISIONS[name]


def autocast(device: torch.device, precision: torch.dtype) -> torch.autocast:
    """Return the context in which matrix products are made in `precision`."""
    return torch.autocast(
        device.type, dtype=precision, enabled=precision is not torch.float32, cache_enabled=True
    )
