"""A process that ends when the one that began it does."""

from __future__ import annotations

import ctypes
import signal
import sys
from contextlib import suppress

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def die_with_parent() -> None:
    """Have the system kill this process when its parent ends; elsewhere the pipe's end must do.

    Linux means the thread that has begun it: that one must live as long as this process is needed.
    """
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
