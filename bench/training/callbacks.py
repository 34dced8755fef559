"""Who is told how a trial goes, and what is done for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

from bench.data.pixel_source import DirectPixels, PixelSource
from bench.training.checkpoint import Cadence, Checkpoints
from bench.training.record import EpochRecord, TrialRecord
from bench.training.spec import TrialSpec
from bench.training.stop import StopRequest


class Callback(Protocol):
    """Somebody who is told how a trial goes."""

    def say(self, text: str) -> None:
        """Hear one line."""

    def on_phase(self, record: TrialRecord) -> None:
        """Something else is being done now; `record` says what, and what is known so far."""

    def on_start(self, spec: TrialSpec, steps: int, done: int) -> None:
        """Training begins: of `steps` steps in all, 0 under a budget, so many were done before."""

    def on_batch(self, spec: TrialSpec) -> None:
        """One training step is done."""

    def on_epoch(self, spec: TrialSpec, epoch: EpochRecord) -> None:
        """One epoch is trained and validated."""

    def on_end(self, record: TrialRecord) -> None:
        """The trial is over, well or not."""


class LockedCallback:
    """Passes on to a callback what several threads say, one after the other."""

    def __init__(self, callback: Callback) -> None:
        self._callback, self._lock = callback, threading.Lock()

    def __getattr__(self, event: str) -> Callable[..., None]:
        def pass_on(*values: object) -> None:
            with self._lock:
                getattr(self._callback, event)(*values)

        return pass_on


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialContext:
    """What is done for a trial, none of which changes a figure of it.

    Attributes:
        source: gives the pixels of the images; by default each is decoded when it is needed.
        profile: measure where the time goes, which takes one epoch's steps more.
        weights: return the weights of the last and of the best epoch.
        checkpoints: where it is saved, and resumed from; without them it begins anew.
        cadence: how often it is saved.
        jobs: how many trials are done at a time, for its record.
        clock: gives the seconds by which training is measured; another one for tests.
    """

    source: PixelSource = field(default_factory=DirectPixels)
    profile: bool = False
    weights: bool = True
    checkpoints: Checkpoints | None = None
    cadence: Cadence = field(default_factory=Cadence)
    stop: StopRequest = field(default_factory=StopRequest)
    jobs: int = 1
    clock: Callable[[], float] = time.perf_counter


class RecordBuilder:
    """A trial's record as far as it has come; `callback` is told each new phase."""

    def __init__(self, spec: TrialSpec, callback: Callback, jobs: int) -> None:
        self.record = TrialRecord(spec=spec, jobs=jobs)
        self.callback = callback

    def note(self, **changes: object) -> None:
        """Change fields of the record."""
        self.record = replace(self.record, **changes)  # type: ignore[arg-type]

    def add(self, **seconds: float) -> None:
        """Add to fields that are sums."""
        self.note(**{name: getattr(self.record, name) + more for name, more in seconds.items()})

    def phase(self, phase: str) -> None:
        """Say what is being done from now on."""
        self.note(phase=phase)
        self.callback.on_phase(self.record)
