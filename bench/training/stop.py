"""A wish to stop: a step of training is ended before, anything else is left at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class StoppedError(KeyboardInterrupt):
    """The trial was asked to stop. No `except Exception` of a plugin catches it."""


class StopRequest:
    """Heeded by a trial, made by a signal handler of its process.

    Attributes:
        requested: a stop was asked for.
    """

    def __init__(self) -> None:
        self.requested = False
        self._deferred = 0

    def request(self) -> None:
        """Ask for a stop.

        Raises:
            StoppedError: nothing is under way that should be ended first.
        """
        self.requested = True
        if not self._deferred:
            raise StoppedError

    def check(self) -> None:
        """Do nothing unless a stop was asked for.

        Raises:
            StoppedError: it was.
        """
        if self.requested:
            raise StoppedError

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Raise nothing in here but by `check`, and what is `heeded` in here."""
        self._deferred += 1
        try:
            yield
        finally:
            self._deferred -= 1

    @contextmanager
    def heeded(self) -> Iterator[None]:
        """Raise in here though it is deferred around; at once where a stop was asked for before.

        Raises:
            StoppedError: it was.
        """
        before, self._deferred = self._deferred, 0
        try:
            self.check()
            yield
        finally:
            self._deferred = before
