"""Waiting in parts ends as waiting at once does."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue

import pytest

from bench.system.waiting import next_item, result_of


@pytest.fixture(params=[None, 0.001], ids=["at once", "in parts"])
def _part(request, monkeypatch):
    """Wait as Linux does, and as Windows does."""
    monkeypatch.setattr("bench.system.waiting._part", lambda: request.param)


@pytest.mark.usefixtures("_part")
def test_the_next_item_is_waited_for():
    """However many parts that takes."""
    queue = SimpleQueue[int]()
    timer = threading.Timer(0.05, queue.put, (7,))
    timer.start()

    assert next_item(queue) == 7


@pytest.mark.usefixtures("_part")
def test_a_result_is_waited_for():
    """An error of the task is raised, also one that tells of time."""
    ready = threading.Event()

    def late(error):
        ready.wait(0.05)
        if error:
            raise TimeoutError("its own")
        return 7

    with ThreadPoolExecutor(2) as pool:
        good, bad = pool.submit(late, False), pool.submit(late, True)

        assert result_of(good) == 7
        with pytest.raises(TimeoutError, match="its own"):
            result_of(bad)
