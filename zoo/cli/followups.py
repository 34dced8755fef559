"""What the commands after the table share: their options, and how they print what they found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bench.system.display import LINE_CELLS, short
from zoo.cli.output import print_json, print_rendered, say

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import RenderableType

    from bench.report.followup_file import Followup

Trust = Annotated[
    bool,
    typer.Option("--trust", help="Let a run of somebody else run files that it names."),
]
_SIGNS = {"better": "✓", "right": "✓", "level": "=", "failed": "✗", "wrong": "✗", "marked": "≠"}


def print_followup(found: Followup, run: str, runs: Path, *, as_json: bool) -> None:
    """Print what was found: as JSON, or as title, sentences and tables; the page on stderr."""
    from bench.report.followup_file import followup_json
    from bench.runs.run_folder import RunFolder

    if as_json:
        print_json(followup_json(found))
        return
    print_rendered(_rendered(found))
    page = RunFolder.find(run, runs).path / "report.html"
    if page.is_file():
        say(f"Report: {page}")


def _rendered(found: Followup) -> RenderableType:
    from rich.console import Group
    from rich.text import Text

    from zoo.cli.list_tables import text_table

    parts: list[RenderableType] = [Text(short(found.title, LINE_CELLS), style="bold")]
    if found.lead:
        parts.append(Text(short(found.lead, LINE_CELLS)))
    for table in found.tables:
        parts += [Text(f"\n{short(table.title, LINE_CELLS)}")]
        parts += [text_table(table.head, table.rows, right=table.head[1:])]
    if found.lines:
        parts.append(Text())
    parts += [
        Text(f"{_SIGNS.get(each.kind, '·')} {short(each.text, LINE_CELLS)}") for each in found.lines
    ]
    parts += [Text(short(note, LINE_CELLS), style="dim") for note in found.notes]
    return Group(*parts)
