"""Trials in this very process: what a notebook has defined can't be imported by another."""

from collections import deque
from collections.abc import Iterator
from dataclasses import replace

from bench.engines.process import Job
from bench.training.callbacks import Callback, TrialContext
from bench.training.checkpoint import Cadence, Checkpoints
from bench.training.record import TrialResult
from bench.training.stop import StopRequest
from bench.training.trial import run_trial
from bench.training.weights import publish
from registry.errors import format_error


class InProcessExecutor:
    """Does what is submitted in this process, one after the other."""

    def __init__(self, callback: Callback) -> None:
        self._callback, self._stop = callback, StopRequest()
        self._waiting: deque[tuple[int, Job]] = deque()
        self._busy = self._stopping = False

    def submit(self, number: int, job: Job) -> None:
        """Take on a trial, to be known by its `number`."""
        self._waiting.append((number, job))

    def ended(self) -> Iterator[tuple[int, TrialResult]]:
        """Yield each trial's number and result as it ends."""
        while self._waiting and not self._stopping:
            number, job = self._waiting.popleft()
            with self._stop.deferred():
                self._busy = True
                try:
                    result = run_and_publish(job, self._callback, self._stop)
                finally:
                    self._busy = False
            yield number, result

    def stop(self) -> None:
        """Ask the trial to save and end; StoppedError where it does nothing to be ended first."""
        self._stopping = True
        if self._busy:
            self._stop.request()

    def end(self) -> None:
        """Leave it as it is: the exception that follows ends it."""

    def close(self) -> None:
        """Hold nothing: there is nothing to give back."""


def run_and_publish(job: Job, callback: Callback, stop: StopRequest) -> TrialResult:
    """Return what comes of a trial, its weights being written to its folder.

    Where they can't be written, the trial is interrupted, to be resumed when they can. A stop that
    is asked for while they are written comes after.
    """
    context = TrialContext(
        source=job.source,
        profile=job.profile,
        weights=job.weights,
        checkpoints=Checkpoints(job.checkpoints, job.shared),
        cadence=Cadence(**job.cadence),
        stop=stop,
        jobs=job.jobs,
    )
    with stop.deferred():
        result = run_trial(job.spec, job.split, callback, context)
        try:
            publish(result, job.folder)
        except OSError as error:
            why = {"status": "interrupted", "phase": "publish", "error": format_error(error)}
            return TrialResult(record=replace(result.record, **why))  # type: ignore[arg-type]
    return replace(result, last_weights=None, best_weights=None)
