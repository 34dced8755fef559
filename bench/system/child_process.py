"""Child processes: they end with their parent, and within limits where the system has them."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_LOOK_SECONDS = 1.0  # between looks at the parent, where the system does not tell of its end


def die_with_parent() -> None:
    """Let this process end when its parent does: Linux kills it, elsewhere a thread looks.

    For Linux, the parent is the thread that started it: that thread must live as long.
    """
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        return
    threading.Thread(target=_end_after_parent, args=(os.getppid(),), daemon=True).start()


def _end_after_parent(parent: int) -> None:
    import psutil  # 20 ms

    with suppress(psutil.Error):
        process = psutil.Process(parent)
        while process.is_running() and os.getppid() == parent:
            time.sleep(_LOOK_SECONDS)
    os._exit(1)


def can_limit_memory() -> bool:
    """Return whether the system keeps to a limit of a process's own memory: Linux alone does."""
    return resource is not None and sys.platform == "linux"


def limit_data(most_bytes: int, *, for_good: bool) -> None:
    """Limit this process to `most_bytes` to allocate, where `can_limit_memory`.

    Code and mapped files do not count. With `for_good`, it cannot raise the limit again.
    """
    if not can_limit_memory():
        return
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    most = most_bytes if hard == resource.RLIM_INFINITY else min(most_bytes, hard)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_DATA, (most, most if for_good else hard))


def forbid_core_file() -> None:
    """Let a crash of this process write no copy of its memory, which takes seconds."""
    if resource is not None:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def be_first_to_be_killed() -> None:
    """Let the kernel of Linux kill this process first when memory is short."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


def end_after(cpu_seconds: float, seconds: float) -> None:
    """End this process after so much CPU time or time, where there are timers; 0 for neither.

    The default action of these signals ends a process even inside C code.
    """
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_PROF, cpu_seconds)
        signal.setitimer(signal.ITIMER_REAL, seconds)


def ended_by_timer(code: int) -> bool:
    """Return whether the CPU time of `end_after` has ended a process with exit `code`."""
    return hasattr(signal, "SIGPROF") and code == -signal.SIGPROF


@contextmanager
def ctrl_c_blocked() -> Iterator[None]:
    """Let processes that start meanwhile inherit, where possible, that Ctrl-C does not reach them.

    It is for those of a library; ours start by `start_apart`.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
