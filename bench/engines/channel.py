"""Messages over two pipes, which every system has; elsewhere a `Connection` carries them."""

from __future__ import annotations

import struct
import threading
from contextlib import suppress
from typing import IO, Protocol

from bench.system.pipes import PipeReader

_LENGTH = struct.Struct("!Q")


class Channel(Protocol):
    """Carries messages of bytes both ways."""

    def send_bytes(self, buf: bytes, /) -> None:
        """Send a message; raise OSError if nobody listens."""

    def recv_bytes(self, maxlength: int, /) -> bytes:
        """Return the next message; raise EOFError if none comes, OSError if it is longer."""


class PipeChannel:
    """A `Channel` that reads one pipe and writes the other. No message is empty."""

    def __init__(self, reading: IO[bytes], writing: IO[bytes]) -> None:
        """Take the pipes, both buffered; both are closed in the end."""
        self._messages = PipeReader(reading, _next_message)
        self._writing, self._lock = writing, threading.Lock()
        self._first: bytes | None = None  # what `wait` has seen; b"" at the end

    def send_bytes(self, buf: bytes, /) -> None:
        """Send a message; raise OSError if nobody listens."""
        with self._lock:
            try:
                self._writing.write(_LENGTH.pack(len(buf)) + buf)
                self._writing.flush()
            except ValueError as error:
                raise OSError("the pipe is closed") from error

    def recv_bytes(self, maxlength: int, /) -> bytes:
        """Return the next message; raise EOFError if none comes, OSError if it is longer."""
        if not self.wait():
            raise EOFError
        message, self._first = self._first or b"", None  # only the end is b"", and stays
        if len(message) > maxlength:
            raise OSError("the message is too long")
        return message

    def wait(self) -> bool:
        """Wait for a message; return whether there is one, or the other end is closed."""
        if self._first is None:
            self._first = self._messages.next()
        return bool(self._first)

    def close(self) -> None:
        """Close the pipe that is written; the thread that reads closes the other at its end."""
        with self._lock, suppress(OSError):  # what was not written yet has no reader
            self._writing.close()


def _next_message(stream: IO[bytes]) -> bytes:
    header = stream.read(_LENGTH.size)
    if len(header) < _LENGTH.size:
        return b""
    length = int(_LENGTH.unpack(header)[0])
    message = stream.read(length)
    return message if len(message) == length else b""
