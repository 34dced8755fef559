from __future__ import annotations

import pytest

from bench.stop import StoppedError, StopRequest


def test_a_stop_is_raised_at_once():
    """Where nothing is under way that should be ended first."""
    with pytest.raises(StoppedError):
        StopRequest().request()


def test_a_deferred_stop_waits_to_be_asked_about():
    """A step that is under way is ended before."""
    stop = StopRequest()
    with stop.deferred():
        stop.request()
        with pytest.raises(StoppedError):
            stop.check()


def test_what_is_heeded_is_stopped_though_all_around_is_deferred():
    """A trial can be stopped at once, what comes of it not."""
    stop = StopRequest()
    with stop.deferred():
        with pytest.raises(StoppedError), stop.heeded():
            stop.request()
        stop.request()  # too late: the result is kept


def test_a_stop_before_is_heeded_too():
    """It was asked for while the process was starting."""
    stop = StopRequest()
    with stop.deferred():
        stop.request()
        with pytest.raises(StoppedError), stop.heeded():
            raise AssertionError("it should not have begun")
