"""Pipes of child processes: read by threads, since not every system can wait for several."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import IO


class PipeReader:
    """What arrives on a pipe, part by part; a thread reads it, so that waiting can end.

    The thread closes the pipe at its end.
    """

    def __init__(self, stream: IO[bytes], next_part: Callable[[IO[bytes]], bytes]) -> None:
        """Read `stream`, which is buffered; `next_part` returns a part of it, b"" at the end."""
        self._parts = SimpleQueue[bytes]()
        threading.Thread(target=self._read, args=(stream, next_part), daemon=True).start()

    def next(self, seconds: float | None = None) -> bytes | None:
        """Return the next part, b"" at the end, or None if none comes within `seconds`.

        At the end, b"" comes once.
        """
        try:
            return self._parts.get(timeout=seconds)
        except Empty:
            return None

    def _read(self, stream: IO[bytes], next_part: Callable[[IO[bytes]], bytes]) -> None:
        with stream:
            part = b"-"
            while part:
                try:
                    part = next_part(stream)
                except OSError:
                    part = b""
                self._parts.put(part)


def whole_line(stream: IO[bytes]) -> bytes:
    """Return the next line of `stream`; b"" if it ends before the line does."""
    line = stream.readline()
    return line if line.endswith(b"\n") else b""
