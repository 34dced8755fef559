"""Waiting in the main thread, in parts where Ctrl-C would have to wait, too: on Windows."""

from __future__ import annotations

import sys
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import TypeVar

T = TypeVar("T")
_PART_SECONDS = 0.2


def next_item(queue: SimpleQueue[T]) -> T:
    """Return the next item of `queue`, once there is one."""
    while True:
        try:
            return queue.get(timeout=_part())
        except Empty:
            continue


def result_of(task: Future[T]) -> T:
    """Return the result of `task`, or raise what it raised, once it is done."""
    while True:
        try:
            return task.result(_part())
        except TimeoutError:
            if task.done():  # by now, or with an error of that kind
                return task.result()


def _part() -> float | None:
    return _PART_SECONDS if sys.platform == "win32" else None
