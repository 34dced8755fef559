"""Whether a trial kept to its time budget: one that did not is marked, and not compared."""

from __future__ import annotations

from bench.system.options import format_seconds
from bench.training.record import TrialRecord

TOLERANCE = 1.05  # times the budget
INITIALIZATION_SHARE = 0.03  # of the budget, at most, to fit the first weights
NOT_FITTED = "its own first weights, since others would take too long"


def overruns(record: TrialRecord) -> tuple[str, ...]:
    """Return the mark of a finished trial that trained over 5 % longer than its budget."""
    budget = record.spec.recipe.seconds
    if budget is None or record.status != "ok" or record.spent_seconds <= TOLERANCE * budget:
        return ()
    return (f"trained {record.spent_seconds:.1f} s with a budget of {format_seconds(budget)}",)
