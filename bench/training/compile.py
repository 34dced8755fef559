"""`torch.compile`, its time apart from training's."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from copy import deepcopy

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

    Its names, its state and the random state are as before. Shapes are (C, H, W) of one image.

    Raises:
        RunError: it can't be compiled, for example where there is no C++ compiler.
    """

    def images(size: int, shape: tuple[int, int, int]) -> torch.Tensor:
        zeros = torch.zeros(size, *shape, device=device, dtype=number_type(precision))
        return zeros.contiguous(memory_format=MEMORY_FORMATS[layout])

    state = deepcopy(network.state_dict())
    try:
        with Stopwatch(device) as stopwatch, torch.random.fork_rng(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's own, about torch's own
            network.compile(dynamic=False)
            for size in sorted(set(training_sizes)):
                with autocast(device, precision):
                    loss = network.train()(images(size, training_shape)).float().sum()
                loss.backward()
            for size in sorted(set(evaluation_sizes)):
                with torch.inference_mode(), autocast(device, precision):
                    network.eval()(images(size, shape))
    except Exception as error:
        why = f"torch.compile failed ({format_error(error)}): leave out --compile"
        raise RunError(why) from error
    network.zero_grad(set_to_none=True)
    network.load_state_dict(state)
    return stopwatch.seconds
