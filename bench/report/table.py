"""The comparison as a person reads it: on a terminal and in Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bench.report.display import BAD, GOOD, LINE_CELLS, markdown, short
from bench.report.frame import BASELINE

_COLUMNS = (
    "model",
    "accuracy",
    "95 % interval",
    "seeds",
    "to the best",
    "group",
    "validation",
    "best epoch",
    "training",
    "images/s",
    "data wait",
    "memory",
    "parameters",
    "contract",
)
TEXT_COLUMNS = frozenset({"model", "group", "contract"})
_COMPARED = ("to the best", "group")  # left out where nothing was compared
_ONLY_WIDE = ("validation", "best epoch", "images/s", "data wait", "memory")
_NEEDS = (  # characters a line
    {"seeds": 90} | dict.fromkeys(_ONLY_WIDE, 143) | dict.fromkeys(_COMPARED, 160)
)


def render(
    frame: pd.DataFrame, title: str, width: int, sentences: Sequence[str] = ()
) -> RenderableType:
    """Return the table for a terminal `width` characters wide, `sentences`, and all failures.

    A narrow terminal gets accuracy, time and parameters; the files of the run hold the rest.
    """
    shown = [name for name in _columns(frame) if width >= _NEEDS.get(name, 0)]
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in shown:
        left = name in TEXT_COLUMNS
        table.add_column(name, justify="left" if left else "right", no_wrap=True)
    for row in _rows(frame):
        cells = {name: Text(short(text)) for name, text in zip(_COLUMNS, _cells(row), strict=True)}
        contract = cells["contract"]
        contract.stylize(GOOD if contract.plain.startswith("✓") else BAD)
        style = "dim" if row["model"] == BASELINE else ""
        table.add_row(*(cells[name] for name in shown), style=style)
    told = [Text(short(line, LINE_CELLS)) for line in sentences]
    told += [Text(f"✗ {short(line, LINE_CELLS)}", style=BAD) for line in failures(frame)]
    told += [Text(f"≠ {short(line, LINE_CELLS)}", style=BAD) for line in marked(frame)]
    return Group(Text(short(title, LINE_CELLS), style="bold"), table, *told)


def failures(frame: pd.DataFrame) -> list[str]:
    """Return one line for each model of which a trial failed, as it was told."""
    return [
        f"{row['model']} {row['status']}: {row['error']}" for row in _rows(frame) if row["error"]
    ]


def marked(frame: pd.DataFrame) -> list[str]:
    """Return one line for each model whose figures can't be compared with the others'."""
    return [
        f"{row['model']} is not comparable: {row['marks']}" for row in _rows(frame) if row["marks"]
    ]


def as_markdown(frame: pd.DataFrame, title: str, sentences: Sequence[str] = ()) -> str:
    """Return the same table in Markdown, `sentences` and failures below it."""
    shown = _columns(frame)
    sides = [":--" if name in TEXT_COLUMNS else "--:" for name in shown]
    lines = [f"# {markdown(title)}", "", markdown_row(shown), f"| {' | '.join(sides)} |"]
    for row in _rows(frame):
        cells = dict(zip(_COLUMNS, _cells(row), strict=True))
        lines.append(markdown_row([cells[name] for name in shown]))
    lines += ["", *(f"- {markdown(line)}" for line in sentences)]
    lines += [*(f"- ✗ {markdown(line)}" for line in failures(frame))]
    lines += [f"- ≠ {markdown(line)}" for line in marked(frame)]
    return "\n".join(lines).rstrip() + "\n"


def shown_cells(frame: pd.DataFrame) -> tuple[list[str], list[dict[str, str]]]:
    """Return the columns that have something to say, and the cells of each row by column."""
    rows = [dict(zip(_COLUMNS, _cells(row), strict=True)) for row in _rows(frame)]
    return _columns(frame), rows


def markdown_row(cells: Sequence[str]) -> str:
    """Return one row of a Markdown table, each cell shown letter by letter."""
    return f"| {' | '.join(markdown(cell) for cell in cells)} |"


def _columns(frame: pd.DataFrame) -> list[str]:
    """Return the columns that have something to say."""
    left_out: set[str] = set() if frame["difference_to_best"].notna().any() else {*_COMPARED}
    if not (frame["seeds"] > 1).any():
        left_out.add("seeds")
    return [name for name in _COLUMNS if name not in left_out]


def _rows(frame: pd.DataFrame) -> list[Mapping[str, Any]]:
    return frame.to_dict("records")  # type: ignore[return-value]


def _cells(row: Mapping[str, Any]) -> list[str]:
    return [
        f"{row['model']} ≠" if row["marks"] else str(row["model"]),
        _percent(row["test_accuracy"]),
        _spread(row),
        _number(row["seeds"], "{:.0f}"),
        _to_best(row),
        "" if pd.isna(row["group"]) else str(row["group"]),
        _percent(row["validation_accuracy_last"]),
        _percent(row["validation_accuracy_best"]),
        _number(row["train_seconds"], "{:,.1f} s"),
        _number(row["train_images_per_second"], "{:,.0f}"),
        _percent(row["data_wait_share"]),
        _megabytes(row["peak_bytes"]),
        _number(row["parameters"], "{:,.0f}"),
        _contract(row),
    ]


def _percent(value: Any) -> str:
    return _number(value, "{:.1%}").replace("%", " %")


def _number(value: Any, form: str) -> str:
    return "" if value is None or pd.isna(value) else form.format(value)


def _megabytes(value: Any) -> str:
    return "" if value is None or pd.isna(value) else f"{value / 1e6:,.0f} MB"


def _spread(row: Mapping[str, Any]) -> str:
    if not pd.isna(row["test_accuracy_low"]):
        return f"{row['test_accuracy_low'] * 100:.1f} to {row['test_accuracy_high'] * 100:.1f}"
    if not pd.isna(row["test_accuracy_deviation"]):
        return f"± {row['test_accuracy_deviation'] * 100:.1f}"
    return "" if row["status"] == "ok" else str(row["status"])  # out-of-memory, say


def _to_best(row: Mapping[str, Any]) -> str:
    """Return the difference in points; the best model has no interval."""
    if pd.isna(row["difference_low"]):
        return "" if pd.isna(row["difference_to_best"]) else "best"
    return f"{row['difference_to_best'] * 100:+.1f}"


def _contract(row: Mapping[str, Any]) -> str:
    if row["status"] == "baseline":
        return ""
    if str(row["contract"]).startswith("verified"):
        shown = pd.isna(row["test_accuracy"])  # then the status stands in a figure's place
        return "✓" if row["status"] == "ok" or shown else f"✓ ({row['status']})"
    return f"✗ {row['contract']}"
