"""Tables of many trials are not made after each, and are whole at the end."""

from __future__ import annotations

from types import SimpleNamespace

from bench.system.clock import Throttle


def _made(seconds):
    """Return work that takes so many seconds, a clock, and what was done when."""
    clock, done = SimpleNamespace(now=0.0), []

    def work():
        done.append(clock.now)
        clock.now += seconds

    return Throttle(work, lambda: clock.now, lambda: clock.now), clock, done


def test_what_is_cheap_is_done_each_time():
    """Below a second nothing is left out."""
    sparing, _, done = _made(0.9)
    for _ in range(3):
        sparing()

    assert len(done) == 3


def test_what_is_dear_takes_a_twentieth_of_the_time():
    """A hundred trials of 10 s each, and tables of 2 s."""
    sparing, clock, done = _made(2.0)
    for _ in range(100):
        clock.now += 10.0
        sparing()

    assert 2.0 * len(done) / clock.now < 0.05
    assert len(done) > 20


def test_what_was_left_out_is_done_at_the_end():
    """Once, and not again where nothing is new."""
    sparing, _, done = _made(2.0)
    sparing()
    sparing()
    before = len(done)
    sparing.finish()
    sparing.finish()

    assert (before, len(done)) == (1, 2)
