"""Times that include the device's work, and work that does not run too often."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

_SHARE = 20  # the pause is so many times the duration: work takes 5 % of the time
_CHEAP_SECONDS = 1.0  # faster work runs each time


def drain(device: torch.device) -> None:
    """Return when all work queued on `device` is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


class Stopwatch:
    """Context manager that measures wall seconds; it drains the device at both ends."""

    def __init__(
        self, device: torch.device, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._device, self._clock = device, clock
        self._started = clock()
        self._total: float | None = None

    @property
    def seconds(self) -> float:
        """Return the measured seconds; inside the context, those so far."""
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
    """Wall seconds of each phase, by name; the device is drained at both ends."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self.seconds: defaultdict[str, float] = defaultdict(float)

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Add the duration of the context to the phase `name`."""
        with Stopwatch(self._device) as stopwatch:
            yield
        self.seconds[name] += stopwatch.seconds


class Throttle:
    """Runs work that may be skipped for now, but not at the end."""

    def __init__(
        self,
        work: Callable[[], object],
        clock: Callable[[], float] = time.monotonic,
        cost: Callable[[], float] = time.process_time,
    ) -> None:
        """Run `work`; `clock` gives the time and `cost` its duration, both in seconds."""
        self._work, self._clock, self._cost = work, clock, cost
        self._took, self._ended = 0.0, clock()
        self._due = False

    def __call__(self) -> None:
        """Run the work, unless it is slow and ran recently."""
        self._due = True
        cheap = self._took <= _CHEAP_SECONDS
        if cheap or self._clock() - self._ended >= _SHARE * self._took:
            self.finish()

    def finish(self) -> None:
        """Run the work if it was skipped."""
        if self._due:
            before = self._cost()
            self._work()
            self._took, self._ended = self._cost() - before, self._clock()
            self._due = False
