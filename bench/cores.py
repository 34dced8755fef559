"""How many cores there are, for modules that need no torch."""

from __future__ import annotations

import os

from registry.errors import RunError


def default_threads() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def threads_each(jobs: int, threads: int | None) -> int:
    """Return the threads of each of `jobs` trials at a time: together no more than the cores.

    Raises:
        RunError: there are too few cores, or the `threads` that each is to have are too many.
    """
    cores = default_threads()
    if jobs > cores:
        raise RunError(
            f"--jobs {jobs} needs a core for each, and there are {cores}: "
            f"give --jobs {cores} or less"
        )
    if threads is not None and jobs > 1 and jobs * threads > cores:
        raise RunError(
            f"--jobs {jobs} with --threads {threads} needs {jobs * threads} cores, and there are "
            f"{cores}: leave --threads out to share them"
        )
    return threads or cores // jobs
