"""Every point at which something is about to be written, synced, renamed or committed, tried.

At each the process is ended once, and once there is no room. `python tests/crash_points.py` prints
how many there were. It forks itself for each, having imported torch and begun no thread.
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
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from unittest.mock import patch

import fuzz_checkpoint
import fuzz_store
import torch
from fuzz_weights import PUBLISHED, TINY, Tiny
from safetensors.torch import save

from bench import checkpoint, weights
from bench.checkpoint import Checkpoints, digest_of
from bench.durable import write_text
from bench.store import Store
from bench.weights import load_network, save_weights
from registry.errors import RunError

Way = Literal["killed", "no room"]
Acknowledge = Callable[[], object]
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Something that is written.

    Attributes:
        prepare: makes what is there before, in a folder.
        write: writes, and acknowledges each time that something is said to be kept.
        check: requires of what is found after so many acknowledgements that it is whole.
    """

    name: str
    prepare: Callable[[Path], object]
    write: Callable[[Path, Acknowledge], object]
    check: Callable[[Path, int], object]


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


def _save_three(folder: Path, acknowledge: Acknowledge) -> None:
    for number in (1, 2, 3):
        Checkpoints(folder).save(fuzz_checkpoint.state(number))
        acknowledge()


def _check_checkpoints(folder: Path, acknowledged: int) -> None:
    found = Checkpoints(folder).load(lambda text: None)
    number = 0 if found is None else found["position"]["epoch"]
    assert acknowledged <= number <= acknowledged + 1
    if found is not None:
        expected = {"version": 1, **fuzz_checkpoint.state(number)}
        assert digest_of(found) == digest_of(expected)
    Checkpoints(folder).save(fuzz_checkpoint.state(9))
    found = Checkpoints(folder).load(print)
    assert found is not None
    assert found["position"]["epoch"] == 9
    assert len([*folder.iterdir()]) <= 3, "something is left lying about"


def _keep_three(folder: Path, acknowledge: Acknowledge) -> None:
    specs = [fuzz_store.spec(number) for number in (0, 1)]
    store = Store.create(folder / "run.db", fuzz_store.ABOUT, specs)
    acknowledge()
    for number in (0, 1):
        store.finish(number, fuzz_store.result(number))
        acknowledge()


def _check_store(folder: Path, acknowledged: int) -> None:
    try:
        store = Store.open(folder / "run.db")
    except RunError:
        assert not acknowledged
        return
    with closing(store):
        assert store.about() == fuzz_store.ABOUT
        trials = store.trials()
        finished = sum(trial.finished for trial in trials)
        assert max(0, acknowledged - 1) <= finished <= acknowledged
        for trial in trials[:finished]:
            expected = fuzz_store.result(trial.number)
            assert trial.record == expected.record
            assert trial.test is not None
            assert expected.test is not None
            assert torch.equal(trial.test.probabilities, expected.test.probabilities)
        store.finish(1, fuzz_store.result(1))


def _weights(number: int) -> dict[str, torch.Tensor]:
    torch.manual_seed(number)
    return Tiny(2).state_dict()


def _save_weights(folder: Path, number: int) -> None:
    save_weights(folder / "weights.safetensors", _weights(number), PUBLISHED)


def _check_weights(folder: Path, acknowledged: int) -> None:
    network, published = load_network(folder / "weights.safetensors", TINY)
    found = digest_of(network.state_dict())
    assert published == PUBLISHED
    assert found in [digest_of(_weights(number)) for number in range(acknowledged, 2)]
    _save_weights(folder, 1)
    assert len([*folder.iterdir()]) == 1, "something is left lying about"


def _check_text(folder: Path, acknowledged: int) -> None:
    found = (folder / "a.txt").read_text(encoding="utf-8")
    assert found in ["old" * 999, "new" * 999][acknowledged:]
    write_text(folder / "a.txt", "newer")
    assert len([*folder.iterdir()]) == 1, "something is left lying about"


def _nothing(folder: Path) -> None:
    """Begin with an empty folder."""


SCENARIOS = (
    Scenario(name="checkpoints", prepare=_nothing, write=_save_three, check=_check_checkpoints),
    Scenario(name="records", prepare=_nothing, write=_keep_three, check=_check_store),
    Scenario(
        name="weights",
        prepare=lambda folder: _save_weights(folder, 0),
        write=lambda folder, acknowledge: (_save_weights(folder, 1), acknowledge()),
        check=_check_weights,
    ),
    Scenario(
        name="a text",
        prepare=lambda folder: write_text(folder / "a.txt", "old" * 999),
        write=lambda folder, acknowledge: (
            write_text(folder / "a.txt", "new" * 999),
            acknowledge(),
        ),
        check=_check_text,
    ),
)


def main() -> None:
    """Try all, and print how many there were."""
    torch.set_num_threads(1)
    for name, number in crash_points().items():
        print(f"{number:>6,}  {name}")


if __name__ == "__main__":
    sys.exit(main())
