from __future__ import annotations

import os
import signal
from types import SimpleNamespace

import pytest

import bench
from bench.engines import in_process as here
from bench.engines.executor import Interrupts
from bench.training.stop import StoppedError, StopRequest
from bench.training.weights import publish


def test_a_stop_is_heeded_at_once():
    """Where nothing is deferred, asking raises."""
    with pytest.raises(StoppedError, match=r"^$"):
        StopRequest().request()


def test_a_deferred_stop_is_heeded_by_a_check():
    """While it is deferred nothing raises but a check."""
    stop = StopRequest()
    with stop.deferred():
        stop.request()
        with pytest.raises(StoppedError, match=r"^$"):
            stop.check()

    assert stop.requested


def test_what_is_heeded_inside_is_deferred_again_after():
    """A trial can be stopped in the middle of what can't."""
    stop = StopRequest()
    with stop.deferred():
        with pytest.raises(StoppedError, match=r"^$"), stop.heeded():
            stop.request()
        stop.request()


def test_a_stop_from_before_is_heeded_where_it_may_be():
    """What was asked for while it was deferred stops the next that can be stopped."""
    stop = StopRequest()
    with stop.deferred():
        stop.request()
        with pytest.raises(StoppedError, match=r"^$"), stop.heeded():
            raise AssertionError("it was begun")


def test_a_stop_while_weights_are_written_comes_after(drawn, tmp_path, monkeypatch):
    """The trial that was done is kept as it is; the next is not begun."""

    def hit(result, folder):
        os.kill(os.getpid(), signal.SIGTERM)
        publish(result, folder)

    monkeypatch.setattr(here, "publish", hit)
    options = {"progress": False, "epochs": 1, "runs": tmp_path, "isolate": False}
    results = bench.run(["lenet5", "lenet"], drawn, **options)

    assert [(record.model, record.status) for record in results.records] == [("lenet5", "ok")]
    assert (results.unfinished, results.exit_code) == (1, 143)
    assert (results.folder / "lenet5" / "seed-0" / "weights.safetensors").is_file()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_both_signals_stop_and_are_given_back(number):
    """The first is passed on to what runs, and is told; what heeded it before does so after."""
    told, stops = [], []
    before = signal.signal(number, signal.SIG_IGN)
    trial = SimpleNamespace(stop=lambda: stops.append("stop"))
    try:
        with Interrupts(told.append) as interrupts, interrupts.stopping(trial):
            signal.raise_signal(number)
        after = signal.getsignal(number)
    finally:
        signal.signal(number, before)

    assert (stops, interrupts.number, len(told)) == (["stop"], number, 1)
    assert after is signal.SIG_IGN
