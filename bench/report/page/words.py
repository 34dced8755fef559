"""The verdict and what stands beside it, in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench.analysis.frame import BASELINE, rows_of
from bench.analysis.results import Results
from bench.report.page.figure import finite
from bench.report.table import disclosure_lines
from bench.system.display import join_names, percent, percent_range


def headline(results: Results, labels: Mapping[str, str]) -> str:
    """Return in one sentence who won, as far as that can be said."""
    rows = {row["model"]: row for row in rows_of(results.frame)}
    tested = [name for name in labels if finite(rows[name]["test_accuracy"]) is not None]
    if not tested:
        return "Nothing was measured yet." if results.unfinished else "Nothing was measured."
    best = tested[0]
    if len(tested) == 1:
        return f"{labels[best]} gets {percent(rows[best]['test_accuracy'])} right."
    leading = _leading(results, tested)
    if not results.pairwise.groups:
        return f"{labels[best]} is ahead, but that is no verdict yet."
    if len(leading) == 1:
        return f"{labels[best]} is the best."
    names = join_names([labels[name] for name in leading])
    if len(leading) == len(tested):
        return f"{names} can't be told apart."
    return f"{names} lead and can't be told apart."


def lead(results: Results, labels: Mapping[str, str]) -> str:
    """Return how good the best model is, and how good no model at all would be."""
    rows = {row["model"]: row for row in rows_of(results.frame)}
    best = next(iter(labels), BASELINE)
    told = f"{_chance(rows)}."
    if finite(rows[best]["test_accuracy"]) is None or best == BASELINE:
        return told[0].upper() + told[1:]
    return f"{labels[best]} got {_accuracy(rows[best])} of the test photographs right; {told}"


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


def _leading(results: Results, tested: Sequence[str]) -> list[str]:
    """Return the best model and those that share a letter with it."""
    groups = results.pairwise.groups
    letters = set(groups.get(results.pairwise.best or tested[0], ""))
    return [name for name in tested if letters & set(groups.get(name, ""))] or [tested[0]]


def _accuracy(row: Mapping[str, Any]) -> str:
    share = percent(row["test_accuracy"])
    if finite(row["test_accuracy_low"]) is None:
        return share
    return f"{share} (95 %: {percent_range(row['test_accuracy_low'], row['test_accuracy_high'])})"


def _chance(rows: Mapping[str, Mapping[str, Any]]) -> str:
    share = percent(rows[BASELINE]["test_accuracy"])
    return f"always naming the most frequent class is right for {share}"
