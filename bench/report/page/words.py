"""The verdict and what stands beside it, in sentences."""

from __future__ import annotations

from collections.abc import Mapping

from bench.analysis.columns import rows_of
from bench.analysis.frame import BASELINE
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
    groups = results.pairwise.groups
    if not groups:
        return f"{labels[best]} is ahead, but that is no verdict yet."
    letters = set(groups.get(results.pairwise.best or best, ""))
    leading = [name for name in tested if letters & set(groups.get(name, ""))] or [best]
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
    chance = percent(rows[BASELINE]["test_accuracy"])
    told = f"always naming the most frequent class is right for {chance}."
    if finite(rows[best]["test_accuracy"]) is None or best == BASELINE:
        return f"{told[0].upper()}{told[1:]}"
    share, low, high = (rows[best][f"test_accuracy{end}"] for end in ("", "_low", "_high"))
    about = "" if finite(low) is None else f" (95 %: {percent_range(low, high)})"
    return f"{labels[best]} got {percent(share)}{about} of the test photographs right; {told}"


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
