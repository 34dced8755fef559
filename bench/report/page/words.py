"""Sentences of the page: headline, lead and notes."""

from __future__ import annotations

from collections.abc import Mapping

from bench.analysis.columns import rows_of
from bench.analysis.frame import BASELINE
from bench.analysis.results import Results
from bench.analysis.stats.paired import LEVEL
from bench.analysis.verdict import Verdict
from bench.report.advice import SURE, advised, weakest
from bench.report.page.figure import finite
from bench.report.table import disclosure_lines
from bench.system.display import count_noun, percent, percent_range, round_points

_FEW = 3  # models; each pair of more needs a larger difference


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
    others = [
        each for model, each in results.pairwise.standings.accuracies.items() if model != best
    ]
    what = "the highest test accuracy," if others and share > max(others) else "a test accuracy of"
    return f"{best} has {what} {percent(share)}{about}. {baseline}"


def sureness(results: Results) -> str:
    """Return how sure the headline is; "" if that is not known."""
    ending, outcome, least = results.pairwise.standings.ending, results.outcome, weakest(results)
    if ending == "winner" and least is not None:
        return _won(least, looked=outcome is not None)
    if outcome is not None:
        return f"Seeds were added as long as they helped: {outcome.sentence}."
    if ending == "tie":
        return _undecided(results)
    if {len(each.seeds) for each in results.pairwise.answers.values()} == {1}:
        may = "one seed"
        if len(results.pairwise.answers) > 1:
            may = "each model has one seed, and another may reverse the order"
        return f"Not yet: {may}. The interval of one seed holds for other images only."
    return ""


def _won(least: Verdict, *, looked: bool) -> str:
    """Return how sure a winner is by its weakest verdict."""
    if looked:
        start, few, end = "If", LEVEL, " Seeds were added until that was clear."
    elif least.p <= SURE:
        start, few, end = "Very: if", SURE, ""
    else:
        start, few, end = "Just enough: if", LEVEL, ""
    low, high = round_points(least.found.low), round_points(least.found.high)
    return (
        f"{start} the models were equal, at most {percent(few, 0)} of such runs would say so.{end} "
        f"The lead on {least.second} is {low} to {high}."
    )


def _undecided(results: Results) -> str:
    """Return how large the difference of models that tie may be, and what would show more."""
    leading = results.pairwise.standings.leading
    pairs = [each.found for each in results.verdicts if {each.first, each.second} <= {*leading}]
    most = round_points(max(max(-each.low, each.high) for each in pairs))
    who = "They" if len(leading) == 2 else "Two of them"
    fewer = "fewer models, or with more seeds" if len(leading) > _FEW else "more seeds"
    return f"{who} may still differ by up to {most}. A new run with {fewer} or images shows more."


def next_step(results: Results) -> tuple[str, str] | None:
    """Return what to do next, and the command; None if nothing is left.

    The command names the folder alone, for a page may move.
    """
    found = advised(results, results.folder.name)
    return None if found is None else (f"{found.why[0].upper()}{found.why[1:]}:", found.command)


def notes(results: Results) -> list[str]:
    """Return notes that precede the figures, for example on an unfinished run."""
    found = []
    if results.unfinished:
        remain = "remains" if results.unfinished == 1 else "remain"
        left = f"{results.unfinished} of {count_noun(results.planned, 'trial')} {remain}"
        found.append(f"This run is unfinished: {left}. The page shows its results so far.")
    if results.planned and not results.pairwise.answers:
        found.append("No trial has predictions yet, so there are no verdicts and no mistakes.")
    return found + [f"{line[0].upper()}{line[1:]}." for line in disclosure_lines(results.frame)]
