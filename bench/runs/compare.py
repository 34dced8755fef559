"""Comparison of two stored runs: `bench.compare` and `zoo compare`."""

from __future__ import annotations

from pathlib import Path

from bench.analysis.comparison import RunComparison, compare_stored
from bench.analysis.results import Results
from bench.runs.stored_runs import stored_run


def compare(
    base: int | str | Path | Results,
    new: int | str | Path | Results,
    *,
    runs: str | Path = "runs",
    tolerance: float = 0.0,
    across_recipes: bool = False,
) -> RunComparison:
    """Return what has changed from one run to another.

    Args:
        base: the run before: its folder, its name in `runs`, its number, or its results.
        new: the run after it.
        runs: where run folders are.
        tolerance: a loss of accuracy that is put up with, 0 to 1, however sure it is.
        across_recipes: compare what two recipes give, instead of refusing to.

    Raises:
        IncomparableError: no model can be compared: none is in both, or not with the same images,
            split and recipe.
        RunError: there is no such run, or its records can't be read.
    """
    before, after = (
        stored_run(str(run.folder if isinstance(run, Results) else run), Path(runs))
        for run in (base, new)
    )
    return compare_stored(before, after, tolerance, across_recipes=across_recipes)
