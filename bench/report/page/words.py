"""Sentences of the page: headline, lead and notes."""

from __future__ import annotations

from collections.abc import Mapping

from bench.analysis.columns import rows_of
from bench.analysis.frame import BASELINE
from bench.analysis.look_sizes import LOOKS
from bench.analysis.results import Results
from bench.analysis.stats.paired import LEVEL
from bench.analysis.until_clear import Outcome
from bench.analysis.verdict import Verdict
from bench.report.advice import SURE, advised, weakest
from bench.report.page.figure import finite
from bench.report.repeat_command import run_path
from bench.report.table import disclosure_lines
from bench.system.display import count_noun, join_names, percent, percent_range, points

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
    standings = results.pairwise.standings
    best = next(iter((*standings.leading, *labels)), BASELINE)
    chance = rows[BASELINE]["test_accuracy"]
    if finite(rows[best]["test_accuracy"]) is None or best == BASELINE:
        return f"Always predicting the majority class gets {percent(chance)}."
    share, low, high = (rows[best][f"test_accuracy{end}"] for end in ("", "_low", "_high"))
    about = "" if finite(low) is None else f" (95 %: {percent_range(low, high)})"
    found = f"{percent(share)}{about}. {_beside_chance(share, finite(low), chance)}"
    others = [each for model, each in standings.accuracies.items() if model != best]
    if not others or share <= max(others):
        return f"{best} has a test accuracy of {found}"
    if standings.winner is None:
        return f"{best} has the highest test accuracy, perhaps by chance: {found}"
    return f"{best} has the highest test accuracy: {found}"


def _beside_chance(share: float, low: float | None, chance: float) -> str:
    """Return what an accuracy, with the lower end of its interval, is beside the baseline's."""
    always = "always predicting the majority class"
    if share <= chance:
        return f"That is no better than {always}: {percent(chance)}."
    if low is not None and low <= chance:
        return f"That is not clearly better than {always}: {percent(chance)}."
    return f"{always.capitalize()} gets {percent(chance)}."


def sureness(results: Results) -> str:
    """Return how sure the headline is; "" if that is not known."""
    ending, outcome, least = results.pairwise.standings.ending, results.outcome, weakest(results)
    if ending == "winner" and least is not None:
        return _won(least, looked=outcome is not None)
    if outcome is not None:
        return _looked(outcome)
    if ending in ("tie", "open"):
        return _undecided(results)
    if ending == "alone" and len(results.pairwise.standings.others) > 1:
        return "Not at all: a comparison needs two models with results."
    if {len(each.seeds) for each in results.pairwise.answers.values()} == {1}:
        if len(results.pairwise.answers) > 1:
            return "Not yet: each model has one seed, and another may reverse the order."
        return "Not yet: the interval of one seed holds for other images only."
    return ""


def _won(least: Verdict, *, looked: bool) -> str:
    """Return how sure a winner is by its weakest verdict."""
    if looked:
        start, few, end = "If", LEVEL, " Seeds were added until that was clear."
    elif least.p <= SURE:
        start, few, end = "Very: if", SURE, ""
    else:
        start, few, end = "Just enough: if", LEVEL, ""
    low, high = (points(end).removeprefix("+") for end in least.bounds)
    return (
        f"{start} the models were equally good, at most {percent(few, 0)} of such runs would show "
        f"so clear a lead.{end} The lead on {least.second} is {low} to {high} points."
    )


def _looked(outcome: Outcome) -> str:
    """Return how sure it is that models tie in a run that adds seeds until it is clear."""
    found = outcome.found
    if found.going_on:
        need = "needs" if len(found.going_on) == 1 else "need"
        seeds = LOOKS[outcome.number - 1]
        return f"Not yet: {join_names(found.going_on)} {need} more than {seeds} seeds."
    endings = {end for pair, end in found.endings.items() if not {*pair} & {*found.beaten}}
    if endings == {"same"}:
        return (
            f"Just enough: if the models differed by {outcome.points:g} points or more, at most "
            f"{percent(LEVEL, 0)} of such runs would call them the same."
        )
    more = max(found.more_images.values(), default=0)
    images = f"{count_noun(more, 'more test image')} may" if more else "more test images may"
    return f"Undecided: up to {LOOKS[-1]} seeds hardly show a difference; {images}."


def _undecided(results: Results) -> str:
    """Return how large the difference of models that tie may be, and what would show more."""
    leading = {*results.pairwise.standings.leading}
    pairs = [each for each in results.verdicts if each.kind != "better"]
    pairs = [each for each in pairs if {each.first, each.second} <= leading] or pairs
    if len(leading) > _FEW:
        return (
            f"Undecided: among {pairs[0].pairs} pairs some differ by chance, so only a large lead "
            "is clear. A new run with fewer models, or with more seeds or images, shows more."
        )
    most = max(pairs, key=_farthest)
    who = "they" if len(pairs) == 1 else f"{most.first} and {most.second}"
    return (
        f"Undecided: {who} may still differ by up to {points(_farthest(most))[1:]} points. A new "
        "run with more seeds or images shows more."
    )


def _farthest(verdict: Verdict) -> float:
    low, high = verdict.bounds
    return max(-low, high)


def next_step(results: Results) -> tuple[str, str] | None:
    """Return what to do next, and the command; None if nothing is left.

    The command is to be given where that of the run was, for a page may move.
    """
    found = advised(results, run_path(results.command, results.folder.name))
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
