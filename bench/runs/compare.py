"""Comparison of two stored runs: `bench.compare` and `zoo compare`."""

from __future__ import annotations

from pathlib import Path

from bench.analysis.comparison import RunComparison, compare_stored
from bench.runs.stored_runs import RunName, name_of, stored_run


def compare(
    base: RunName,
    new: RunName,
    *,
    runs: str | Path = "runs",
    tolerance: float = 0.0,
    across_recipes: bool = False,
) -> RunComparison:
    """Return the changes from one run to another.

    Args:
        base: run before the change: its folder, name in `runs`, number, or results.
        new: run after the change, given as `base`.
        runs: folder of the run folders.
        tolerance: accepted loss of accuracy, 0 to 1, even if it is certain.
        across_recipes: whether to compare runs of different recipes.

    Returns:
        Changes of each model in accuracy, time and parameters.

    Raises:
        IncomparableError: no model is in both runs with equal images, split and recipe.
        RunError: a run does not exist, or its records are unreadable.
    """
    before, after = (stored_run(name_of(run), Path(runs)) for run in (base, new))
    return compare_stored(before, after, tolerance, across_recipes=across_recipes)
