"""Inference time of a network: one batch, repeated; each repetition waits for the device.

Only the network is timed; its images are already on the device. One image is MLPerf's single
stream, reported by a high percentile; 32 images are a batch of waiting requests.
Source: Reddi et al. 2020, "MLPerf Inference Benchmark".
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import quantiles

import torch
from torch import nn

from bench.data.batch_options import Layout
from bench.data.transform import MEMORY_FORMATS
from bench.system.clock import Stopwatch
from bench.system.device import autocast
from bench.training.record import InferenceTime
from bench.training.stop import status_of

SIZES = (1, 32)  # images

_MOST, _LEAST = 50, 5  # repetitions
_ENOUGH_SECONDS = 0.4  # then the minimum of repetitions is enough
_TOO_LONG_SECONDS = 1.0  # then no repetition starts, however few there are
_WARM_SECONDS = 0.05  # a first pass of that length has warmed up enough
_TAIL = 20  # repetitions, below which a 95th percentile would be little but the slowest


def inference_times(
    network: nn.Module, images: torch.Tensor, layout: Layout, precision: torch.dtype
) -> tuple[InferenceTime, ...]:
    """Return the inference time of `network` in evaluation mode, for 1 and for 32 images.

    `images` (N, C, H, W) are on its device, and repeat if there are fewer than 32. After two
    warm-up passes, or a long one, it times 5 to 50, as many as fit into 0.4 s, and fewer if they
    take more than a second. There is no 95th percentile of fewer than 20. Without memory for 32
    images, only one is timed.
    """
    network.eval()
    found: list[InferenceTime] = []
    with torch.inference_mode(), autocast(images.device, precision):
        for size in SIZES:
            try:
                chosen = torch.arange(size, device=images.device) % len(images)
                batch = images[chosen].contiguous(memory_format=MEMORY_FORMATS[layout])
                found.append(_time(network, batch))
            except Exception as error:
                if size == 1 or status_of(error) != "out-of-memory":
                    raise
    return tuple(found)


def _time(network: nn.Module, batch: torch.Tensor) -> InferenceTime:
    def measure() -> float:
        with Stopwatch(batch.device) as stopwatch:
            network(batch)
        return stopwatch.seconds

    seconds = repeat_timing(measure)
    return InferenceTime(
        batch=len(batch),
        repetitions=len(seconds),
        p50_seconds=percentile(seconds, 50),
        p95_seconds=percentile(seconds, 95) if len(seconds) >= _TAIL else None,
    )


def percentile(seconds: list[float], share: int) -> float:
    """Return the percentile `share` (1 to 99) of `seconds`, interpolated."""
    if len(seconds) == 1:
        return seconds[0]
    return quantiles(seconds, n=100, method="inclusive")[share - 1]


def repeat_timing(
    measure: Callable[[], float], clock: Callable[[], float] = time.perf_counter
) -> list[float]:
    """Return the seconds of repeated calls of `measure`, without warm-up, within the budget."""
    started = clock()
    for _ in range(2):
        measure()
        if clock() - started > _WARM_SECONDS:
            break
    started, seconds = clock(), list[float]()
    while len(seconds) < _MOST:
        seconds.append(measure())
        spent = clock() - started
        enough = spent > _ENOUGH_SECONDS and len(seconds) >= _LEAST
        if enough or spent > _TOO_LONG_SECONDS:
            break
    return seconds
