"""Process-wide settings that a network could change: read, compared and restored."""

from __future__ import annotations

import gc
import locale
import logging
import os
import random
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import numpy as np
import torch

_POOLS = ("OMP_", "KMP_", "MKL_", "OPENBLAS_", "CUDA_", "CUBLAS_", "TORCH_", "PYTORCH_", "NUMEXPR_")


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of the whole process.

    Attributes:
        name: its name in messages.
        read: returns a copy of its value.
        write: restores such a value; None if that is impossible.
        skews: whether it affects results, speed or random numbers of other networks. Then an
            import must not change it, either; other settings may change at import.
        tellable: whether its value can be printed.
    """

    name: str
    read: Callable[[], Any]
    write: Callable[[Any], object] | None
    skews: bool = True
    tellable: bool = True


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


def _environment(pools: bool) -> dict[str, str]:
    return {name: text for name, text in os.environ.items() if name.startswith(_POOLS) is pools}


def _set_environment(pools: bool, before: Mapping[str, str]) -> None:
    for name in _environment(pools).keys() - before.keys():
        del os.environ[name]
    os.environ.update(before)


def _handlers() -> dict[int, Any]:
    return {number: signal.getsignal(number) for number in signal.valid_signals()}


def _set_handlers(before: Mapping[int, Any]) -> None:
    if threading.current_thread() is not threading.main_thread():
        return
    for number, handler in before.items():
        if signal.getsignal(number) is not handler and handler is not None:
            signal.signal(number, handler)


def _logging() -> tuple[int, bool, int, tuple[logging.Handler, ...]]:
    root = logging.getLogger()
    return root.level, root.disabled, logging.root.manager.disable, tuple(root.handlers)


def _set_logging(before: tuple[int, bool, int, tuple[logging.Handler, ...]]) -> None:
    root = logging.getLogger()
    root.setLevel(before[0])
    root.disabled = before[1]
    logging.disable(before[2])
    root.handlers[:] = before[3]


def _affinity() -> Any:
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None


def _set_affinity(before: Any) -> None:
    if before is not None:
        os.sched_setaffinity(0, before)


SETTINGS = (
    Setting("torch's threads", torch.get_num_threads, torch.set_num_threads),
    Setting("torch's interop threads", torch.get_num_interop_threads, None),
    Setting("the processors that it may use", _affinity, _set_affinity),
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
    Setting(
        "garbage collection", gc.isenabled, lambda before: gc.enable() if before else gc.disable()
    ),
    Setting(
        "environment variables of threads and devices",
        lambda: _environment(pools=True),
        lambda before: _set_environment(True, before),
    ),
    Setting(
        "environment variables",
        lambda: _environment(pools=False),
        lambda before: _set_environment(False, before),
        skews=False,
    ),
    Setting("warning filters", lambda: list(warnings.filters), None, skews=False, tellable=False),
    Setting(
        "the locale",
        lambda: locale.setlocale(locale.LC_ALL),
        lambda before: locale.setlocale(locale.LC_ALL, before),
    ),
    Setting("the working directory", os.getcwd, os.chdir),
    Setting("signal handlers", _handlers, _set_handlers, tellable=False),
    Setting(
        "sys.path",
        lambda: list(sys.path),
        lambda before: sys.path.__setitem__(slice(None), before),
        skews=False,
        tellable=False,
    ),
    Setting("recursion limit", sys.getrecursionlimit, sys.setrecursionlimit, skews=False),
    Setting("the root logger", _logging, _set_logging, skews=False, tellable=False),
    Setting("torch's seed", torch.initial_seed, None),
)
# torch's state is not here: its seed, which drawing does not change, is among the settings.
RANDOM_STATES = (
    Setting("NumPy's random state", _numpy_state, np.random.set_state),
    Setting("Python's random state", random.getstate, random.setstate),
)
ALL = (*SETTINGS, *RANDOM_STATES)


def snapshot(settings: Sequence[Setting] = SETTINGS) -> dict[str, Any]:
    """Return the values of `settings` by name."""
    return {setting.name: setting.read() for setting in settings}


def changes(before: Mapping[str, Any], *, importing: bool = False) -> tuple[str, ...]:
    """Return what changed since `before`, a line each; `importing` skips harmless changes."""
    after = snapshot()
    return tuple(
        _describe(setting, before[setting.name], after[setting.name])
        for setting in SETTINGS
        if before[setting.name] != after[setting.name] and (setting.skews or not importing)
    )


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


def _describe(setting: Setting, before: Any, after: Any) -> str:
    if isinstance(before, dict) and setting.tellable:
        names = sorted(n for n in before.keys() | after.keys() if before.get(n) != after.get(n))
        return f"{setting.name}: {', '.join(names)}"
    return f"{setting.name}: {before}, now {after}" if setting.tellable else setting.name
