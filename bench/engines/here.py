"""A trial in this very process: what a notebook has defined can't be imported by another."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bench.data.split import Split
from bench.record import TrialResult, TrialSpec
from bench.stop import StopRequest
from bench.trial import run_trial
from bench.watcher import Service, Watcher
from bench.weights import publish
from registry.errors import told


class Here:
    """The trial in this process, to be stopped; it can't be ended."""

    def __init__(self, stop: StopRequest) -> None:
        self._stop = stop

    def stop(self) -> None:
        """Ask it to save where it stands, and to end.

        Raises:
            StoppedError: nothing is under way that should be ended first.
        """
        self._stop.request()

    def end(self) -> None:
        """Leave it as it is: the exception that follows ends it."""


def run_here(
    spec: TrialSpec, split: Split, watcher: Watcher, service: Service, folder: Path
) -> TrialResult:
    """Return what comes of a trial, its weights being written to `folder`.

    Where they can't be written, the trial is interrupted: to be gone on with when they can.
    A stop that is asked for while they are written comes after.
    """
    with service.stop.deferred():
        result = run_trial(spec, split, watcher, service)
        try:
            publish(result, folder)
        except OSError as error:
            why = {"status": "interrupted", "phase": "publish", "error": told(error)}
            return TrialResult(record=replace(result.record, **why))  # type: ignore[arg-type]
    return replace(result, last_weights=None, best_weights=None)
