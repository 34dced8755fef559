"""Run one trial in its own process: a socket brings the job and takes the result back.

The imports come before the job arrives, while the parent checks images.
"""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing.connection import Connection
from typing import Any

import torch._dynamo  # saves the first optimiser a second  # noqa: F401

from bench.data.pixel_cache import CachedPixels
from bench.data.pixel_source import DirectPixels, PixelSource
from bench.data.split import Split
from bench.engines.channel import Channel
from bench.engines.in_process import run_and_publish
from bench.engines.process import job_of, receive, send
from bench.system.cpu import tune_allocator
from bench.system.memory import limit_memory, peak_bytes
from bench.training.evaluation import pack_evaluation
from bench.training.record import EpochRecord, TrialRecord
from bench.training.spec import TrialSpec, as_plain
from bench.training.stop import StopRequest

_BETWEEN = 0.1  # seconds between two messages that count steps


def do(descriptor: int) -> None:
    """Run the trial that arrives on the socket `descriptor`, if one does."""
    run(Connection(descriptor))


def run(connection: Channel, heed_stops: Callable[[], object] = lambda: None) -> None:
    """Run the trial that arrives on the `connection`, if one does.

    `heed_stops` is called once this process handles SIGTERM, which it may raise from then on.
    """
    tune_allocator()
    try:
        plain = receive(connection)
    except EOFError:  # no trial came
        return
    sys.path[:] = plain["path"]
    if plain["memory_bytes"] is not None:
        limit_memory(plain["memory_bytes"])
    reporter, stop = _Reporter(connection), StopRequest()
    with stop.deferred():  # except while the trial runs: the last message is sent whole
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.request())
        heed_stops()
        job, source = job_of(plain), plain["source"]
        pixels: PixelSource = _checked_pixels(job.split)
        if source is not None:
            pixels = CachedPixels.reopened(source, _checked_pixels(job.split), reporter)
        result = run_and_publish(replace(job, source=pixels), reporter, stop)
        reporter.end(result.record, answered=result.test is not None)
        if result.test is not None:
            connection.send_bytes(pack_evaluation(result.test))


def _checked_pixels(split: Split) -> DirectPixels:
    return DirectPixels.of((*split.train, *split.validation, *split.test))


class _Reporter:
    """A callback that forwards everything to the parent process."""

    def __init__(self, connection: Channel) -> None:
        self._connection = connection
        self._steps, self._sent = 0, 0.0

    def say(self, text: str) -> None:
        self._send("say", text=text)

    def on_phase(self, record: TrialRecord) -> None:
        self._send("phase", record=_plain(record))

    def on_start(self, spec: TrialSpec, steps: int, done: int) -> None:
        self._send("start", steps=steps, done=done)

    def on_batch(self, spec: TrialSpec) -> None:
        self._steps += 1
        if time.monotonic() - self._sent >= _BETWEEN:
            self._send("steps", count=self._steps)
            self._steps, self._sent = 0, time.monotonic()

    def on_epoch(self, spec: TrialSpec, epoch: EpochRecord) -> None:
        self._send("epoch", record=as_plain(epoch))

    def on_end(self, record: TrialRecord) -> None:
        """Send nothing yet: the weights must be written first."""

    def end(self, record: TrialRecord, *, answered: bool) -> None:
        self._send("end", record=_plain(record), answered=answered)

    @contextmanager
    def counting(self, what: str, total: int) -> Iterator[Any]:
        yield self  # this process writes no pixels, so it counts none

    def _send(self, what: str, **values: object) -> None:
        try:
            send(self._connection, what, **values)
        except OSError:  # the parent is gone
            os._exit(1)


def _plain(record: TrialRecord) -> dict[str, Any]:
    """Return the record without its specification, which the parent has."""
    plain = as_plain(replace(record, peak_bytes=peak_bytes()))
    return {name: value for name, value in plain.items() if name != "spec"}
