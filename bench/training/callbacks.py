"""Callbacks that follow a trial, and the context in which it runs."""

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
    """Receives the events of a trial."""

    def say(self, text: str) -> None:
        """Receive one line of text."""

    def on_phase(self, record: TrialRecord) -> None:
        """The trial enters a new phase; `record` holds the phase and all results so far."""

    def on_start(self, spec: TrialSpec, steps: int, done: int) -> None:
        """Training starts: `steps` in total (0 with a time budget), `done` of them earlier."""

    def on_batch(self, spec: TrialSpec) -> None:
        """One training step has ended."""

    def on_epoch(self, spec: TrialSpec, epoch: EpochRecord) -> None:
        """One epoch was trained and validated."""

    def on_end(self, record: TrialRecord) -> None:
        """The trial has ended, with or without success."""


class LockedCallback:
    """Forwards the events of several threads to a callback, one at a time."""

    def __init__(self, callback: Callback) -> None:
        self._callback, self._lock = callback, threading.Lock()

    def __getattr__(self, event: str) -> Callable[..., None]:
        def pass_on(*values: object) -> None:
            with self._lock:
                getattr(self._callback, event)(*values)

        return pass_on


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialContext:
    """The context in which a trial runs; it does not change the results.

    Attributes:
        source: source of the pixels; by default images are decoded when needed.
        profile: whether to measure where the time goes, which costs one more epoch of steps.
        weights: whether to return the weights of the last and of the best epoch.
        checkpoints: place to save to and to resume from; None: the trial starts from scratch.
        cadence: interval between checkpoints.
        stop: request to stop the trial early.
        jobs: number of trials that run at the same time, for the record.
        clock: clock that measures training, in seconds; tests replace it.
    """

    source: PixelSource = field(default_factory=DirectPixels)
    profile: bool = False
    weights: bool = True
    checkpoints: Checkpoints | None = None
    cadence: Cadence = field(default_factory=lambda: Cadence(seconds=60))
    stop: StopRequest = field(default_factory=StopRequest)
    jobs: int = 1
    clock: Callable[[], float] = time.perf_counter


class RecordBuilder:
    """The growing record of a trial; `callback` receives each new phase."""

    def __init__(self, spec: TrialSpec, callback: Callback, jobs: int) -> None:
        self.record = TrialRecord(spec=spec, jobs=jobs)
        self.callback = callback

    def note(self, **changes: object) -> None:
        """Change fields of the record."""
        self.record = replace(self.record, **changes)  # type: ignore[arg-type]

    def add(self, **seconds: float) -> None:
        """Add to fields that hold sums."""
        self.note(**{name: getattr(self.record, name) + more for name, more in seconds.items()})

    def phase(self, phase: str) -> None:
        """Enter a new phase and report it."""
        self.note(phase=phase)
        self.callback.on_phase(self.record)
