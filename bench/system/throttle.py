"""Work that is done again and again, but not so often that it takes the time of all other."""

from __future__ import annotations

import time
from collections.abc import Callable

_SHARE = 20  # it is done again after so many times what it took: 5 % of the time
_CHEAP_SECONDS = 1.0  # below that it is done each time


class Throttle:
    """Does what may be left out meanwhile, as long as it is done at the end."""

    def __init__(
        self,
        work: Callable[[], object],
        clock: Callable[[], float] = time.monotonic,
        cost: Callable[[], float] = time.process_time,
    ) -> None:
        """Do `work`, timed by `clock`; what it takes is told by `cost`, both in seconds."""
        self._work, self._clock, self._cost = work, clock, cost
        self._took, self._ended = 0.0, clock()
        self._due = False

    def __call__(self) -> None:
        """Do it, unless it took long and that was only just now."""
        self._due = True
        cheap = self._took <= _CHEAP_SECONDS
        if cheap or self._clock() - self._ended >= _SHARE * self._took:
            self.finish()

    def finish(self) -> None:
        """Do it if it was left out."""
        if self._due:
            before = self._cost()
            self._work()
            self._took, self._ended = self._cost() - before, self._clock()
            self._due = False
