"""What has changed between two runs: a table for a person, plain values for a program."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Group, JustifyMethod, RenderableType
from rich.table import Table
from rich.text import Text

from bench.analysis.change import AccuracyChange, ModelChange, TimeChange
from bench.analysis.comparison import RunComparison
from bench.report.change_words import (
    accuracy_figures,
    notes,
    p_text,
    sentences,
    time_figures,
    verdict,
)
from bench.system.display import BAD, GOOD, LINE_CELLS, percent, points, short
from bench.training.spec import as_plain

SCHEMA_VERSION = 1
_ACCURACY = ("accuracy", "points", "95 % interval", "p", "seeds", "")
_COLUMNS = ("model", *_ACCURACY, "training", "time", "parameters")
_ONLY_WIDE = ("p", "seeds", "training")
_WIDE = 110  # characters a line
_NAME_CELLS = 24  # a longer name may be cut short
_SHOWN = {"same": "same", "level": "can't tell", "better": "✓ better", "worse": "✗ worse"}


def render(comparison: RunComparison, width: int) -> RenderableType:
    """Return the table for a terminal `width` characters wide, notes, and a last line.

    A narrow terminal gets accuracies with their intervals, times relative to BASE, and numbers of
    parameters only where they have changed.
    """
    rows, shown, room = _fit_columns(comparison, width)
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in shown:
        side: JustifyMethod = "left" if name in ("model", "") else "right"
        table.add_column(name, justify=side, no_wrap=True)
    worse = comparison.regressions()
    for cells in rows:
        texts = [short(cells.get(name, ""), 60 if name != "model" else room) for name in shown]
        style = BAD if cells["model"] in worse else ""
        table.add_row(*map(Text, texts), style=style)
    sides = (f"BASE {comparison.base}", f"NEW  {comparison.new}")
    heads = [Text(short(side, LINE_CELLS)) for side in sides]
    told = [Text(short(line, LINE_CELLS)) for line in notes(comparison)]
    last = verdict(comparison)
    style = f"bold {BAD if last.startswith('✗') else GOOD}"
    return Group(*heads, table, *told, Text(short(last, LINE_CELLS), style=style))


def _fit_columns(
    comparison: RunComparison, width: int
) -> tuple[list[dict[str, str]], list[str], int]:
    """Return the rows, the columns that say something, and the room for the names of models.

    The columns for a wide terminal stand back where names would be cut short for them.
    """
    names = [len(change.model) for change in comparison.changes]
    for wide in (True, False) if width >= _WIDE else (False,):
        rows = [_cells(change, wide=wide) for change in comparison.changes]
        shown = [name for name in _COLUMNS if any(row.get(name) for row in rows)]
        room = width - 2 - sum(2 + _column_width(name, rows) for name in shown)
        if room >= min(_NAME_CELLS, max(names)):
            break
    return rows, shown, room


def comparison_as_json(comparison: RunComparison, fail_on: Sequence[str] = ()) -> dict[str, Any]:
    """Return all of it as plain values, with the exit code for `fail_on`."""
    return {
        "schema_version": SCHEMA_VERSION,
        "base": str(comparison.base),
        "new": str(comparison.new),
        "models": [_model(change, comparison.tolerance) for change in comparison.changes],
        "only_base": list(comparison.only_base),
        "only_new": list(comparison.only_new),
        "differences": list(comparison.differences),
        "recipe_changes": list(comparison.recipe_changes),
        "unfinished": dict(zip(("base", "new"), comparison.unfinished, strict=True)),
        "tolerance": comparison.tolerance,
        "notes": notes(comparison),
        "verdict": verdict(comparison),
        "fail_on": list(fail_on),
        "regressions": as_plain(comparison.regressions()),
        "exit_code": comparison.exit_code(fail_on),
    }


def _column_width(name: str, rows: Sequence[dict[str, str]]) -> int:
    """Return the width that a column of figures takes; the models' names get the rest."""
    cells = [name, *(row.get(name, "") for row in rows)]
    return 0 if name == "model" else max(map(cell_len, cells))


def _model(change: ModelChange, tolerance: float) -> dict[str, Any]:
    accuracy, time = change.accuracy, change.time
    return {
        "model": change.model,
        "accuracy": accuracy and {**as_plain(accuracy), "kind": accuracy.kind},
        "time": time and {**as_plain(time), "ratio": time.ratio, "kind": time.kind},
        "parameters": dict(zip(("base", "new"), change.parameters, strict=True)),
        "failed": list(change.failed),
        "mended": change.mended,
        "not_compared": dict(change.unanswered),
        "regressions": list(change.regressions(tolerance)),
        "sentences": sentences(change),
    }


def _cells(change: ModelChange, *, wide: bool) -> dict[str, str]:
    cells = {"model": change.model, "parameters": _parameters(change, wide=wide)}
    if change.accuracy is not None:
        cells |= dict(zip(_ACCURACY, _accuracy_cells(change.accuracy), strict=True))
    else:
        cells |= {"accuracy": "mended" if change.mended else "", "": ""}
    if change.failed:
        cells[""] = "✗ failed"
    if change.time is not None:
        cells |= dict(zip(("training", "time"), _time_cells(change.time), strict=True))
    return {name: text for name, text in cells.items() if wide or name not in _ONLY_WIDE}


def _accuracy_cells(change: AccuracyChange) -> tuple[str, ...]:
    found, seeds = change.found, str(change.found.seeds)
    if change.kind == "same":
        return percent(change.base), "", "", "", seeds, "same"
    interval = f"{points(found.low)} to {points(found.high)}"
    p = p_text(change.p).removeprefix("= ")
    kind = _SHOWN[change.kind]
    return accuracy_figures(change), points(found.difference), interval, p, seeds, kind


def _time_cells(change: TimeChange) -> tuple[str, str]:
    seconds, more = time_figures(change)
    sign = {"slower": "✗ ", "faster": "✓ ", "level": ""}[change.kind]
    return seconds, f"{sign}{more}"


def _parameters(change: ModelChange, *, wide: bool) -> str:
    if added := change.added_parameters:
        return f"{'✗' if added > 0 else '✓'} {added:+,}"
    _, new = change.parameters
    return f"{new:,}" if wide and new is not None else ""
