"""`torch.compile`, timed separately from training."""

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
    """Compile `network` in place for these batches (N, C, H, W), and return the seconds it took.

    Names, weights and random state stay the same.

    Raises:
        RunError: compilation failed, for example without a C++ compiler, or compiled nothing.
    """
    torch.compiler.reset()  # else another network's graphs may serve this one, in no time
    before = _graphs()
    state = deepcopy(network.state_dict())
    try:
        with Stopwatch(device) as stopwatch, torch.random.fork_rng(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # warnings of torch about torch
            network.compile(dynamic=False)
            for images in training:
                with autocast(device, precision):
                    loss = network.train()(images).float().sum()
                loss.backward()
            for images in evaluation:
                with torch.inference_mode(), autocast(device, precision):
                    network.eval()(images)
    except Exception as error:
        why = f"torch.compile failed ({format_error(error)}): omit --compile"
        raise RunError(why) from error
    if _graphs() == before:  # torch 2.9 skips a network whose forward is torch's own
        raise RunError(
            f"torch.compile of torch {torch.__version__} compiles nothing of this network: write "
            "its `forward`, install a newer torch, or omit --compile"
        )
    network.zero_grad(set_to_none=True)
    network.load_state_dict(state)
    return stopwatch.seconds


def _graphs() -> int:
    """Return how many graphs torch has compiled in this process."""
    from torch._dynamo.utils import counters  # a second, and for `--compile` alone

    return int(counters["stats"]["unique_graphs"])
