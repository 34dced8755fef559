"""A choice by a short test on this machine, kept for the next time."""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout, suppress
from pathlib import Path
from typing import Any, TypeVar

import torch
from filelock import FileLock, Timeout

from bench.system.atomic_files import write_text
from bench.system.own_files import is_own

T = TypeVar("T", bound=str)
_PATIENCE_SECONDS = 30.0


def fastest(
    measure: Callable[[], Mapping[T, float]],
    known: Sequence[T],
    *,
    threads: int,
    asked: Sequence[Any],
    folder: Path | None,
) -> T | None:
    """Return the one of `known` with the fewest seconds of a step; None if `measure` has none.

    `measure` runs with so many `threads`, and may raise anything: it has none then. Random state
    and threads stay as they were.

    The answer is kept in `folder`, if any, for what is `asked` (values for JSON). Another process
    that asks waits for it, for half a minute.
    """
    if folder is None:
        return _least(_measured(measure, threads))
    key = hashlib.sha256(json.dumps(asked).encode()).hexdigest()
    path = folder / f"{key[:32]}.json"
    if (kept := _read(path, known)) is not None:
        return kept
    lock = FileLock(folder.with_name(f"{folder.name}.lock"))
    with suppress(OSError, Timeout):
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=_PATIENCE_SECONDS)
    try:
        if (kept := _read(path, known)) is not None:
            return kept
        seconds = _measured(measure, threads)
        choice = _least(seconds)
        if choice is None:
            return None
        said = {"choice": choice, "step_seconds": dict(seconds), "asked": asked}
        said["measured"] = time.strftime("%Y-%m-%d")
        with suppress(OSError):  # the next run measures again
            folder.mkdir(parents=True, exist_ok=True)
            write_text(path, json.dumps(said) + "\n")
        return choice
    finally:
        lock.release()


def _measured(measure: Callable[[], Mapping[T, float]], threads: int) -> Mapping[T, float]:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(threads)
        with torch.random.fork_rng(), redirect_stdout(sys.stderr):
            return measure()
    except (Exception, SystemExit):  # noqa: BLE001  (a plugin may raise anything)
        return {}
    finally:
        torch.set_num_threads(before)


def _least(seconds: Mapping[T, float]) -> T | None:
    return min(seconds, key=seconds.__getitem__, default=None)


def _read(path: Path, known: Sequence[T]) -> T | None:
    if not is_own(path):
        return None
    try:
        choice = json.loads(path.read_text(encoding="utf-8"))["choice"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return next((each for each in known if each == choice), None)
