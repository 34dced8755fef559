"""Trials in the processes that torchrun has begun, all of which do each trial together.

The first one plans, writes and tells; it leaves each job where the others look for it, and does it
with them. They do not wait for each other without end: what fails in one alone breaks its
connections, or their time runs out, and then the run ends, with a record of what was the reason.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any

from bench.allocator import tune_allocator
from bench.checkpoint import Cadence, Checkpoints
from bench.data.pixel_cache import CachedPixels
from bench.data.pixel_source import DirectPixels
from bench.data.split import split_of
from bench.engines.here import run_here
from bench.engines.process import Job, as_plain
from bench.parallel import Group, Ranks
from bench.record import EpochRecord, Status, TrialRecord, TrialResult, TrialSpec, spec_of
from bench.stop import StoppedError, StopRequest
from bench.trial import run_trial
from bench.watcher import Service, Watcher

_GRACE_SECONDS = 10.0  # in which all fail, where the reason is not one's own
_LOOK_SECONDS = 0.05
_FAILED = 4  # exit code: some models failed
_WELL: tuple[Status, ...] = ("ok", "interrupted")


class AgreedStop(StopRequest):
    """Raises in all processes of a group or in none: at a step's end, and between two phases.

    A signal comes to one of them at any moment; raised there, the others would wait for it.
    """

    def __init__(self, group: Group) -> None:
        super().__init__()
        self._group = group
        self.abandoned = False

    @property
    def requested(self) -> bool:
        """A stop was asked for, and where the trial stands is to be saved."""
        return super().requested and not self.abandoned

    def request(self) -> None:
        """Ask for a stop; it is heeded at the next check."""
        self._requested = True

    def abandon(self) -> None:
        """Leave the trial as it is: nothing more is done with the others, saving neither."""
        self.abandoned = True

    def check(self) -> None:
        """Do nothing unless any has been asked to stop. All have to call it.

        Raises:
            StoppedError: one was.
        """
        (asked,) = self._group.total(self._requested)
        if asked:
            self._requested = True
            raise StoppedError

    @contextmanager
    def heeded(self) -> Iterator[None]:
        """Check once, as what is done in here can't be left by one alone."""
        self.check()
        yield


@dataclass(frozen=True, slots=True, kw_only=True)
class _Failure:
    """What one process has left, its trial having failed.

    Attributes:
        at: seconds since the epoch; clocks of several machines may differ.
    """

    rank: int
    at: float
    status: Status
    error: str
    traceback: str


class RanksEngine:
    """Does what is submitted together with the other processes, of which this is the first."""

    def __init__(self, group: Ranks, watcher: Watcher) -> None:
        self._group, self._watcher, self._stop = group, watcher, AgreedStop(group)
        self._waiting: deque[tuple[int, Job]] = deque()
        self._turn = 0
        self._stopping = False

    def submit(self, number: int, job: Job) -> None:
        """Take on a trial, to be known by its `number`."""
        self._waiting.append((number, job))

    def ended(self) -> Iterator[tuple[int, TrialResult]]:
        """Yield each trial's number and result as it ends; none after one is left alone."""
        while self._waiting and not self._stopping:
            number, job = self._waiting.popleft()
            self._turn += 1
            yield number, self._done(job)

    def stop(self) -> None:
        """Ask all to save where the trial stands, and to end; begin no more."""
        self._stopping = True
        self._stop.request()

    def end(self) -> None:
        """Leave it as it is: the exception that follows ends it, and the others lose this one."""
        self._stop.abandon()

    def close(self) -> None:
        """Leave the others waiting for what is said at the command's end."""

    def _done(self, job: Job) -> TrialResult:
        self._group.tell(f"job {self._turn}", as_plain(job))
        service = Service(
            source=job.source,
            weights=job.weights,
            checkpoints=Checkpoints(job.checkpoints, job.shared),
            cadence=Cadence(**job.cadence),
            stop=self._stop,
            group=self._group,
        )
        result = run_here(job.spec, job.split, self._watcher, service, job.folder)
        if self._stop.abandoned:  # there is no result: its last checkpoint can be gone on with
            raise KeyboardInterrupt(signal.SIGINT)
        if result.record.status in _WELL or result.record.phase == "publish":
            return result
        with _without_sigterm() as undo:  # torchrun's own, once one is gone
            failures = _failures(self._group, self._turn, result.record)
            alone = len(failures) < self._group.size or _someone_leaves(self._group, self._turn)
            if not alone:
                undo()
                return result
        self._stopping = True
        self._group.tell(f"leaving {self._turn}", self._group.rank)
        record = _blamed(result.record, failures, self._group.size)
        self._watcher.on_end(record)
        return TrialResult(record=record)


