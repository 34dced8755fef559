"""Available memory, and the memory that this process uses."""

from __future__ import annotations

import sys
from pathlib import Path

import psutil

from bench.system.child_process import be_first_to_be_killed, can_limit_memory, limit_data

try:
    import resource
except ImportError:  # not a POSIX system
    resource = None  # type: ignore[assignment]

_CGROUP = Path("/sys/fs/cgroup")
_PROCESS_BYTES = 1_500_000_000  # of a process with torch and some batches
_PARAMETER_BYTES = 24  # weight, gradient, two moments, and copies of the weights, of four bytes


def available_bytes(cgroup: Path = _CGROUP) -> int:
    """Return the bytes usable without swapping, of the machine or its container.

    Memory of cached files counts as free, because the system releases it on demand.
    """
    machine = int(psutil.virtual_memory().available)
    try:
        limit = int((cgroup / "memory.max").read_text(encoding="ascii"))
        used = int((cgroup / "memory.current").read_text(encoding="ascii"))
        cached = _statistic((cgroup / "memory.stat").read_text(encoding="ascii"), "inactive_file")
    except (OSError, ValueError):  # no container limit, or another system
        return machine
    return min(machine, limit - used + cached)


def expected_bytes(parameters: int) -> int:
    """Return the estimated peak memory of training a network with so many parameters.

    `lenet` (46 M) used 2.7 GB, `alexnet` (42 M) 3.1 GB; the size of activations is not known.
    """
    return _PROCESS_BYTES + _PARAMETER_BYTES * parameters


def peak_bytes() -> int | None:
    """Return the peak memory of this process, including pages of mapped files; None if unknown.

    On Linux it is VmHWM, which starts with the program; `ru_maxrss` includes the parent's.
    """
    try:
        status = Path("/proc/self/status").read_text(encoding="utf-8")
        lines = (line.split() for line in status.splitlines())
        return next(int(line[1]) * 1024 for line in lines if line and line[0] == "VmHWM:")
    except (OSError, StopIteration):
        if resource is None:
            return getattr(psutil.Process().memory_info(), "peak_wset", None)  # of Windows
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024


def limit_memory(limit: int) -> None:
    """Limit this process to `limit` bytes of its own, where the system supports it.

    A larger request then fails with an error. Otherwise the machine stalls until the kernel kills
    something. This process also becomes the first one to kill.
    """
    if can_limit_memory():
        limit_data(limit, for_good=False)
        be_first_to_be_killed()


def kernel_kills(cgroup: Path = _CGROUP) -> int:
    """Return how many processes of this container the kernel killed for lack of memory."""
    try:
        return _statistic((cgroup / "memory.events").read_text(encoding="ascii"), "oom_kill")
    except (OSError, ValueError):
        return 0


def _statistic(text: str, name: str) -> int:
    lines = map(str.split, text.splitlines())
    return next((int(value) for key, value in lines if key == name), 0)
