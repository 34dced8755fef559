"""What a search came to, as a person and as a program reads it."""

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
    "accuracy is of images held out of the training part, on which the choice was made: it "
    "flatters, and is no test accuracy"
)


def render(outcome: Outcome) -> RenderableType:
    """Return the configurations, the best first, and below what is chosen and how sure that is."""
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in ("configuration", "held out", "95 % interval", "training"):
        table.add_column(heading, justify="right", no_wrap=True)
    first = outcome.tried[0].recipe.name if outcome.tried else "the first"
    table.add_column(f"other than {first}")
    for each in sort_configurations(outcome.tried):
        changes = describe_changes(outcome.tried[0].recipe, each.recipe)
        table.add_row(str(each.number), *_figures(each), f"{each.seconds:,.1f} s",
                      short(changes or "nothing", LINE_CELLS))  # fmt: skip
    title = f"{', '.join(outcome.models)}: {len(outcome.tried)} configurations"
    lines = [Text(short(line, LINE_CELLS)) for line in sentences(outcome)]
    return Group(Text(short(title, LINE_CELLS), style="bold"), table, *lines)


def sort_configurations(tried: tuple[Configuration, ...]) -> list[Configuration]:
    """Return the configurations, the most accurate first, those that failed last."""
    return sorted(tried, key=lambda each: (each.correct is None, -each.accuracy, each.number))


def sentences(outcome: Outcome) -> list[str]:
    """Return what is chosen, how sure that is, and what the figures are not."""
    if outcome.choice is None:
        return ["nothing is chosen"]
    return [_chosen_text(outcome.choice), _confidence_text(outcome.choice), _FLATTERED]


def as_json(outcome: Outcome) -> dict[str, Any]:
    """Return all as plain values, shares 0 to 1."""
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
        return f"chosen: configuration {taken.number}, among {len(choice.tried)}"
    why = "the best" if choice.best is first else "kept, as no other can be told from it"
    return f"chosen: {first.recipe.name}, among {len(choice.tried)}: {why}"


def _confidence_text(choice: Choice) -> str:
    first, gain = choice.tried[0].recipe.name, choice.gain
    if gain is None:
        better = choice.best is choice.tried[0]
        return f"nothing was better than {first}" if better else f"{first} itself failed"
    figures = points_interval(gain.difference, gain.low, gain.high)
    among = f"{len(choice.tried) - 1} compared with {first}, p = {choice.p:.2g}"
    of = "about other photographs alone" if gain.seeds == 1 else f"{gain.seeds} seeds"
    told = "is better than" if choice.told_apart else "can't be told from"
    kept = choice.taken is not choice.best
    advice = "; --take-best takes it all the same" if kept else ""
    return f"configuration {choice.best.number} {told} {first}: {figures}; {among}; {of}{advice}"
