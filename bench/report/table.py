"""The comparison table: on a terminal, in Markdown, as HTML."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bench.analysis.column import Column, Row, missing
from bench.analysis.columns import (
    ALL,
    TABLE_COLUMNS,
    informative_columns,
    rows_of,
    select_columns,
)
from bench.analysis.frame import BASELINE
from bench.system.display import (
    BAD,
    GOOD,
    LINE_CELLS,
    count_noun,
    html_text,
    join_names,
    markdown,
    short,
    short_names,
)

_MATTER = 4  # priority of the columns that must fit beside model names
_SPACE = 2  # characters between two columns
_NAME_CELLS, _LEAST_NAME_CELLS = 60, 20
_MAJORITY = "(majority)"  # the row that always says the most frequent class


def render(
    frame: pd.DataFrame,
    title: str,
    width: int,
    sentences: Sequence[str] = (),
    names: Sequence[str] = (),
    *,
    whole: bool = False,
) -> RenderableType:
    """Return the table for a terminal of `width` characters, `sentences`, and all failures.

    Columns fill the width by priority: accuracy, its interval, gap and time first. With `names`
    exactly those columns are shown, at any width; print them with `crop=False`. With `all` each
    column is a line. `whole` models' names are never cut, even where the table gets wider. Raises
    RunError for an unknown column.
    """
    rows = rows_of(frame)
    asked: Sequence[Column] = select_columns(names) if names else TABLE_COLUMNS
    if asked == TABLE_COLUMNS:
        asked = informative_columns(frame)
    if ALL in names:
        tables, hidden = _transposed(rows, asked, width), []
    else:
        shown, tables = _table(rows, asked, width, chosen=bool(names), whole=whole)
        hidden = [column for column in asked if column not in shown]
    notes = [Text(short(line, LINE_CELLS)) for line in [*sentences, *disclosure_lines(frame)]]
    if hidden:
        notes.append(Text(_hidden_line(hidden, width), style="dim"))
    wrong = [f"{sign} {short(line, LINE_CELLS)}" for sign, line in signed_lines(frame)]
    below = notes + [Text(line, style=BAD) for line in wrong]
    return Group(Text(short(title, LINE_CELLS), style="bold"), *tables, *below)


def _table(
    rows: Sequence[Row], asked: Sequence[Column], width: int, *, chosen: bool, whole: bool
) -> tuple[Sequence[Column], list[Table]]:
    """Return the shown columns, and the table of them; `chosen` ones are all shown."""
    name_cells = _NAME_CELLS if chosen else _name_cells(rows, asked, width)
    cells = {column.name: _cells(column, rows, name_cells) for column in asked}
    widths = {column.name: max(map(cell_len, cells[column.name])) for column in asked}
    shown = asked if chosen else _fitting(asked, widths, width)
    beside = [widths[column.name] for column in shown if column.name != "model"]
    if not chosen and shown[0].name == "model":  # columns that are hidden leave room for names
        most = min(_NAME_CELLS, width - _width([0, *beside]))
        cells["model"] = _cells(shown[0], rows, max(name_cells, most))
    if whole:
        cells |= {each.name: _cells(each, rows, LINE_CELLS) for each in shown}
        widths |= {each.name: max(map(cell_len, cells[each.name])) for each in shown}
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.width = _width(widths[column.name] for column in shown) if chosen else None
    for column in shown:
        table.add_column(column.heading, justify="left" if column.words else "right", no_wrap=True)
    for place, row in enumerate(rows, start=1):
        texts = [(column, cells[column.name][place]) for column in shown]
        styled = (Text(text, style=_colour_of(text, column)) for column, text in texts)
        table.add_row(*styled, style="dim" if row["model"] == BASELINE else "")
    return shown, [table]


def _transposed(rows: Sequence[Row], asked: Sequence[Column], width: int) -> list[Table]:
    """Return tables with a line for each column, and as many models each as fit into `width`."""
    columns = [column for column in asked if column.name != "model"]
    first = ["", *(column.heading for column in columns)]
    models = [[_model_name(row), *(each.cell(row) for each in columns)] for row in rows]
    tables = list[Table]()
    while models:
        taken = 1
        while taken < len(models) and _width(_widths([first, *models[: taken + 1]])) <= width:
            taken += 1
        table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
        table.width = _width(_widths([first, *models[:taken]]))
        table.add_column(Text(first[0]), no_wrap=True)
        for model in models[:taken]:
            table.add_column(Text(model[0]), justify="right", no_wrap=True)
        for line in zip(first[1:], *(model[1:] for model in models[:taken]), strict=True):
            table.add_row(*map(Text, line))
        tables.append(table)
        models = models[taken:]
    return tables


def _widths(columns: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(cell_len, column)) for column in columns]


def _hidden_line(hidden: Sequence[Column], width: int) -> str:
    """Return how many columns are hidden, and the first of them, on one line."""
    start, end = count_noun(len(hidden), "more column"), "--columns all"
    names = ", ".join(column.name for column in sorted(hidden, key=lambda each: each.priority))
    room = width - len(f"{start}: , …: {end}")
    if len(names) > room:
        names = f"{names[: max(room, 0)].rpartition(', ')[0]}, …"
    return f"{start}: {names}: {end}" if room > 0 and names != ", …" else f"{start}: {end}"


def signed_lines(frame: pd.DataFrame) -> list[tuple[str, str]]:
    """Return signs and lines of models: ✗ for a failed trial, ≠ for a model not comparable."""
    rows = rows_of(frame)
    failed = [
        ("✗", f"{row['model']} {row['status']}: {row['error']}") for row in rows if row["error"]
    ]
    return failed + [
        ("≠", f"{row['model']} is not comparable: {row['marks']}") for row in rows if row["marks"]
    ]


def disclosure_lines(frame: pd.DataFrame) -> list[str]:
    """Return notes on groups of images, on figures chosen by validation, and on times."""
    found = []
    grouped = [row for row in rows_of(frame) if not missing(row.get("test_groups"))]
    if grouped:
        counted = count_noun(grouped[0]["test_groups"], "group")
        found.append(f"intervals count {counted}, not {grouped[0]['test_images']:,} images")
    if frame["selection"].any():
        found.append(
            "stopped by validation accuracy, best epoch tested: the validation accuracy is too "
            "high by selection, the test accuracy is not"
        )
    for settings, rows in frame[frame["trained_by"].astype(bool)].groupby("trained_by"):
        found.append(f"by its kind, {join_names([*rows['model']])}: {settings}")
    if frame["precision"].isin(["bfloat16", "float16"]).any():
        found += [
            f"matrix products in {precision!s}: {join_names([*rows['model']])}"
            for precision, rows in frame.groupby("precision")
            if precision
        ]
    if frame["budget_seconds"].notna().any():
        found.append("a budget of seconds: the number of steps depends on the machine")
    jobs = frame["jobs"].dropna()
    if len(jobs) and jobs.max() > 1:
        found.append(
            f"{jobs.max()} trials at a time: other trials slow down shared times, so compare them "
            "only with each other"
        )
    targets = frame["target_accuracy"].dropna()
    if len(targets):
        found.append(
            f"to the target: training seconds until validation accuracy first reaches "
            f"{targets.iloc[0] * 100:.4g} %; median over trials"
        )
    return found


def as_markdown(frame: pd.DataFrame, title: str, sentences: Sequence[str] = ()) -> str:
    """Return the table in Markdown with all informative columns, and the lines below it."""
    shown = informative_columns(frame)
    sides = [":--" if column.words else "--:" for column in shown]
    headings = markdown_row([column.heading for column in shown])
    lines = [f"# {markdown(title)}", "", headings, f"| {' | '.join(sides)} |"]
    lines += [markdown_row([column.cell(row) for column in shown]) for row in rows_of(frame)]
    lines += ["", *(f"- {markdown(line)}" for line in [*sentences, *disclosure_lines(frame)])]
    lines += [f"- {sign} {markdown(line)}" for sign, line in signed_lines(frame)]
    return "\n".join(lines).rstrip() + "\n"


def markdown_row(cells: Sequence[str]) -> str:
    """Return one row of a Markdown table, each cell escaped."""
    return f"| {' | '.join(markdown(cell) for cell in cells)} |"


def as_html(frame: pd.DataFrame, title: str, sentences: Sequence[str] = ()) -> str:
    """Return the table as escaped HTML, with `sentences` and failures below it."""
    shown = informative_columns(frame)
    head = "".join(_html_cell("th", column.heading, column) for column in shown)
    body = list[str]()
    for row in rows_of(frame):
        style = ' style="opacity: 0.6"' if row["model"] == BASELINE else ""
        texts = ((column, short(column.cell(row), _NAME_CELLS)) for column in shown)
        cells = "".join(_html_cell("td", text, column) for column, text in texts)
        body.append(f"<tr{style}>{cells}</tr>")
    below = [f"<div>{html_text(line)}</div>" for line in [*sentences, *disclosure_lines(frame)]]
    below += [
        f'<div style="color: {BAD}">{html_text(f"{sign} {line}")}</div>'
        for sign, line in signed_lines(frame)
    ]
    return (
        f"<div><strong>{html_text(title)}</strong></div>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>"
        f"{''.join(below)}"
    )


def _html_cell(tag: str, text: str, column: Column) -> str:
    style = f"text-align: {'left' if column.words else 'right'}; white-space: nowrap"
    if colour := _colour_of(text, column):
        style += f"; color: {colour}"
    return f'<{tag} style="{style}">{html_text(text)}</{tag}>'


def _colour_of(text: str, column: Column) -> str:
    return {"✓": GOOD, "✗": BAD}.get(text[:1], "") if column.name == "contract" else ""


PARTS = ("start-up", "first weights", "compile", "data wait", "forward", "backward", "optimizer",
         "other", "evaluation")  # wall seconds that add up to the trial  # fmt: skip
_PROFILE_NAME_CELLS = 40
_PROFILE_NOTE = (
    "Seconds. Start-up to evaluation are wall time and add up. The threads that make batches take "
    "CPU time: read gets pixels from the cache or decodes them; transform crops, resizes and "
    "normalises. Training: forward, backward and optimizer. Ceiling: the same steps on one fixed "
    "batch, also as a share of training."
)


def render_profile(frame: pd.DataFrame) -> RenderableType:
    """Return the time of each trial for a terminal: a column per trial, a row per part."""
    table = Table(box=SIMPLE_HEAD)
    table.add_column("where the time went")
    rows = frame.to_dict("records")
    for row in rows:
        table.add_column(Text(trial_name(row)), justify="right")
    for name in (*PARTS, "read (CPU)", "transform (CPU)", "training", "ceiling"):
        table.add_row(name, *(f"{row[name]:,.2f}" for row in rows))
    table.add_row("ceiling / training", *(f"{row['ceiling_share']:.1%}" for row in rows))
    return Group(table, Text(_PROFILE_NOTE, style="dim"))


def trial_name(row: Mapping[Any, Any]) -> str:
    """Return the name of a profiled trial: model, seed, and fold if any."""
    fold = f", fold {row['fold']}" if "fold" in row else ""
    return f"{short(row['model'], _PROFILE_NAME_CELLS)}, seed {row['seed']}{fold}"


def _name_cells(rows: Sequence[Row], asked: Sequence[Column], width: int) -> int:
    """Return the width for names beside the most important columns."""
    matter = [each for each in asked if each.priority <= _MATTER and each.name != "model"]
    taken = [max(map(cell_len, _cells(column, rows, 0))) for column in matter]
    return min(_NAME_CELLS, max(_LEAST_NAME_CELLS, width - _width([0, *taken])))


def _cells(column: Column, rows: Sequence[Row], name_cells: int) -> list[str]:
    """Return the texts of a column, its heading first."""
    if column.name == "model":
        return [column.heading, *short_names([*map(_model_name, rows)], name_cells)]
    return [column.heading, *(short(column.cell(row), _NAME_CELLS) for row in rows)]


def _model_name(row: Row) -> str:
    """Return the name of the row, `≠` if it has marks."""
    return _MAJORITY if row["model"] == BASELINE else TABLE_COLUMNS[0].cell(row)


def _fitting(asked: Sequence[Column], widths: Mapping[str, int], width: int) -> Sequence[Column]:
    """Return the columns of `asked` that fit into `width`, by priority."""
    taken: list[Column] = []
    for column in sorted(asked, key=lambda column: column.priority):
        room = _width(widths[each.name] for each in [*taken, column])
        if column.priority and room > width:  # later columns matter less
            break
        taken.append(column)
    return [column for column in asked if column in taken]


def _width(widths: Iterable[int]) -> int:
    """Return the width of a table: an edge, and each column with its space."""
    return 1 + sum(each + _SPACE for each in widths)
