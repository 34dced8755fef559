"""How long a network takes to answer: one batch, over and over, the device drained each time.

What is timed is the network alone, its images being on the device: one image, as where somebody
waits for an answer (MLPerf's single stream, told by a high percentile), and 32 at a time, as where
many lie ready (Reddi et al. 2020, "MLPerf Inference Benchmark").
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import quantiles

import torch
from torch import nn

from bench.data.transform import MEMORY_FORMATS, Layout
from bench.system.clock import Stopwatch
from bench.system.device import autocast
from bench.training.record import InferenceTime
from bench.training.stop import status_of

SIZES = (1, 32)  # images

_MOST, _LEAST = 50, 10  # repetitions
_ENOUGH_SECONDS = 1.0  # after which the least will do
_TOO_LONG_SECONDS = 5.0  # after which none is begun, however few there were


def inference_times(
    network: nn.Module, images: torch.Tensor, layout: Layout, precision: torch.dtype
) -> tuple[InferenceTime, ...]:
    """Return how long `network`, in evaluation mode, takes for 1 and for 32 of `images`.

    `images` (N, C, H, W) are on its device, and repeated where they are fewer. Two answers are
    thrown away; then 10 to 50 are timed, as many as a second holds, or fewer where they take over
    five. 32 are left out where there is no memory for them.
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
        p95_seconds=percentile(seconds, 95),
    )


def percentile(seconds: list[float], share: int) -> float:
    """Return the value that `share` percent of `seconds` do not exceed, interpolated."""
    if len(seconds) == 1:
        return seconds[0]
    return quantiles(seconds, n=100, method="inclusive")[share - 1]


def repeat_timing(
    measure: Callable[[], float], clock: Callable[[], float] = time.perf_counter
) -> list[float]:
    """Return the seconds that `measure` gave, warm-up left out, as often as the budget allows."""
    started = clock()
    for _ in range(2):
        measure()
        if clock() - started > _TOO_LONG_SECONDS:
            break
    started, seconds = clock(), list[float]()
    while len(seconds) < _MOST:
        seconds.append(measure())
        spent = clock() - started
        enough = spent > _ENOUGH_SECONDS and len(seconds) >= _LEAST
        if enough or spent > _TOO_LONG_SECONDS:
            break
    return seconds
