"""The faster precision of a network's steps, measured by a short test of each."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Literal

import torch
from torch.nn import functional as F

from bench.data.batch_options import Layout
from bench.data.pixel_source import InputShape
from bench.data.transform import MEMORY_FORMATS
from bench.system.clock import Stopwatch
from bench.system.device import autocast, device_name
from bench.training.kept_choice import fastest
from registry.architecture import Architecture

PrecisionName = Literal["float32", "bfloat16"]
_NAMES: tuple[PrecisionName, ...] = ("float32", "bfloat16")
_STEPS = 4  # the first warms up
_RATE = 0.01  # of plain SGD
_APART = 0.05  # nats, or a share of the loss, that losses may differ by
_GAIN = 0.9  # of the seconds in float32: what is hardly faster is not worth its rounding
_HOPELESS = 2.0  # times the seconds in float32: no more steps are tried


def faster_precision(
    architecture: Architecture,
    origin: str,
    *,
    shape: InputShape,
    batch_size: int,
    layout: Layout,
    device: torch.device,
    threads: int,
    folder: Path | None,
) -> PrecisionName:
    """Return the precision in which training steps of `architecture` are faster here.

    It trains for four steps on one seeded batch of `batch_size` images of `shape` (C, H, W), in
    float32 and with matrix products in bfloat16. bfloat16 is taken if its steps need at most nine
    tenths of the time, and its losses agree with those of float32 to 5 %. The answer is kept in
    `folder`, if any, by installed architecture, device, threads and torch. Random state and threads
    stay as they were. A network that cannot be trained gets float32; its trial reports why.
    """
    said = [asdict(architecture), origin, device_name(device), threads, torch.__version__]
    return (
        fastest(
            lambda: _measure(architecture, shape, batch_size, layout, device),
            _NAMES,
            threads=threads,
            asked=[*said, [*shape], batch_size, layout],
            folder=folder,
        )
        or "float32"
    )


def _measure(
    architecture: Architecture,
    shape: InputShape,
    batch_size: int,
    layout: Layout,
    device: torch.device,
) -> dict[PrecisionName, float]:
    """Return the shortest step in float32, and in bfloat16 if that is a choice."""
    steps = _steps(architecture, shape, batch_size, layout, device, torch.float32)
    seconds, losses = zip(*steps, strict=True)
    least = min(seconds[1:])
    half = _steps(architecture, shape, batch_size, layout, device, torch.bfloat16)
    found = list[float]()
    chosen: dict[PrecisionName, float] = {"float32": least}
    for (taken, loss), expected in zip(half, losses, strict=True):
        agrees = abs(loss - expected) <= _APART * max(1.0, abs(expected))
        if not agrees or taken > _HOPELESS * max(seconds):
            return chosen
        found.append(taken)
    if min(found[1:]) <= _GAIN * least:
        chosen["bfloat16"] = min(found[1:])
    return chosen


def _steps(
    architecture: Architecture,
    shape: InputShape,
    batch_size: int,
    layout: Layout,
    device: torch.device,
    precision: torch.dtype,
) -> Iterator[tuple[float, float]]:
    """Yield the seconds and the loss of each training step."""
    torch.manual_seed(0)
    classes, strides = architecture.contract.num_classes, MEMORY_FORMATS[layout]
    network = architecture.build(classes).train()
    network.to(device=device, memory_format=strides)  # type: ignore[call-overload]
    images = torch.randn(batch_size, *shape).contiguous(memory_format=strides).to(device)
    labels = (torch.arange(batch_size) % classes).to(device)
    optimizer = torch.optim.SGD(network.parameters(), lr=_RATE)
    for _ in range(_STEPS):
        with Stopwatch(device) as stopwatch:
            with autocast(device, precision):
                loss = F.cross_entropy(network(images), labels)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        yield stopwatch.seconds, loss.item() if math.isfinite(loss.item()) else math.inf
