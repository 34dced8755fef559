"""Render the result of a search as a table and as JSON."""

from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bench.system.display import LINE_CELLS, percent, percent_range, points_interval, short
from bench.training.spec import as_plain
from bench.tune.choice import Choice, interval
from bench.tune.search import Outcome
from bench.tune.space import describe_changes
from bench.tune.study import Configuration

_FLATTERED = (
    "accuracy is on images held out of the training part, which also decided the choice: it is "
    "optimistic, and is no test accuracy"
)


def render(outcome: Outcome) -> RenderableType:
    """Return the configurations, best first, then the choice and how certain it is."""
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in ("configuration", "held out", "95 % interval", "training"):
        table.add_column(heading, justify="right", no_wrap=True)
    first = outcome.tried[0].recipe.name if outcome.tried else "the first"
    table.add_column(f"changes to {first}")
    for each in sort_configurations(outcome.tried):
        changes = describe_changes(outcome.tried[0].recipe, each.recipe)
        table.add_row(str(each.number), *_figures(each), f"{each.seconds:,.1f} s",
                      short(changes or "none", LINE_CELLS))  # fmt: skip
    title = f"{', '.join(outcome.models)}: {len(outcome.tried)} configurations"
    lines = [Text(short(line, LINE_CELLS)) for line in sentences(outcome)]
    return Group(Text(short(title, LINE_CELLS), style="bold"), table, *lines)


def sort_configurations(tried: tuple[Configuration, ...]) -> list[Configuration]:
    """Return the configurations, most accurate first, failed ones last."""
    return sorted(tried, key=lambda each: (each.correct is None, -each.accuracy, each.number))


def sentences(outcome: Outcome) -> list[str]:
    """Return the choice, how certain it is, and the limits of the figures, as sentences."""
    if outcome.choice is None:
        return ["no recipe is chosen"]
    return [_chosen_text(outcome.choice), _confidence_text(outcome.choice), _FLATTERED]


def as_json(outcome: Outcome) -> dict[str, Any]:
    """Return the outcome as plain values, shares 0 to 1."""
    choice = outcome.choice
    return {
        "models": list(outcome.models),
        "folder": str(outcome.folder),
        "found": as_plain(outcome.found),
        "configurations": [_row(each) for each in sort_configurations(outcome.tried)],
        "best": choice and choice.best.number,
        "taken": choice and choice.taken.number,
        "gain": choice and as_plain(choice.gain),
        "p": choice and choice.p,
        "told_apart": choice and choice.told_apart,
        "sentences": sentences(outcome),
    }


def _row(each: Configuration) -> dict[str, Any]:
    failed = each.correct is None
    low, high = (None, None) if failed else interval(each)
    return {
        "number": each.number,
        "status": each.status,
        "held_out_accuracy": None if failed else each.accuracy,
        "held_out_accuracy_low": low,
        "held_out_accuracy_high": high,
        "train_seconds": each.seconds,
        "folder": str(each.folder),
        "recipe": as_plain(each.recipe),
    }


def _figures(each: Configuration) -> tuple[str, str]:
    if each.correct is None:
        return each.status, ""
    return percent(each.accuracy), percent_range(*interval(each))


def _chosen_text(choice: Choice) -> str:
    first, taken = choice.tried[0], choice.taken
    if taken is not first:
        return f"chosen: configuration {taken.number} of {len(choice.tried)}"
    why = "the best" if choice.best is first else "kept, since no other is clearly better"
    return f"chosen: {first.recipe.name}, of {len(choice.tried)} configurations: {why}"


def _confidence_text(choice: Choice) -> str:
    first, gain = choice.tried[0].recipe.name, choice.gain
    if gain is None:
        better = choice.best is choice.tried[0]
        return f"nothing was better than {first}" if better else f"{first} failed"
    figures = points_interval(gain.difference, gain.low, gain.high)
    among = f"{len(choice.tried) - 1} compared with {first}, p = {choice.p:.2g}"
    of = "for other images only, with 1 seed" if gain.seeds == 1 else f"{gain.seeds} seeds"
    told = "is better than" if choice.told_apart else "shows no clear difference from"
    kept = choice.taken is not choice.best
    advice = "; --take-best chooses it anyway" if kept else ""
    return f"configuration {choice.best.number} {told} {first}: {figures}; {among}; {of}{advice}"
