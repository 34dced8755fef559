"""Sentences of the page: headline, lead and notes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from bench.analysis.columns import rows_of
from bench.analysis.frame import BASELINE
from bench.analysis.results import Results
from bench.report.advice import advice
from bench.report.page.figure import finite
from bench.report.table import disclosure_lines
from bench.system.display import count_noun, percent, percent_range


def headline(results: Results, labels: Mapping[str, str]) -> str:
    """Return the standings in words."""
    standings = results.pairwise.standings
    if standings.ending == "nothing":
        return "No results yet." if results.unfinished else "No results."
    return standings.headline(labels)


def lead(results: Results, labels: Mapping[str, str]) -> str:
    """Return the accuracies of the first model in the headline and of the majority class."""
    rows = {row["model"]: row for row in rows_of(results.frame)}
    best = next(iter((*results.pairwise.standings.leading, *labels)), BASELINE)
    chance = percent(rows[BASELINE]["test_accuracy"])
    baseline = f"Always predicting the majority class gets {chance}."
    if finite(rows[best]["test_accuracy"]) is None or best == BASELINE:
        return baseline
    share, low, high = (rows[best][f"test_accuracy{end}"] for end in ("", "_low", "_high"))
    about = "" if finite(low) is None else f" (95 %: {percent_range(low, high)})"
    return f"{labels[best]} has a test accuracy of {percent(share)}{about}. {baseline}"


def notes(results: Results) -> list[str]:
    """Return notes that precede the figures, for example on an unfinished run."""
    found = []
    if results.unfinished:
        remain = "remains" if results.unfinished == 1 else "remain"
        left = f"{results.unfinished} of {count_noun(results.planned, 'trial')} {remain}"
        found.append(f"This run is unfinished: {left}. The page shows its results so far.")
    if results.planned and not results.pairwise.answers:
        found.append("No trial has predictions yet, so there are no verdicts and no mistakes.")
    seeds = {len(each.seeds) for each in results.pairwise.answers.values()}
    if seeds == {1}:
        found.append("Each model was trained once, so the variation between seeds is not known.")
    if results.outcome is not None:
        found.append(f"Ending: {results.outcome.sentence}.")
    if more := advice(replace(results, folder=Path(results.folder.name))):  # a page may move
        found.append(f"For a verdict, {more}.")
    return found + [f"{line[0].upper()}{line[1:]}." for line in disclosure_lines(results.frame)]
