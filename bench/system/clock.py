"""Seconds that wait for the device."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch


def drain(device: torch.device) -> None:
    """Return once everything queued on `device` is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


class Stopwatch:
    """Context manager that measures wall seconds, the device drained at both ends."""

    def __init__(
        self, device: torch.device, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._device, self._clock = device, clock
        self._started = clock()
        self._total: float | None = None

    @property
    def seconds(self) -> float:
        """What was measured, or so far, where the context has not ended."""
        return self._clock() - self._started if self._total is None else self._total

    def __enter__(self) -> Stopwatch:
        drain(self._device)
        self._started = self._clock()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            drain(self._device)
        self._total = self._clock() - self._started


class Phases:
    """Wall seconds by the name of a phase, the device drained at both ends of each."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self.seconds: defaultdict[str, float] = defaultdict(float)

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Add what happens in the context to the phase `name`."""
        with Stopwatch(self._device) as stopwatch:
            yield
        self.seconds[name] += stopwatch.seconds
