"""The global random generators that a constructor may draw from."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import torch

from registry.checks.setting import Setting


def seed_everything(seed: int) -> None:
    """Seed torch, NumPy and Python: a network may draw from any of them."""
    torch.manual_seed(seed)
    np.random.seed(seed % 2**32)
    random.seed(seed)


def _numpy_state() -> tuple[Any, ...]:
    name, keys, *rest = np.random.get_state(legacy=True)
    return (name, tuple(np.asarray(keys).tolist()), *rest)


# torch's is not among them: its seed, which drawing does not change, is a setting like others.
RANDOM_STATES = (
    Setting(name="NumPy's random state", read=_numpy_state, write=np.random.set_state),
    Setting(name="Python's random state", read=random.getstate, write=random.setstate),
)
