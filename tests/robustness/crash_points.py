"""Every point at which something is about to be written, synced, renamed or committed, tried.

At each the process is ended once, and once there is no room. Run, it prints how many there were.
It forks itself for each, having imported torch and begun no thread.
"""

from __future__ import annotations

import errno
import os
import signal
import sqlite3
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal
from unittest.mock import patch

import torch
from crash_scenarios import SCENARIOS, Scenario
from safetensors.torch import save

from bench.training import checkpoint, weights
from registry.errors import RunError

Way = Literal["killed", "no room"]

_SMALL = 64  # bytes; torch writes hundreds of such, which are not torn in two
_NOT_REACHED = 77  # the exit code of a process that has come to its end


class Points:
    """Counts points down; at the last, the process ends or there is no room."""

    def __init__(self, number: int, way: Way) -> None:
        self._left, self._way = number, way

    @property
    def reached(self) -> bool:
        """The point was come to."""
        return self._left <= 0

    def come_to(self, full: type[Exception] = OSError) -> None:
        """Be at the next point."""
        self._left -= 1
        if self._left != 0:
            return
        if self._way == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        told = "database or disk is full"
        raise OSError(errno.ENOSPC, told) if full is OSError else full(told)


def crash_points() -> Counter[str]:
    """Return how many points were tried, by what was written and what happened there.

    Raises:
        AssertionError: what was found after one was not whole, or too old.
    """
    counts: Counter[str] = Counter()
    for scenario in SCENARIOS:
        for way in ("killed", "no room"):
            number = 1
            while _tried(scenario, number, way):
                counts[f"{scenario.name}, {way}"] += 1
                number += 1
    return counts


def _tried(scenario: Scenario, number: int, way: Way) -> bool:
    """Try one point, and say whether there was one."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        scenario.prepare(folder)
        acknowledged, status = _forked(scenario, folder, Points(number, way))
        ended = os.waitstatus_to_exitcode(status)
        assert ended in (_NOT_REACHED, 0, -signal.SIGKILL), (scenario.name, number, way, ended)
        where = f"{scenario.name}, point {number}, {way}, {acknowledged} acknowledged"
        try:
            scenario.check(folder, acknowledged)
        except Exception as error:
            raise AssertionError(f"{where}: {error}") from error
        return ended != _NOT_REACHED


def _forked(scenario: Scenario, folder: Path, points: Points) -> tuple[int, int]:
    """Return how often the scenario acknowledged in a process of its own, and how that ended."""
    reading, writing = os.pipe()
    process = os.fork()
    if not process:
        code = 1
        with suppress(BaseException):
            with _watched(points), suppress(OSError, RunError):
                scenario.write(folder, lambda: os.write(writing, b"+"))
            code = 0 if points.reached else _NOT_REACHED
        os._exit(code)
    os.close(writing)
    _, status = os.waitpid(process, 0)
    with open(reading, "rb") as pipe:  # noqa: PTH123  (a descriptor)
        return len(pipe.read()), status


@contextmanager
def _watched(points: Points) -> Iterator[None]:
    """Come to a point before, and in the middle of, everything that reaches the disk."""

    class Connection(sqlite3.Connection):
        execute = _before(points, sqlite3.Connection.execute, sqlite3.OperationalError)
        executemany = _before(points, sqlite3.Connection.executemany, sqlite3.OperationalError)
        executescript = _before(points, sqlite3.Connection.executescript, sqlite3.OperationalError)

    connect = sqlite3.connect
    with (
        patch("os.fsync", _before(points, os.fsync)),
        patch("os.replace", _before(points, os.replace)),
        patch("os.unlink", _before(points, os.unlink)),
        patch("os.mkdir", _before(points, os.mkdir)),
        patch.object(Path, "write_text", _text_in_halves(points, Path.write_text)),
        patch.object(checkpoint._Hashing, "write", _in_halves(points, checkpoint._Hashing.write)),
        patch.object(weights, "save_file", _file_in_halves(points, weights.save_file)),
        patch("sqlite3.connect", lambda *a, **k: connect(*a, factory=Connection, **k)),
    ):
        yield


def _before(points: Points, real: Callable[..., Any], full: type[Exception] = OSError) -> Any:
    def call(*arguments: Any, **named: Any) -> Any:
        points.come_to(full)
        return real(*arguments, **named)

    return call


def _in_halves(points: Points, real: Callable[..., int]) -> Any:
    def write(self: checkpoint._Hashing, data: Any) -> int:
        view = memoryview(data).cast("B")
        points.come_to()
        if len(view) < _SMALL:
            return real(self, view)
        half = real(self, view[: len(view) // 2])
        self.flush()
        points.come_to()
        return half + real(self, view[len(view) // 2 :])

    return write


def _text_in_halves(points: Points, real: Callable[..., int]) -> Any:
    def write_text(self: Path, text: str, **named: Any) -> int:
        points.come_to()
        real(self, text[: len(text) // 2], **named)
        points.come_to()
        return real(self, text, **named)

    return write_text


def _file_in_halves(points: Points, real: Callable[..., object]) -> Any:
    def save_file(tensors: Any, name: str, **named: Any) -> object:
        points.come_to()
        content = save(tensors, **named)
        Path(name).write_bytes(content[: len(content) // 2])
        points.come_to()
        return real(tensors, name, **named)

    return save_file


def main() -> None:
    """Try all, and print how many there were."""
    torch.set_num_threads(1)
    for name, number in crash_points().items():
        print(f"{number:>6,}  {name}")


if __name__ == "__main__":
    sys.exit(main())
