"""How long a process does nothing new: neither the machine's load nor a slow disk counts."""

from __future__ import annotations

import time

_WAITS_FOR_MACHINE = ("running", "disk-sleep")  # as psutil names them


class Patience:
    """Seconds that a process slept or computed since it last did something new.

    A process that is ready to run counts by its own processor time, and one that waits for the
    disk not at all. So an import on a loaded machine is not taken for one that hangs.
    """

    def __init__(self, pid: int) -> None:
        self.spent = 0.0
        self._pid = pid
        self._looked = time.monotonic()
        self._computed: float | None = None

    def renew(self) -> None:
        """Begin again: it did something new."""
        self.spent, self._looked, self._computed = 0.0, time.monotonic(), None

    def after_a_look(self) -> float:
        """Return the seconds until now."""
        import psutil  # 20 ms, and most imports need no look

        now = time.monotonic()
        try:
            process = psutil.Process(self._pid)
            times, status = process.cpu_times(), process.status()
        except psutil.Error:  # it has ended
            return self.spent
        computed = times.user + times.system
        elapsed, self._looked = now - self._looked, now
        before, self._computed = self._computed, computed
        if status in _WAITS_FOR_MACHINE:
            elapsed = min(elapsed, 0.0 if before is None else computed - before)
        self.spent += elapsed
        return self.spent
