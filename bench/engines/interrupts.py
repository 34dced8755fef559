"""Ctrl-C and SIGTERM while trials run: the first saves and stops, the second ends at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Protocol


class Stoppable(Protocol):
    """A trial under way."""

    def stop(self) -> None:
        """Ask it to save where it stands, and to end."""

    def end(self) -> None:
        """End it at once."""


class Interrupts:
    """Context manager that heeds signals, in a program's main thread; elsewhere it does nothing.

    Attributes:
        number: of the signal that came first, or None. Whoever runs trials begins no other then.
    """

    def __init__(self, say: Callable[[str], object]) -> None:
        self.number: int | None = None
        self._trial: Stoppable | None = None
        self._say = say
        self._before: dict[int, object] = {}

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._heed)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            if signal.getsignal(number) == self._heed:  # else whoever set another one keeps it
                signal.signal(number, handler)  # type: ignore[arg-type]

    @contextmanager
    def stopping(self, trial: Stoppable) -> Iterator[None]:
        """Pass what comes meanwhile on to `trial`, and what came before."""
        self._trial = trial
        try:
            if self.number is not None:
                trial.stop()
            yield
        finally:
            self._trial = None

    def _heed(self, number: int, frame: FrameType | None) -> None:
        again, self.number = self.number is not None, self.number or number
        if again:
            if self._trial is not None:
                self._trial.end()
            raise KeyboardInterrupt(number)
        self._say("stopping: saving where the trial stands; once more ends it at once")
        if self._trial is not None:
            self._trial.stop()
