"""Process-wide settings that a network could change: read, compared and restored."""

from __future__ import annotations

import random
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from operator import attrgetter
from typing import Any

import numpy as np
import torch

from registry import process_settings
from registry.process_settings import PROCESS_SETTINGS, PYTHON_RANDOM, Setting


def seed_everything(seed: int) -> None:
    """Seed torch, NumPy and Python, because a network may use any of them."""
    torch.manual_seed(seed)
    np.random.seed(seed % 2**32)
    random.seed(seed)


def _numpy_state() -> tuple[Any, ...]:
    name, keys, *rest = np.random.get_state(legacy=True)
    return (name, tuple(np.asarray(keys).tolist()), *rest)


def _flag(path: str) -> Setting:
    """Return the setting of an attribute of torch, such as `backends.cudnn.benchmark`."""
    holder, _, name = path.rpartition(".")
    return Setting(
        f"torch.{path}",
        lambda: attrgetter(path)(torch),
        lambda value: setattr(attrgetter(holder)(torch), name, value),
    )


def _flushes() -> bool:
    """Return whether numbers near 0 become 0; torch has no function for it."""
    return float(torch.tensor(1e-310, dtype=torch.float64, device="cpu") * 1) == 0.0


TORCH_SETTINGS = (
    Setting("torch's threads", torch.get_num_threads, torch.set_num_threads),
    Setting("torch's interop threads", torch.get_num_interop_threads, None),
    Setting("the default dtype", torch.get_default_dtype, torch.set_default_dtype),
    Setting(
        "the default device",
        torch.get_default_device,
        lambda before: torch.set_default_device(before if before.type != "cpu" else None),
    ),
    Setting(
        "the precision of float32 matrix products",
        torch.get_float32_matmul_precision,
        torch.set_float32_matmul_precision,
    ),
    _flag("backends.cudnn.enabled"),
    _flag("backends.cudnn.benchmark"),
    _flag("backends.cudnn.deterministic"),
    _flag("backends.cudnn.allow_tf32"),
    _flag("backends.cuda.matmul.allow_fp16_reduced_precision_reduction"),
    _flag("backends.mkldnn.enabled"),
    Setting(
        "deterministic algorithms, warning only",
        lambda: (
            torch.are_deterministic_algorithms_enabled(),
            torch.is_deterministic_algorithms_warn_only_enabled(),
        ),
        lambda before: torch.use_deterministic_algorithms(before[0], warn_only=before[1]),
    ),
    Setting("whether gradients are computed", torch.is_grad_enabled, torch.set_grad_enabled),
    Setting(
        "autocast on the CPU",
        lambda: torch.is_autocast_enabled("cpu"),
        lambda before: torch.set_autocast_enabled("cpu", before),
    ),
    Setting("anomaly detection", torch.is_anomaly_enabled, torch.set_anomaly_enabled),
    Setting("flushing of denormals", _flushes, torch.set_flush_denormal),
    Setting("torch's seed", torch.initial_seed, None),
)
SETTINGS = (*TORCH_SETTINGS, *PROCESS_SETTINGS)
# torch's state is not here: its seed, which drawing does not change, is among the settings.
RANDOM_STATES = (
    Setting("NumPy's random state", _numpy_state, np.random.set_state),
    PYTHON_RANDOM,
)
ALL = (*SETTINGS, *RANDOM_STATES)


def snapshot(settings: Sequence[Setting] = SETTINGS) -> dict[str, Any]:
    """Return the values of `settings` by name."""
    return process_settings.snapshot(settings)


def changes(before: Mapping[str, Any], *, importing: bool = False) -> tuple[str, ...]:
    """Return what changed since `before`, a line each; `importing` skips harmless changes."""
    watched = [setting for setting in SETTINGS if setting.skews or not importing]
    return tuple(process_settings.changed(before, watched).values())


def undo_harmless(before: Mapping[str, Any]) -> None:
    """Restore the settings that an import may change."""
    for setting in SETTINGS:
        if not setting.skews and setting.write is not None:
            setting.write(before[setting.name])


@contextmanager
def kept_settings() -> Iterator[None]:
    """Restore all settings and random states at the end."""
    before = snapshot(ALL)
    try:
        with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
            yield
    finally:
        for setting in ALL:
            if setting.write and setting.read() != before[setting.name]:
                setting.write(before[setting.name])
