"""The comparison as a person reads it: on a terminal and in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bench.analysis.column import Column, Row
from bench.analysis.frame import (
    BASELINE,
    TABLE_COLUMNS,
    informative_columns,
    rows_of,
    select_columns,
)
from bench.system.display import BAD, GOOD, LINE_CELLS, markdown, short

_MATTER = 1  # priority of the columns that names of models leave room for
_SPACE = 2  # between two columns
_NAME_CELLS, _LEAST_NAME_CELLS = 60, 16


def render(
    frame: pd.DataFrame,
    title: str,
    width: int,
    sentences: Sequence[str] = (),
    names: Sequence[str] = (),
) -> RenderableType:
    """Return the table for a terminal `width` characters wide, `sentences`, and all failures.

    Columns are taken as they matter, as far as there is room: accuracy, time and parameters first.
    Those of `names` are shown instead, however wide that is; to be printed with `crop=False`.

    Raises:
        RunError: there is no column of a name.
    """
    rows = rows_of(frame)
    asked = _select(frame, names)
    name_cells = _NAME_CELLS if names else _name_cells(rows, asked, width)
    cells = {column.name: _cells(column, rows, name_cells) for column in asked}
    widths = {column.name: max(map(cell_len, cells[column.name])) for column in asked}
    shown = asked if names else _fitting(asked, widths, width)
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.width = _width(widths[column.name] for column in shown) if names else None
    for column in shown:
        table.add_column(column.heading, justify="left" if column.words else "right", no_wrap=True)
    for place, row in enumerate(rows, start=1):
        texts = [_style_cell(column, cells[column.name][place]) for column in shown]
        table.add_row(*texts, style="dim" if row["model"] == BASELINE else "")
    return Group(Text(short(title, LINE_CELLS), style="bold"), table, *_below(frame, sentences))


def failure_lines(frame: pd.DataFrame) -> list[str]:
    """Return one line for each model of which a trial failed, as it was told."""
    return [
        f"{row['model']} {row['status']}: {row['error']}" for row in rows_of(frame) if row["error"]
    ]


def mark_lines(frame: pd.DataFrame) -> list[str]:
    """Return one line for each model whose figures can't be compared with the others'."""
    return [
        f"{row['model']} is not comparable: {row['marks']}"
        for row in rows_of(frame)
        if row["marks"]
    ]


def signed_lines(frame: pd.DataFrame) -> list[tuple[str, str]]:
    """Return these lines, each with its sign: ✗ for failures, ≠ for what can't be compared."""
    failed = [("✗", line) for line in failure_lines(frame)]
    return failed + [("≠", line) for line in mark_lines(frame)]


def disclosure_lines(frame: pd.DataFrame) -> list[str]:
    """Return what is to be known of figures that were chosen, or that time has decided."""
    found = []
    if frame["selection"].any():
        found.append(
            "stopped by validation accuracy, and the best epoch tested: that accuracy is "
            "flattered, the test's is not"
        )
    if frame["budget_seconds"].notna().any():
        found.append("a budget of seconds: the steps made in it depend on the machine")
    jobs = frame["jobs"].dropna()
    if len(jobs) and jobs.max() > 1:
        found.append(
            f"{jobs.max()} trials at a time: shared times are those of a machine with other trials "
            "on it, and can't be set beside others"
        )
    targets = frame["target_accuracy"].dropna()
    if len(targets):
        found.append(
            f"to the target: training seconds until an epoch first validated at "
            f"{targets.iloc[0] * 100:.4g} % or more; median over trainings"
        )
    return found


def as_markdown(frame: pd.DataFrame, title: str, sentences: Sequence[str] = ()) -> str:
    """Return the table in Markdown, with all columns that say something, and what is below it."""
    shown = informative_columns(frame)
    sides = [":--" if column.words else "--:" for column in shown]
    headings = markdown_row([column.heading for column in shown])
    lines = [f"# {markdown(title)}", "", headings, f"| {' | '.join(sides)} |"]
    lines += [markdown_row([column.cell(row) for column in shown]) for row in rows_of(frame)]
    lines += ["", *(f"- {markdown(line)}" for line in [*sentences, *disclosure_lines(frame)])]
    lines += [f"- {sign} {markdown(line)}" for sign, line in signed_lines(frame)]
    return "\n".join(lines).rstrip() + "\n"


def markdown_row(cells: Sequence[str]) -> str:
    """Return one row of a Markdown table, each cell shown letter by letter."""
    return f"| {' | '.join(markdown(cell) for cell in cells)} |"


def _select(frame: pd.DataFrame, names: Sequence[str]) -> Sequence[Column]:
    """Return the columns of `names`, in that order; without names, those that say something."""
    asked = select_columns(names) if names else TABLE_COLUMNS
    return informative_columns(frame) if asked == TABLE_COLUMNS else asked


def _name_cells(rows: Sequence[Row], asked: Sequence[Column], width: int) -> int:
    """Return the room for a name beside the figures that matter."""
    matter = [each for each in asked if each.priority <= _MATTER and each.name != "model"]
    taken = [max(map(cell_len, _cells(column, rows, 0))) for column in matter]
    return min(_NAME_CELLS, max(_LEAST_NAME_CELLS, width - _width([0, *taken])))


def _cells(column: Column, rows: Sequence[Row], name_cells: int) -> list[str]:
    """Return the texts of a column, its heading first."""
    most = name_cells if column.name == "model" else _NAME_CELLS
    return [column.heading, *(short(column.cell(row), most) for row in rows)]


def _fitting(asked: Sequence[Column], widths: Mapping[str, int], width: int) -> Sequence[Column]:
    """Return those of the columns `asked` that fit into `width`, as they matter."""
    taken: list[Column] = []
    for column in sorted(asked, key=lambda column: column.priority):
        room = _width(widths[each.name] for each in [*taken, column])
        if column.priority and room > width:  # what comes after matters less
            break
        taken.append(column)
    return [column for column in asked if column in taken]


def _width(widths: Iterable[int]) -> int:
    """Return the width of a table of columns so wide: an edge, and space after each."""
    return 1 + sum(each + _SPACE for each in widths)


def _style_cell(column: Column, text: str) -> Text:
    styles = {"✓": GOOD, "✗": BAD}
    return Text(text, style=styles.get(text[:1], "") if column.name == "contract" else "")


def _below(frame: pd.DataFrame, sentences: Sequence[str]) -> list[Text]:
    told = [Text(short(line, LINE_CELLS)) for line in [*sentences, *disclosure_lines(frame)]]
    wrong = [f"{sign} {short(line, LINE_CELLS)}" for sign, line in signed_lines(frame)]
    return told + [Text(line, style=BAD) for line in wrong]
