"""One trial in a process of its own: what is asked comes by a socket, what becomes of it goes back.

Everything that a trial needs is imported here, before it is known: the one who asks is looking at
images meanwhile.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType
from typing import Any

import torch._dynamo  # a second that the first optimiser would be charged  # noqa: F401

from bench.data.pixel_cache import CachedPixels
from bench.data.pixel_source import DirectPixels
from bench.data.split import split_of
from bench.engines.in_process import run_and_publish
from bench.engines.messages import receive, send, send_answers
from bench.system.cpu import tune_allocator
from bench.system.memory import limit_memory, peak_bytes
from bench.training.callbacks import TrialContext
from bench.training.checkpoint import Cadence, Checkpoints
from bench.training.record import EpochRecord, TrialRecord
from bench.training.spec import TrialSpec, as_plain, spec_of
from bench.training.stop import StopRequest

_BETWEEN = 0.1  # seconds between two messages that count steps


def do(descriptor: int) -> None:
    """Do the trial that comes by the socket `descriptor`, if one comes."""
    tune_allocator()
    connection = Connection(descriptor)
    try:
        job = receive(connection)
    except EOFError:  # it is not needed
        return
    sys.path[:] = job["path"]
    if job["memory_bytes"] is not None:
        limit_memory(job["memory_bytes"])
    teller, stop = _Teller(connection), StopRequest()
    with stop.deferred():  # but while the trial runs: the last word is said in full
        _heed_signals(stop)
        service = _service(job, teller, stop)
        spec, split = spec_of(job["spec"]), split_of(job["split"])
        result = run_and_publish(spec, split, teller, service, Path(job["folder"]))
        teller.end(result.record, answered=result.test is not None)
        if result.test is not None:
            send_answers(connection, result.test)


def _heed_signals(stop: StopRequest) -> None:
    def ask(number: int, frame: FrameType | None) -> None:
        stop.request()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, ask)


def _service(job: dict[str, Any], teller: _Teller, stop: StopRequest) -> TrialContext:
    source = job["source"]
    return TrialContext(
        source=DirectPixels() if source is None else CachedPixels.reopened(source, teller),
        profile=job["profile"],
        weights=job["weights"],
        checkpoints=Checkpoints(Path(job["checkpoints"]), job["shared"]),
        cadence=Cadence(**job["cadence"]),
        stop=stop,
        jobs=job["jobs"],
    )


class _Teller:
    """A trial's watcher that tells the process which asked."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._steps, self._told = 0, 0.0

    def say(self, text: str) -> None:
        self._send("say", text=text)

    def on_phase(self, record: TrialRecord) -> None:
        self._send("phase", record=_plain(record))

    def on_start(self, spec: TrialSpec, steps: int, done: int) -> None:
        self._send("start", steps=steps, done=done)

    def on_batch(self, spec: TrialSpec) -> None:
        self._steps += 1
        if time.monotonic() - self._told >= _BETWEEN:
            self._send("steps", count=self._steps)
            self._steps, self._told = 0, time.monotonic()

    def on_epoch(self, spec: TrialSpec, epoch: EpochRecord) -> None:
        self._send("epoch", record=as_plain(epoch))

    def on_end(self, record: TrialRecord) -> None:
        """Say nothing yet: weights are still to be written."""

    def end(self, record: TrialRecord, *, answered: bool) -> None:
        self._send("end", record=_plain(record), answered=answered)

    @contextmanager
    def counting(self, what: str, total: int) -> Iterator[Any]:
        yield self  # nothing is written here, so nothing is counted

    def _send(self, what: str, **values: object) -> None:
        try:
            send(self._connection, what, **values)
        except OSError:  # the one who asked is gone
            os._exit(1)


def _plain(record: TrialRecord) -> dict[str, Any]:
    """Return the record without its specification, which the other side has."""
    plain = as_plain(replace(record, peak_bytes=peak_bytes()))
    return {name: value for name, value in plain.items() if name != "spec"}
