"""How much memory is free for this process."""

from __future__ import annotations

from pathlib import Path

import psutil

_CGROUP = Path("/sys/fs/cgroup")


def available_bytes(cgroup: Path = _CGROUP) -> int:
    """Return how much can be used without swapping: the machine's, or the container's if less.

    Memory that holds cached files counts as free, since it is given back when it is needed.
    """
    machine = int(psutil.virtual_memory().available)
    try:
        limit = int((cgroup / "memory.max").read_text())
        used = int((cgroup / "memory.current").read_text())
        cached = _statistic((cgroup / "memory.stat").read_text(), "inactive_file")
    except (OSError, ValueError):  # no container limit, or another system
        return machine
    return min(machine, limit - used + cached)


def _statistic(text: str, name: str) -> int:
    return next(
        (int(value) for key, value in map(str.split, text.splitlines()) if key == name),
        0,
    )
