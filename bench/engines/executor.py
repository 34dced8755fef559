"""What does trials: specifications in, results out, in whatever order they end.

Ctrl-C and SIGTERM meanwhile: the first saves and stops, the second ends at once.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pkgutil import resolve_name
from types import FrameType
from typing import Protocol, Self

from bench.engines.process import Job
from bench.engines.registry import get_engine
from bench.engines.spawn import TrialServer
from bench.training.callbacks import Callback
from bench.training.record import TrialResult
from registry.architecture import Architecture
from registry.errors import BrokenPluginError, ZooError, format_error


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
    """What an engine is started with.

    Attributes:
        jobs: so many trials at a time at most; None: as many as there is room for, locally one.
        address: of an existing cluster, or None.
        architectures: those of the trials, by model.
        server: starts processes for trials on this machine; whoever gives it closes it. None: the
            engine starts one of its own, if it needs one.
    """

    jobs: int | None = None
    address: str | None = None
    architectures: Mapping[str, Architecture] = field(default_factory=dict)
    server: TrialServer | None = None


def start_executor(name: str, callback: Callback, setup: ExecutorConfig) -> Executor:
    """Return the engine `name`, ready for trials; raise ZooError where it can't be had."""
    engine = get_engine(name)
    try:
        executor: Executor = resolve_name(engine.constructor)(callback, setup)
    except (ZooError, KeyboardInterrupt):
        raise
    except BaseException as error:  # a plugin may raise even SystemExit
        raise BrokenPluginError(
            f"the engine {name!r} can't be begun: {format_error(error)}"
        ) from error
    return executor


class Interrupts:
    """Context manager that heeds signals, in a program's main thread; elsewhere it does nothing.

    Attributes:
        number: of the signal that came first, or None. Whoever runs trials begins no other then.
    """

    def __init__(self, say: Callable[[str], object]) -> None:
        self.number: int | None = None
        self._executor: Executor | None = None
        self._say = say
        self._before: dict[int, object] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._heed)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            if signal.getsignal(number) == self._heed:  # else whoever set another one keeps it
                signal.signal(number, handler)  # type: ignore[arg-type]

    @contextmanager
    def stopping(self, executor: Executor) -> Iterator[None]:
        """Pass what comes meanwhile on to `executor`, and what came before."""
        self._executor = executor
        try:
            if self.number is not None:
                executor.stop()
            yield
        finally:
            self._executor = None

    def _heed(self, number: int, frame: FrameType | None) -> None:
        again, self.number = self.number is not None, self.number or number
        if again:
            if self._executor is not None:
                self._executor.end()
            raise KeyboardInterrupt(number)
        self._say("stopping: saving where the trial stands; once more ends it at once")
        if self._executor is not None:
            self._executor.stop()
