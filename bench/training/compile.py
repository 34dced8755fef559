"""`torch.compile`, its time apart from training's."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from copy import deepcopy
from functools import partial

import torch
from torch import nn

from bench.data.transform import MEMORY_FORMATS, Layout
from bench.system.clock import Stopwatch
from bench.system.device import autocast, number_type
from registry.errors import RunError, format_error


def compile_network(
    network: nn.Module,
    *,
    shape: tuple[int, int, int],
    training_shape: tuple[int, int, int],
    training_sizes: Iterable[int],
    evaluation_sizes: Iterable[int],
    device: torch.device,
    precision: torch.dtype,
    layout: Layout,
) -> float:
    """Compile `network` in place for batches of these sizes, and return the seconds it took.

    Its names, its state and the random state are as before. `shape` is that of one image,
    (C, H, W), `training_shape` that of one to train on.

    Raises:
        RunError: it can't be compiled, for example where there is no C++ compiler.
    """
    state = deepcopy(network.state_dict())
    images = partial(_images, device=device, layout=layout, dtype=number_type(precision))
    try:
        with Stopwatch(device) as stopwatch, torch.random.fork_rng(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's own, about torch's own
            network.compile(dynamic=False)
            for size in sorted(set(training_sizes)):
                _run(network.train(), images(size, training_shape), precision)
            for size in sorted(set(evaluation_sizes)):
                with torch.inference_mode(), autocast(device, precision):
                    network.eval()(images(size, shape))
    except Exception as error:
        raise RunError(
            f"torch.compile failed ({format_error(error)}): leave out --compile"
        ) from error
    network.zero_grad(set_to_none=True)
    network.load_state_dict(state)
    return stopwatch.seconds


def _run(network: nn.Module, images: torch.Tensor, precision: torch.dtype) -> None:
    with autocast(images.device, precision):
        loss = network(images).float().sum()
    loss.backward()


def _images(
    size: int,
    shape: tuple[int, int, int],
    device: torch.device,
    layout: Layout,
    dtype: torch.dtype,
) -> torch.Tensor:
    images = torch.zeros(size, *shape, device=device, dtype=dtype)
    return images.contiguous(memory_format=MEMORY_FORMATS[layout])
