"""What does trials: specifications in, results out, in whatever order they end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from bench.engines.process import Job
from bench.record import TrialResult


class Engine(Protocol):
    """Does trials somewhere. It keeps nothing: the one who asks writes the store."""

    def submit(self, number: int, job: Job) -> None:
        """Take on a trial, to be known by its `number`."""

    def ended(self) -> Iterator[tuple[int, TrialResult]]:
        """Yield each trial's number and result as it ends, until none is left.

        More may be submitted meanwhile.
        """

    def stop(self) -> None:
        """Ask all that run to save where they stand, and to end; begin no more."""

    def end(self) -> None:
        """End all that run at once."""
