"""Executors run trials: specifications in, results out, in the order in which they end.

The first Ctrl-C or SIGTERM saves and stops, the second ends at once.
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
from bench.engines.spawn import Server
from bench.training.callbacks import Callback
from bench.training.record import TrialResult
from registry.architecture import Architecture
from registry.errors import BrokenPluginError, ZooError, format_error


class Executor(Protocol):
    """Runs trials somewhere. It stores nothing: its caller writes the store."""

    def submit(self, number: int, job: Job) -> None:
        """Add a trial, identified by its `number`."""

    def ended(self) -> Iterator[tuple[int, TrialResult]]:
        """Yield the number and result of each trial when it ends, until none is left.

        More may be submitted meanwhile.
        """

    def stop(self) -> None:
        """Ask running trials to save and end; start no more."""

    def end(self) -> None:
        """End running trials at once."""

    def close(self) -> None:
        """End running trials and release resources; the executor cannot be used again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutorConfig:
    """Options with which an engine starts.

    Attributes:
        jobs: most trials at a time; None: as many as have room, locally one.
        address: address of an existing cluster, or None.
        architectures: architectures of the trials, by model.
        server: server of processes for trials on this machine; its owner closes it. None: the
            engine starts its own if it needs one.
    """

    jobs: int | None = None
    address: str | None = None
    architectures: Mapping[str, Architecture] = field(default_factory=dict)
    server: Server | None = None


def start_executor(name: str, callback: Callback, setup: ExecutorConfig) -> Executor:
    """Return an executor of the engine `name`; raise ZooError if it cannot start."""
    engine = get_engine(name)
    try:
        executor: Executor = resolve_name(engine.constructor)(callback, setup)
    except (ZooError, KeyboardInterrupt):
        raise
    except BaseException as error:  # a plugin may raise even SystemExit
        why = format_error(error)
        raise BrokenPluginError(f"the engine {name!r} cannot start: {why}") from error
    return executor


class Interrupts:
    """Context manager that handles signals in the main thread; elsewhere it does nothing.

    Attributes:
        number: number of the first signal, or None. After a signal, no trial may start.
    """

    def __init__(self, say: Callable[[str], object]) -> None:
        self.number: int | None = None
        self._again: int | None = None  # the second signal
        self._executor: Executor | None = None
        self._say = say
        self._before: dict[int, object] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._heed)
        return self

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        for number, handler in self._before.items():
            if signal.getsignal(number) == self._heed:  # else another handler was set meanwhile
                signal.signal(number, handler)  # type: ignore[arg-type]
        if self._again is not None and not issubclass(error or Exception, KeyboardInterrupt):
            raise KeyboardInterrupt(self._again)  # someone's `except` has swallowed it

    @contextmanager
    def stopping(self, executor: Executor) -> Iterator[None]:
        """Pass signals on to `executor`, including an earlier one."""
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
            self._again = number
            if self._executor is not None:
                self._executor.end()
            raise KeyboardInterrupt(number)
        self._say("stopping: saving the trial; press Ctrl-C again to end it at once")
        if self._executor is not None:
            self._executor.stop()
