"""`torch.compile`, its time apart from training's."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from copy import deepcopy

import torch
from torch import nn

from bench.system.clock import Stopwatch
from bench.system.device import autocast
from registry.errors import RunError, format_error


def compile_network(
    network: nn.Module,
    *,
    training: Iterable[torch.Tensor],
    evaluation: Iterable[torch.Tensor],
    device: torch.device,
    precision: torch.dtype,
) -> float:
    """Compile `network` in place for batches (N, C, H, W) as these, and return the seconds it took.

    Its names, its state and the random state are as before.

    Raises:
        RunError: it can't be compiled, for example where there is no C++ compiler.
    """
    state = deepcopy(network.state_dict())
    try:
        with Stopwatch(device) as stopwatch, torch.random.fork_rng(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's own, about torch's own
            network.compile(dynamic=False)
            for images in training:
                with autocast(device, precision):
                    loss = network.train()(images).float().sum()
                loss.backward()
            for images in evaluation:
                with torch.inference_mode(), autocast(device, precision):
                    network.eval()(images)
    except Exception as error:
        why = f"torch.compile failed ({format_error(error)}): leave out --compile"
        raise RunError(why) from error
    network.zero_grad(set_to_none=True)
    network.load_state_dict(state)
    return stopwatch.seconds
