"""The faster memory format of a network, measured by a short test of both."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import torch
from torch import nn

from bench.data.batch_options import LAYOUTS, Layout
from bench.data.transform import MEMORY_FORMATS
from bench.system.clock import Stopwatch
from bench.system.device import autocast, device_name, number_type
from bench.training.kept_choice import fastest
from bench.training.train_resolution import takes
from registry.architecture import Architecture

_BATCH = 8
_ROUNDS = 3
_LONG_SECONDS = 1.0  # a longer step is measured once


def choose_layout(
    architecture: Architecture,
    origin: str,
    *,
    device: torch.device,
    precision: torch.dtype,
    threads: int,
    folder: Path | None,
) -> Layout:
    """Return the layout in which training steps of `architecture` are faster here.

    It measures both on one seeded batch, for a second or two. It caches the result in `folder`, if
    any, by installed architecture, device, threads and torch. A network that raises in one layout
    gets the other; one that cannot be trained gets `contiguous`, and its trial reports why. Random
    state and threads stay as they were.
    """
    said = [asdict(architecture), origin, device_name(device), str(precision), threads]
    chosen = fastest(
        lambda: _step_seconds(architecture, device, precision),
        LAYOUTS,
        threads=threads,
        asked=[*said, torch.__version__],
        folder=None if folder is None else folder / "layouts",
    )
    return chosen or "contiguous"


def _step_seconds(
    architecture: Architecture, device: torch.device, precision: torch.dtype
) -> dict[Layout, float]:
    """Return the shortest step in each layout: noise can only make a step longer."""
    torch.manual_seed(0)
    contract = architecture.contract
    dtype = number_type(precision)
    network = architecture.build(contract.num_classes).to(device).train()
    network = network.double() if dtype is torch.float64 else network
    images = black_images(_BATCH, contract.input_shape).to(device=device, dtype=dtype).normal_()
    warm: dict[Layout, float] = {}
    for layout in reversed(LAYOUTS):  # contiguous weights first: some keep the strides of the other
        with suppress(Exception):  # `x.view` raises in one layout only
            warm[layout] = _step(network, images, layout, precision)
    if len(warm) < len(LAYOUTS):
        return warm
    rounds = _ROUNDS if max(warm.values()) < _LONG_SECONDS else 1
    timed = [[_step(network, images, layout, precision) for layout in LAYOUTS]
             for _ in range(rounds)]  # fmt: skip
    return dict(zip(LAYOUTS, map(min, zip(*timed, strict=True)), strict=True))


def _step(
    network: nn.Module, images: torch.Tensor, layout: Layout, precision: torch.dtype
) -> float:
    """Return the seconds of one forward and backward pass, without the change of layout."""
    network.to(memory_format=MEMORY_FORMATS[layout])
    images = images.contiguous(memory_format=MEMORY_FORMATS[layout])
    network.zero_grad(set_to_none=True)
    network.train()
    with Stopwatch(images.device) as stopwatch:
        with autocast(images.device, precision):
            loss = network(images).square().mean()
        loss.backward()
    with torch.no_grad(), autocast(images.device, precision):
        network.eval()(images[:1])  # evaluation may take another way, and raise
    return stopwatch.seconds


def black_images(count: int, shape: tuple[int, int, int]) -> torch.Tensor:
    """Return `count` black images (N, C, H, W) of `shape`, with the strides of decoded ones."""
    channels, height, width = shape
    return torch.zeros(count, height, width, channels).permute(0, 3, 1, 2)


def layout_taken(network: nn.Module, images: torch.Tensor, precision: torch.dtype) -> Layout:
    """Return the first layout of `images` in which `network` answers in evaluation mode.

    If it answers in neither, it gets `require_true_strides`, and the layout is contiguous.
    """
    for layout in LAYOUTS:
        if takes(network, images.contiguous(memory_format=MEMORY_FORMATS[layout]), precision):
            return layout
    require_true_strides(network, images, precision)
    return "contiguous"


def require_true_strides(network: nn.Module, images: torch.Tensor, precision: torch.dtype) -> None:
    """Have `network` get images of contiguous strides, if it raises for `images` without.

    Grey images (N, 1, H, W) are in both layouts at once, whatever the stride of their one channel,
    and torch then takes them for channels last.
    """
    if takes(network, images, precision) or not takes(network, _restrided(images), precision):
        return
    network.register_forward_pre_hook(lambda _, given: tuple(map(_restrided, given)))


def _restrided(images: torch.Tensor) -> torch.Tensor:
    return images.clone(memory_format=torch.contiguous_format)
