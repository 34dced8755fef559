"""Ctrl-C and SIGTERM while trials run: the first saves and stops, the second ends at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from bench.engines.executor import Executor


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

    def __enter__(self) -> Interrupts:
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
