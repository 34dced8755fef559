"""Code in a Python of its own, which it may end."""

from __future__ import annotations

import subprocess
import sys


def run_in_new_process(
    code: str, *arguments: str, seconds: float
) -> subprocess.CompletedProcess[str]:
    """Return how `code` ended, and what it printed, in a new process.

    Raises:
        subprocess.TimeoutExpired: it took more than so many seconds, and was ended.
    """
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        errors="backslashreplace",
        timeout=seconds,
        check=False,
    )
