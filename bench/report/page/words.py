"""The verdict and what stands beside it, in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench.analysis.frame import BASELINE
from bench.analysis.results import Results
from bench.report.page.figure import finite
from bench.report.table import disclosure_lines


def headline(results: Results, labels: Mapping[str, str]) -> str:
    """Return in one sentence who won, as far as that can be said."""
    rows = _rows_by_model(results)
    tested = [name for name in labels if finite(rows[name]["test_accuracy"]) is not None]
    if not tested:
        return "Nothing was measured yet." if results.unfinished else "Nothing was measured."
    best = tested[0]
    if len(tested) == 1:
        return f"{labels[best]} gets {rows[best]['test_accuracy'] * 100:.1f} % right."
    leading = _leading(results, tested)
    if not results.pairwise.groups:
        return f"{labels[best]} is ahead, but that is no verdict yet."
    if len(leading) == 1:
        return f"{labels[best]} is the best."
    names = _join_names([labels[name] for name in leading])
    if len(leading) == len(tested):
        return f"{names} can't be told apart."
    return f"{names} lead and can't be told apart."


def lead(results: Results, labels: Mapping[str, str]) -> str:
    """Return how good the best model is, and how good no model at all would be."""
    rows = _rows_by_model(results)
    best = next(iter(labels), BASELINE)
    told = f"{_chance(rows)}."
    if finite(rows[best]["test_accuracy"]) is None or best == BASELINE:
        return told[0].upper() + told[1:]
    return f"{labels[best]} got {_percent(rows[best])} of the test photographs right; {told}"


def notes(results: Results) -> list[str]:
    """Return what a reader must know before the figures: that a run is not done, say."""
    found = []
    if results.unfinished:
        left = f"{results.unfinished} of {results.planned} trials are left to be done"
        found.append(f"This run is not finished: {left}. What stands here is what it has so far.")
    if results.planned and not results.pairwise.answers:
        found.append(
            "No trial has answered the test photographs, so there are no verdicts and no mistakes "
            "to look at."
        )
    seeds = {len(each.seeds) for each in results.pairwise.answers.values()}
    if seeds == {1}:
        found.append(
            "Each model was trained once. How much its accuracy would differ in another training "
            "is not known: use --seeds 6 or more for a verdict."
        )
    return found + [f"{line[0].upper()}{line[1:]}." for line in disclosure_lines(results.frame)]


def _rows_by_model(results: Results) -> dict[str, Mapping[str, Any]]:
    return {row["model"]: row for row in results.frame.to_dict("records")}  # type: ignore[misc]


def _leading(results: Results, tested: Sequence[str]) -> list[str]:
    """Return the best model and those that share a letter with it."""
    groups = results.pairwise.groups
    letters = set(groups.get(results.pairwise.best or tested[0], ""))
    return [name for name in tested if letters & set(groups.get(name, ""))] or [tested[0]]


def _percent(row: Mapping[str, Any]) -> str:
    share = f"{row['test_accuracy'] * 100:.1f} %"
    if finite(row["test_accuracy_low"]) is None:
        return share
    low, high = row["test_accuracy_low"] * 100, row["test_accuracy_high"] * 100
    return f"{share} (95 %: {low:.1f} to {high:.1f})"


def _chance(rows: Mapping[str, Mapping[str, Any]]) -> str:
    share = rows[BASELINE]["test_accuracy"] * 100
    return f"always naming the most frequent class is right for {share:.1f} %"


def _join_names(names: Sequence[str]) -> str:
    if len(names) < 3:
        return " and ".join(names)
    if len(names) > 6:
        return f"{', '.join(names[:5])} and {len(names) - 5} more"
    return f"{', '.join(names[:-1])} and {names[-1]}"
