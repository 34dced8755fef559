"""The larger built-in networks as they are written, with an eighth of the width: what learns fast.

Layers, their order, initialisation and `forward` are those of `zoo`; only the layers' widths are
not, from 16 on. So are the dear checks, which train, made at a fiftieth of the work.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import nn

import registry
from registry import Architecture

_SHARE = 8
_LEAST = 16  # what is not wider is a colour, a class, or narrow already


def narrow(name: str) -> Architecture:
    """Return the built-in network `name`, an eighth as wide, with a contract that fits two classes.

    Shapes and size at full width are checked of the network itself.
    """
    promised = registry.get(name)
    with torch.device("meta"):
        parameters = sum(each.numel() for each in _built(name, 2).parameters())
    contract = replace(promised.contract, output_shape=(2,), parameters=parameters)
    return replace(promised, constructor=f"{__name__}:build_{name}", contract=contract)


def _built(name: str, num_classes: int) -> nn.Module:
    with _narrow_layers():
        return registry.get(name).build(num_classes)


build_lenet: Callable[..., nn.Module] = partial(_built, "lenet")
build_lenet_as_printed: Callable[..., nn.Module] = partial(_built, "lenet_as_printed")
build_alexnet: Callable[..., nn.Module] = partial(_built, "alexnet")
build_alexnet_2012: Callable[..., nn.Module] = partial(_built, "alexnet_2012")
build_vgg11: Callable[..., nn.Module] = partial(_built, "vgg11")


@contextmanager
def _narrow_layers() -> Iterator[None]:
    """Let `nn.Conv2d` and `nn.Linear` be narrow while a network is built."""
    wide = {kind: getattr(nn, kind) for kind in ("Conv2d", "Linear")}
    for kind, layer in wide.items():
        setattr(nn, kind, _narrowed(layer))
    try:
        yield
    finally:
        for kind, layer in wide.items():
            setattr(nn, kind, layer)


def _narrowed(layer: type[nn.Module]) -> type[nn.Module]:
    class Narrow(layer):  # type: ignore[misc, valid-type]
        def __init__(self, into: int, out: int, *more: Any, **named: Any) -> None:
            super().__init__(_width(into), _width(out), *more, **named)

    return Narrow


def _width(wide: int) -> int:
    return wide if wide < _LEAST else wide // _SHARE
