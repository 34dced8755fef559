"""The comparison as a notebook shows it: the table that a person reads, as HTML."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from bench.analysis.column import Column, Row
from bench.analysis.frame import BASELINE, informative_columns, rows_of
from bench.report.table import disclosure_lines, signed_lines
from bench.system.display import BAD, GOOD, html_text, short

_NAME_CELLS = 60


def as_html(frame: pd.DataFrame, title: str, sentences: Sequence[str] = ()) -> str:
    """Return the table with all columns that say something, `sentences` and failures below it.

    Names are shown letter by letter, whatever they are made of.
    """
    shown = informative_columns(frame)
    head = "".join(_cell("th", column.heading, column) for column in shown)
    body = "".join(_row(row, shown) for row in rows_of(frame))
    below = [f"<div>{html_text(line)}</div>" for line in [*sentences, *disclosure_lines(frame)]]
    below += [
        f'<div style="color: {BAD}">{html_text(f"{sign} {line}")}</div>'
        for sign, line in signed_lines(frame)
    ]
    return (
        f"<div><strong>{html_text(title)}</strong></div>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        f"{''.join(below)}"
    )


def _row(row: Row, shown: Sequence[Column]) -> str:
    style = ' style="opacity: 0.6"' if row["model"] == BASELINE else ""
    cells = "".join(_cell("td", short(column.cell(row), _NAME_CELLS), column) for column in shown)
    return f"<tr{style}>{cells}</tr>"


def _cell(tag: str, text: str, column: Column) -> str:
    style = f"text-align: {'left' if column.words else 'right'}; white-space: nowrap"
    if column.name == "contract" and text.startswith(("✓", "✗")):
        style += f"; color: {GOOD if text.startswith('✓') else BAD}"
    return f'<{tag} style="{style}">{html_text(text)}</{tag}>'
