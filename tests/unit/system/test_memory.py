from __future__ import annotations

import psutil

from bench.system.memory import peak_bytes


def test_the_peak_is_what_the_process_held_in_bytes():
    """At least what it holds now, and no thousand times of it."""
    held = psutil.Process().memory_info().rss

    assert held <= peak_bytes() < 100 * held
