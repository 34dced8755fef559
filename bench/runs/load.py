"""Results of a stored run for Python: `bench.load`."""

from __future__ import annotations

from pathlib import Path

from bench.runs.run_results import RunResults
from bench.runs.stored_runs import read_run


def load(run: int | str | Path, *, runs: str | Path = "runs") -> RunResults:
    """Return the results of a stored run so far; nothing is written or trained.

    Args:
        run: folder of the run, its name in `runs`, or its number.
        runs: folder of the run folders.

    Raises:
        RunError: the run does not exist, or its records are unreadable.
    """
    return read_run(str(run), Path(runs))
