"""The device on which a network is built for its shapes alone."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import torch

_BOOTSTRAP: Any = getattr(importlib, "_bootstrap")  # noqa: B009  (it has no public name)


@contextmanager
def built_on(device: str) -> Iterator[None]:
    """Create tensors on `device`, but those of modules that are imported meanwhile on the CPU.

    A module is imported once. What it makes then, such as first weights, must hold numbers for
    every later network.
    """
    find_and_load = _BOOTSTRAP._find_and_load
    within = False  # an import; to choose a device may import, too

    def find_and_load_on_cpu(name: str, import_: Any) -> Any:
        nonlocal within
        if within:
            return find_and_load(name, import_)
        within = True
        try:
            with torch.device("cpu"), torch.enable_grad():
                return find_and_load(name, import_)
        finally:
            within = False

    with patch.object(_BOOTSTRAP, "_find_and_load", find_and_load_on_cpu), torch.device(device):
        yield
