"""Run trials in this process, since another cannot import what a notebook defines."""

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
    """Runs submitted trials in this process, one after the other."""

    def __init__(self, callback: Callback) -> None:
        self._callback, self._stop = callback, StopRequest()
        self._waiting: deque[tuple[int, Job]] = deque()
        self._busy = self._stopping = False

    def submit(self, number: int, job: Job) -> None:
        """Add a trial, identified by its `number`."""
        self._waiting.append((number, job))

    def ended(self) -> Iterator[tuple[int, TrialResult]]:
        """Yield the number and result of each trial when it ends."""
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
        """Ask the trial to save and end; raise StoppedError if it has nothing to finish."""
        self._stopping = True
        if self._busy:
            self._stop.request()

    def end(self) -> None:
        """Do nothing: the exception that follows ends the trial."""

    def close(self) -> None:
        """Do nothing: there are no resources to release."""


def run_and_publish(job: Job, callback: Callback, stop: StopRequest) -> TrialResult:
    """Return the result of a trial, after writing its weights to its folder.

    If that fails, the trial counts as interrupted, and can be resumed. A stop request waits until
    the weights are written.
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
