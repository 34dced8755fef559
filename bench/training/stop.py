"""The early end of a trial: a stop request, or an exception."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from bench.training.record import Status
from registry.architecture import Architecture
from registry.author_advice import advice_on
from registry.errors import ZooError, format_error
from registry.exit_codes import ExitCode

_KEPT_LINES = 40
_NO_MEMORY = ("can't allocate memory", "not enough memory", "out of memory", "cannot allocate")


class DivergedError(ZooError):
    """The training loss is not finite."""

    exit_code = ExitCode.FAILED


class StoppedError(KeyboardInterrupt):
    """A stop was requested. `except Exception` in a plugin does not catch it."""


class StopRequest:
    """A request to stop a trial, made by a signal handler of its process."""

    def __init__(self) -> None:
        self.requested = False
        self._deferred = 0

    def request(self) -> None:
        """Request a stop; raise StoppedError unless stops are deferred."""
        self.requested = True
        if not self._deferred:
            raise StoppedError

    def check(self) -> None:
        """Raise StoppedError if a stop was requested."""
        if self.requested:
            raise StoppedError

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Defer StoppedError in this context, except from `check` and inside `heeded`."""
        self._deferred += 1
        try:
            yield
        finally:
            self._deferred -= 1

    @contextmanager
    def heeded(self) -> Iterator[None]:
        """Raise StoppedError in this context, even inside `deferred`; at once if requested."""
        before, self._deferred = self._deferred, 0
        try:
            self.check()
            yield
        finally:
            self._deferred = before


def status_of(error: BaseException) -> Status:
    """Return `diverged`, `out-of-memory` or `failed`."""
    if isinstance(error, DivergedError):
        return "diverged"
    return "out-of-memory" if any(map(_is_memory, _chain(error))) else "failed"


def reason_of(error: BaseException, architecture: Architecture | None = None) -> str:
    """Return the error in one line: its message, with the type unless it is a ZooError.

    With an `architecture`, the line of its author that led to another error follows.
    """
    if isinstance(error, ZooError):
        return " ".join(str(error).split())
    place = architecture.place_of(error) if architecture else ""
    return f"{format_error(error)}{place}{advice_on(error)}"


def traceback_of(error: BaseException) -> str:
    """Return the end of the traceback."""
    lines = "".join(traceback.format_exception(error)).splitlines()
    return "\n".join(lines[-_KEPT_LINES:])


def _chain(error: BaseException) -> Iterator[BaseException]:
    current: BaseException | None = error
    while current is not None:
        yield current
        current = current.__cause__ or current.__context__


def _is_memory(error: BaseException) -> bool:
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError | OSError) and any(sign in text for sign in _NO_MEMORY)
