"""The page on the chapter: a table a network, and what the printed loop gives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import mean, median
from typing import Protocol

import bench
from bench.recipe import Recipe
from bench.record import TrialRecord
from bench.results import Results
from registry.architecture import Architecture
from registry.errors import IncomparableError

_VALIDATED = 92
_HEAD = """# The chapter's result, explained

Written whole by `make chapter`, from runs that anyone with the photographs can repeat. The
textbook chapter trains a LeNet and an AlexNet on 400 photographs of cats and dogs and validates
them on 92: 50.0 % and 51.1 % after ten epochs, for which it blames the few photographs. With the
same photographs in the same order, the same networks and the same ten epochs, the reasons turn
out to be others.

## What was never trained

As the chapter's first loop is indented, its training phase is never run: it validates one
untrained network ten times, and all ten epochs have one loss. So its figure is a draw. Of {count}
untrained networks, seeds 0 to {last}, so many get so many of the 92 right:

{draws}

**46 of 92 is the chapter's 50.0 %**: {fifty}. And 47 of the 92 are dogs: whoever always says dog
is right for **47 of 92, the chapter's 51.1 %**. That is what its AlexNet says after ten epochs
with the printed recipe, in {majority} of {seeds} trainings here (first line of its table).

## One change at a time

Each line has all changes of the lines before it. *92* are the accuracies on the chapter's
validation photographs, least and greatest of {seeds} seeds; *others* is the mean accuracy on the
1,500 of the 2,002 photographs that are not among the chapter's 502, with its 95 % interval over
seeds and photographs. *Gain* is against the line before, the same seeds and photographs, in
points, with its own interval; *better* or *worse* where that is no chance (`zoo compare
--across-recipes`). Seconds are of training, medians of one machine.
"""


class _Step(Protocol):
    name: str
    what: str
    networks: tuple[Architecture, ...]
    recipe: Recipe


def page(steps: Sequence[_Step], results: Mapping[str, Results], untrained: Sequence[int]) -> str:
    """Return the whole page, in Markdown."""
    first = results[steps[0].name]
    alex = [record for record in first.records if record.model == "alexnet"]
    ends = [record.last.validation_accuracy for record in alex if record.last]
    at_majority = sum(round(accuracy * _VALIDATED) == 47 for accuracy in ends)
    counts = Counter(untrained)
    fifty = [str(seed) for seed, right in enumerate(untrained) if right == 46]
    head = _HEAD.format(
        count=len(untrained),
        last=len(untrained) - 1,
        draws="\n".join(_rows(["right of 92", "networks"], sorted(counts.items()))),
        fifty=f"seeds {', '.join(fifty)} give just that" if fifty else "no seed gave just that",
        majority=at_majority,
        seeds=len(alex),
    )
    parts = [head]
    for model in ("lenet", "alexnet"):
        taken = [s for s in steps if model in [network.name for network in s.networks]]
        parts.append(f"### {model}\n\n" + "\n".join(_table(model, taken, results)) + "\n")
        parts.append(_whole(model, taken, results))
    return "\n".join(parts)


def _whole(model: str, taken: Sequence[_Step], results: Mapping[str, Results]) -> str:
    """Return what all changes of the recipe give, the network being the same."""
    printed = [step for step in taken if step.recipe.name == "textbook"][-1]
    ended = next((step for step in taken if step.recipe.name == "default"), printed)
    before, after = results[printed.name], results[ended.name]
    gains = [
        100 * (new.last.validation_accuracy - old.last.validation_accuracy)
        for old, new in zip(_of(model, before), _of(model, after), strict=True)
        if old.last and new.last
    ]
    gain = _gain(model, before, after)
    return (
        f"**From `textbook` to `default`**, the network unchanged: {gain} on the others; on the "
        f"92 {mean(gains):+.1f}, of single seeds {min(gains):+.1f} to {max(gains):+.1f}.\n"
    )


def _of(model: str, results: Results) -> list[TrialRecord]:
    found = [record for record in results.records if record.model == model]
    return sorted(found, key=lambda record: record.spec.seed)


def _rows(header: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    lines = [header, ["--:" for _ in header], *rows]
    return ["| " + " | ".join(map(str, line)) + " |" for line in lines]


def _table(model: str, steps: Sequence[_Step], results: Mapping[str, Results]) -> list[str]:
    rows: list[list[str]] = []
    before: Results | None = None
    for step in steps:
        found = results[step.name]
        records = [record for record in found.records if record.model == model]
        validated = [r.last.validation_accuracy for r in records if r.last]
        row = found.frame[found.frame["model"] == model].iloc[0]
        tested = (
            f"{row.test_accuracy:.1%} ({row.test_accuracy_low:.1%} to {row.test_accuracy_high:.1%})"
        )
        spread = f"{min(validated):.1%} to {max(validated):.1%}"
        seconds = f"{median(record.train_seconds for record in records):.0f}"
        rows.append([step.what, spread, tested, _gain(model, before, found), seconds])
        before = found
    header = ["change", "92", "others", "gain", "seconds"]
    lines = _rows(header, rows)
    return [lines[0], "| --- | --: | --: | --: | --: |", *lines[2:]]


def _gain(model: str, before: Results | None, found: Results) -> str:
    if before is None:
        return ""
    try:
        compared = bench.compare(before, found, across_recipes=True)
    except IncomparableError:
        return "other photographs"
    change = next(each.accuracy for each in compared.changes if each.model == model)
    if change is None:
        return "not compared"
    told = change.found
    points = f"{100 * told.difference:+.1f} ({100 * told.low:+.1f} to {100 * told.high:+.1f})"
    return f"{points} {change.kind}" if change.kind in ("better", "worse") else points