def follow(group: Ranks) -> int:
    """Do what the first process does, and return the exit code that it ends with."""
    stop, turn = AgreedStop(group), 0
    _heed_signals(stop)
    tune_allocator()
    while True:
        turn += 1
        job = _next_job(group, turn)
        if isinstance(job, int):
            return job
        record = _followed(group, job, stop)
        if record.status in _WELL:
            continue
        failures = _failures(group, turn, record)
        if len(failures) < group.size or _someone_leaves(group, turn):
            group.tell(f"leaving {turn}", group.rank)
            return int(group.told("end") or _FAILED)


def dismiss(group: Ranks, code: int) -> None:
    """Let the other processes end with exit code `code`, as the first one does."""
    group.tell("end", code)


def _next_job(group: Ranks, turn: int) -> dict[str, Any] | int:
    """Return the next job, or the exit code where there is none; however long that takes."""
    while True:
        if (job := group.told(f"job {turn}")) is not None:
            found: dict[str, Any] = job
            return found
        if (code := group.told("end")) is not None:
            return int(code)
        time.sleep(_LOOK_SECONDS)


class _Elsewhere(Checkpoints):
    """Checkpoints that another process writes."""

    def save(self, state: dict[str, Any]) -> None:
        """Write nothing."""


class _Silent:
    """A watcher that says nothing: the first process has one that does."""

    def say(self, text: str) -> None:
        """Say nothing."""

    def on_phase(self, record: TrialRecord) -> None:
        """Say nothing."""

    def on_start(self, spec: TrialSpec, steps: int, done: int) -> None:
        """Say nothing."""

    def on_batch(self, spec: TrialSpec) -> None:
        """Say nothing."""

    def on_epoch(self, spec: TrialSpec, epoch: EpochRecord) -> None:
        """Say nothing."""

    def on_end(self, record: TrialRecord) -> None:
        """Say nothing."""

    @contextmanager
    def counting(self, what: str, total: int) -> Iterator[Any]:
        """Count nothing: nothing is written here."""
        yield self


def _followed(group: Ranks, job: dict[str, Any], stop: StopRequest) -> TrialRecord:
    """Return what comes of this process's part in a trial, of which nothing is written or told."""
    sys.path[:] = job["path"]
    source, silent = job["source"], _Silent()
    service = Service(
        source=DirectPixels() if source is None else CachedPixels.reopened(source, silent),
        weights=False,
        checkpoints=_Elsewhere(Path(job["checkpoints"])),
        cadence=Cadence(**job["cadence"]),
        stop=stop,
        group=group,
    )
    with Path(os.devnull).open("w") as nowhere, redirect_stderr(nowhere):
        return run_trial(spec_of(job["spec"]), split_of(job["split"]), silent, service).record


def _heed_signals(stop: StopRequest) -> None:
    def ask(number: int, frame: FrameType | None) -> None:
        stop.request()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, ask)


def _failures(group: Ranks, turn: int, record: TrialRecord) -> list[_Failure]:
    """Return what all have left who failed in this turn; they have a while to do so."""
    own = _Failure(
        rank=group.rank,
        at=time.time(),
        status=record.status,
        error=record.error,
        traceback=record.traceback,
    )
    group.tell(f"failed {turn} {group.rank}", own)
    until = time.monotonic() + _GRACE_SECONDS
    while True:
        found = [group.told(f"failed {turn} {rank}") for rank in range(group.size)]
        failures = [each for each in found if each is not None]
        complete = len(failures) == group.size or _someone_leaves(group, turn)
        if complete or time.monotonic() > until:
            return failures
        time.sleep(_LOOK_SECONDS)


def _someone_leaves(group: Ranks, turn: int) -> bool:
    """Say whether one has found itself alone in its failure, or the first ends the command."""
    return any(group.told(what) is not None for what in (f"leaving {turn}", "end"))


def _blamed(record: TrialRecord, failures: list[_Failure], size: int) -> TrialRecord:
    """Return the record of a trial that failed in one process first."""
    first = min(failures, key=lambda failure: failure.at)
    silent = sorted(set(range(size)) - {failure.rank for failure in failures})
    if first.rank != 0:
        where = f"in process {first.rank} of {size}"
        return replace(
            record,
            status=first.status,
            error=f"{where}: {first.error}",
            traceback=first.traceback,
        )
    others = ", ".join(map(str, silent))
    return replace(record, error=f"nothing was heard of process {others}: {record.error}")


@contextmanager
def _without_sigterm() -> Iterator[Any]:
    """Keep SIGTERM back in here, and from then on; `undo` heeds it again, and what came."""
    before = signal.getsignal(signal.SIGTERM)
    came: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: came.append(number))

    def undo() -> None:
        signal.signal(signal.SIGTERM, before)
        if came and callable(before):
            before(signal.SIGTERM, None)

    yield undo
