"""What does trials: specifications in, results out, in whatever order they end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from bench.engines.process import Job
from bench.engines.spawn import TrialServer
from bench.training.record import TrialResult
from registry.architecture import Architecture


class Executor(Protocol):
    """Does trials somewhere. It keeps nothing: the one who asks writes the store."""

    def submit(self, number: int, job: Job) -> None:
        """Take on a trial, to be known by its `number`."""

    def ended(self) -> Iterator[tuple[int, TrialResult]]:
        """Yield each trial's number and result as it ends, once each, until none is left.

        More may be submitted meanwhile.
        """

    def stop(self) -> None:
        """Ask all that run to save where they stand, and to end; begin no more."""

    def end(self) -> None:
        """End all that run at once."""

    def close(self) -> None:
        """End what still runs, and give back what was held; nothing is asked of it after that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutorConfig:
    """What an engine is begun with.

    Attributes:
        jobs: so many trials at a time at most; None: as many as it has room for, or one on the
            user's own machine.
        address: of a cluster that is there, or None.
        architectures: those of the trials, by model.
        planned: the versions and the machine that the trials were planned with, as
            `describe_environment` gives them.
        server: begins processes for trials, where those are processes here; whoever gives it
            closes it. None: the engine begins one of its own, if it needs one.
    """

    jobs: int | None = None
    address: str | None = None
    architectures: Mapping[str, Architecture] = field(default_factory=dict)
    planned: Mapping[str, Any] = field(default_factory=dict)
    server: TrialServer | None = None
