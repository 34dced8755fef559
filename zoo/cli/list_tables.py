"""Tables of the command line that need no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bench.system.display import BAD, GOOD, LINE_CELLS, short
from registry.architecture import Architecture
from registry.claims import Entry

if TYPE_CHECKING:
    from bench.runs.predict import Prediction
    from zoo.diagnostics.finding import Finding

_WIDE = 130
_SIGNS = {"fine": ("✓", GOOD), "note": ("!", ""), "wrong": ("✗", BAD)}


def as_rows(entries: Sequence[Entry[Architecture]]) -> list[dict[str, object]]:
    """Return one plain value an architecture: its promises, its source, where it comes from."""
    return [_row(entry) for entry in entries]


def render(entries: Sequence[Entry[Architecture]], width: int) -> RenderableType:
    """Return the table of `zoo list`, `width` characters wide at most.

    A broken architecture keeps its row; its reason stands below. Where there is no room for the
    sources beside the figures, they stand below the table.
    """
    wide = width >= _WIDE
    table = Table(box=SIMPLE_HEAD, padding=(0, 1) if wide else (0, 1, 0, 0))
    rows = [tuple(short(cell) for cell in _cells(entry)) for entry in entries]
    for index, name in enumerate(("name", "input", "parameters", "output", "from")):
        right = name in ("parameters", "output")
        width_needed = max(len(name), *(cell_len(cells[index]) for cells in rows), 0)
        table.add_column(
            name,
            no_wrap=True,
            justify="right" if right else "left",
            min_width=None if name == "from" else width_needed,
        )
    if wide:
        table.add_column("source")
    for entry, row in zip(entries, rows, strict=True):
        cells = [*row, *([_source(entry)] if wide else [])]
        table.add_row(*(Text(cell) for cell in cells))
    broken = [
        Text(f"✗ {short(entry.name)}: {short(entry.broken, LINE_CELLS)}", style=BAD)
        for entry in entries
        if entry.broken
    ]
    return Group(table, *broken, *([] if wide else [_sources(entries)]))


def _sources(entries: Sequence[Entry[Architecture]]) -> RenderableType:
    grid = Table.grid(padding=(0, 2))
    for entry in entries:
        grid.add_row(Text(f"  {short(entry.name)}"), Text(_source(entry), style="dim"))
    return grid


def _source(entry: Entry[Architecture]) -> str:
    source = entry.found.source if entry.found else "broken: see its reason"
    return short(source, LINE_CELLS)


def origins(entries: Sequence[Entry[Architecture]]) -> RenderableType:
    """Return where each architecture comes from: distribution, version, constructor."""
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in ("name", "distribution", "version", "installed", "constructor"):
        table.add_column(name)
    for entry in entries:
        origin, found = entry.origin, entry.found
        how = "editable" if origin.editable else "yes"
        told = found.constructor if found else f"broken: {entry.broken}"
        cells = (entry.name, origin.distribution, origin.version, how, told)
        table.add_row(*(Text(short(cell)) for cell in cells))
    return table


def kinds_table(rows: Sequence[Mapping[str, Any]], noun: str) -> RenderableType:
    """Return one row for each thing called `noun`: its name, what it is, whose it is."""
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in (noun, "from", "what"):
        table.add_column(name)
    for row in rows:
        told = f"broken: {row['broken']}" if row["broken"] else row["source"]
        table.add_row(
            *(Text(short(cell, LINE_CELLS)) for cell in (row["name"], row["origin"], told))
        )
    return table


def findings_table(findings: Sequence[Finding]) -> RenderableType:
    """Return what `zoo doctor` has found, a line each, what is wrong last and counted."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for finding in sorted(findings, key=lambda each: each.level == "wrong"):
        sign, style = _SIGNS[finding.level]
        about = Text(f"{sign} {short(finding.about)}", style=style)
        grid.add_row(about, Text(short(finding.text, LINE_CELLS)))
    wrong = sum(finding.level == "wrong" for finding in findings)
    verdict = Text(f"{wrong} to be mended" if wrong else "all well", style=BAD if wrong else GOOD)
    return Group(grid, verdict)


def predictions_table(predictions: Sequence[Prediction]) -> RenderableType:
    """Return one row a picture and network: class and probability."""
    table = Table(box=SIMPLE_HEAD)
    for name in ("photo", "model", "class", "probability"):
        table.add_column(name, justify="right" if name == "probability" else "left")
    for prediction in predictions:
        cells = (prediction.photo, prediction.model, prediction.predicted)
        share = f"{prediction.probability:.1%}".replace("%", " %")
        table.add_row(*(Text(short(cell)) for cell in cells), share)
    return table


def runs_table(rows: Sequence[Mapping[str, Any]]) -> RenderableType:
    """Return one row a run: its name, how far it has come, and what it compares."""
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in ("run", "state", "done", "failed", "started", "what"):
        table.add_column(name, justify="right" if name in ("done", "failed") else "left")
    for row in rows:
        if "trials" not in row:
            table.add_row(Text(short(row["name"])), Text(short(row["state"])))
            continue
        done, failed = f"{row['finished']}/{row['trials']}", str(row["failed"] or "")
        started = row["started"].replace("T", " ")[:16]
        cells = (row["name"], row["state"], done, failed, started, row["title"])
        table.add_row(*(Text(short(cell)) for cell in cells))
    return table


def shape_text(shape: Sequence[int]) -> str:
    """Return a shape as people write it: 3x224x224."""
    return "x".join(f"{size:,}" for size in shape)


def _row(entry: Entry[Architecture]) -> dict[str, object]:
    architecture = entry.found
    contract = architecture.contract if architecture else None
    return {
        "name": entry.name,
        "input_shape": contract and contract.input_shape,
        "output_shape": contract and contract.output_shape,
        "parameters": contract and contract.parameters,
        "source": architecture.source if architecture else "",
        "origin": str(entry.origin),
        "broken": entry.broken,
    }


def _cells(entry: Entry[Architecture]) -> tuple[str, ...]:
    if entry.found is None:
        return entry.name, "", "broken", "", str(entry.origin)
    contract = entry.found.contract
    return (
        entry.name,
        shape_text(contract.input_shape),
        f"{contract.parameters:,}",
        shape_text(contract.output_shape),
        str(entry.origin),
    )
