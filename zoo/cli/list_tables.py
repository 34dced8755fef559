"""Tables of the command line that need no torch."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Column, Table
from rich.text import Text

from bench.runs.run_options import OPTIONS
from bench.system.display import BAD, GOOD, LINE_CELLS, join_names, percent, short
from registry.architecture import Architecture
from registry.catalog import Catalog
from registry.claims import Entry
from registry.errors import RegistryError

if TYPE_CHECKING:
    from bench.runs.predict import Prediction
    from zoo.diagnostics.doctor import Finding

MOST_COUNTED = 100  # networks to build, on the meta device, to count their parameters: 0.2 s each
_WIDE = 130
_SHORT_NAME = 24  # cells: fits on any terminal, so it is not folded
_WHOLE = 10**6  # cells: longer than any name
_SIGNS = {"fine": ("✓", GOOD), "note": ("!", ""), "wrong": ("✗", BAD)}


def as_row(entry: Entry[Architecture]) -> dict[str, object]:
    """Return an architecture as a plain value: its contract, source and origin."""
    contract = entry.found.contract if entry.found else None
    return {
        "name": entry.name,
        "input_shape": contract and contract.input_shape,
        "output_shape": contract and contract.output_shape,
        "parameters": contract and contract.parameters,
        "source": entry.found.source if entry.found else "",
        "origin": str(entry.origin),
        "broken": entry.broken,
    }


def render(entries: Sequence[Entry[Architecture]], long: bool, width: int) -> RenderableType:
    """Return the table of `zoo list`, at most `width` characters wide.

    A broken architecture has a row, and its reason below. With `long`, there are the sources: on a
    narrow terminal below the table, else in it.
    """
    wide = long and width >= _WIDE
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
        f"{short(each.name)}: {short(each.broken, LINE_CELLS)}" for each in entries if each.broken
    ]
    sources = Table.grid(padding=(0, 2))
    for entry in entries:
        sources.add_row(Text(f"  {short(entry.name)}"), Text(_source(entry), style="dim"))
    return Group(table, *_failures(broken), *([sources] if long and not wide else []))


def _failures(reasons: Iterable[str]) -> list[Text]:
    return [Text(f"✗ {reason}", style=BAD) for reason in reasons]


def _source(entry: Entry[Architecture]) -> str:
    source = entry.found.source if entry.found else "broken: see its reason"
    return short(source, LINE_CELLS)


def text_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    right: Container[str] = (),
    cells: int = LINE_CELLS,
) -> Table:
    """Return a table of untrusted texts; the columns `right` are right-aligned.

    A cell that is too wide for a terminal is folded.
    """
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in columns:
        table.add_column(name, justify="right" if name in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(short(text, cells)) for text in row))
    return table


def library_sentences(counts: Mapping[str, int]) -> Iterator[str]:
    """Yield how many networks the libraries have, by family, and how to see them."""
    if counts:
        each = join_names([f"{count:,} of {name}" for name, count in counts.items()])
        yield f"and {sum(counts.values()):,} networks of libraries: {each}."
    yield "`zoo list --family timm --match 'resnet*'` lists some of them"


def origins(entries: Sequence[Entry[Architecture]], width: int) -> RenderableType:
    """Return the distribution, version and constructor of each architecture."""
    rows = []
    for entry in entries:
        origin, found = entry.origin, entry.found
        how = "editable" if origin.editable else "yes"
        constructor = found.constructor if found else f"broken: {entry.broken}"
        rows.append((entry.name, origin.distribution, origin.version, how, constructor))
    return text_table(("name", "distribution", "version", "installed", "constructor"), rows)


def kinds_table(rows: Sequence[Mapping[str, Any]], noun: str) -> RenderableType:
    """Return a row for each value of the kind `noun`: its name, origin and source."""
    sources = [f"broken: {row['broken']}" if row["broken"] else row["source"] for row in rows]
    cells = [(row["name"], row["origin"], what) for row, what in zip(rows, sources, strict=True)]
    return text_table((noun, "from", "what"), cells)


def option_rows() -> list[dict[str, str]]:
    """Return a row for each option of a run: its flags, name in a file, values and meaning."""
    return [
        {
            "option": ", ".join(option.flags),
            "name": option.name,
            "allowed": option.allowed,
            "default": option.default_text,
            "meaning": option.text,
        }
        for option in OPTIONS.values()
    ]


def options_table(width: int) -> RenderableType:
    """Return the rows of `option_rows` as a table; on a narrow terminal, as a list."""
    rows = option_rows()
    if width >= _WIDE:
        columns = ("option", "in a file", "allowed", "default", "meaning")
        return text_table(columns, [list(row.values()) for row in rows])
    parts: list[RenderableType] = []
    for row in rows:
        default = f"; default: {row['default']}" if row["default"] else ""
        head = Text(f"{row['option']}  ({row['name']}: {row['allowed']}{default})")
        parts += [head, Padding(Text(row["meaning"], style="dim"), (0, 0, 0, 4), expand=False)]
    return Group(*parts)


def look(catalog: Catalog, family: str, match: str) -> list[dict[str, Any]]:
    """Return a row for each member of `family` that matches `match`; show progress on stderr.

    Raises:
        RegistryError: there is no such family or member.
    """
    names = catalog.members(family, match)
    counted, rows = len(names) <= MOST_COUNTED, []
    with Console(stderr=True).status("", spinner="line") as status:
        for number, name in enumerate(names):
            status.update(Text(f"{name} ({number + 1} of {len(names)})"))
            rows.append(_member_row(catalog, name, counted))
    return rows


def members_table(rows: Sequence[Mapping[str, Any]]) -> RenderableType:
    """Return the rows as a table; below it, why some networks cannot be compared."""
    texts = []
    for row in rows:
        figure = "" if row["parameters"] is None else f"{row['parameters']:,}"
        figure = "unsuitable" if row["unsuitable"] else figure
        shape = shape_text(row["input_shape"] or ())
        texts.append((row["name"], shape, figure, row["weights"]))
    columns = ("name", "input", "parameters", "trained weights")
    table = text_table(columns, texts, right=("parameters",))
    reasons = [short(row["unsuitable"], LINE_CELLS) for row in rows if row["unsuitable"]]
    return Group(table, *_failures(reasons))


def findings_table(findings: Sequence[Finding]) -> RenderableType:
    """Return the findings of `zoo doctor`, a line each; problems are last, and counted."""
    grid = Table.grid(Column(no_wrap=True), Column(overflow="fold"), padding=(0, 2))
    for finding in sorted(findings, key=lambda each: each.level == "wrong"):
        sign, style = _SIGNS[finding.level]
        about = Text(f"{sign} {short(finding.about)}", style=style)
        grid.add_row(about, Text(short(finding.text, LINE_CELLS)))
    wrong = sum(finding.level == "wrong" for finding in findings)
    verdict = Text(f"{wrong} to fix" if wrong else "no problems", style=BAD if wrong else GOOD)
    return Group(grid, verdict)


def predictions_table(predictions: Iterable[Prediction]) -> RenderableType:
    """Return a row for each photograph and network: class and probability.

    There is a column for seeds if they differ, and one for folds if there are any. No cell is cut.
    """
    rows = [
        (each.photo, each.model, each.seed, each.fold, each.predicted, percent(each.probability))
        for each in predictions
    ]
    seeds, folds = ({row[column] for row in rows} for column in (2, 3))
    columns = {"photo": 0, "model": 1, "seed": 2, "fold": 3, "class": 4, "probability": 5}
    hidden = {"seed": len(seeds) < 2, "fold": folds <= {None}}
    shown = {name: index for name, index in columns.items() if not hidden.get(name)}
    cells = [["" if row[i] is None else str(row[i]) for i in shown.values()] for row in rows]
    right = ("seed", "fold", "probability")
    table = text_table(tuple(shown), cells, right=right, cells=_WHOLE)
    table.padding = (0, 1)
    for column in table.columns:
        column.no_wrap = column.header in right
    return table


def runs_table(rows: Sequence[Mapping[str, Any]]) -> RenderableType:
    """Return a row for each run: its name, its progress, and what it compares."""
    texts = []
    for row in rows:
        cells = [row["name"], row["state"]]
        if "trials" in row:
            cells += [f"{row['finished']}/{row['trials']}", str(row["failed"] or "")]
            cells += [row["started"].replace("T", " ")[:16], row["title"]]
        texts.append(cells)
    columns = ("run", "state", "done", "failed", "started", "what")
    table = text_table(columns, texts, right=("done", "failed"))
    table.columns[0].no_wrap = all(cell_len(row["name"]) <= _SHORT_NAME for row in rows)
    return table


def shape_text(shape: Sequence[int]) -> str:
    """Return a shape as text: 3x224x224."""
    return "x".join(f"{size:,}" for size in shape)


def _member_row(catalog: Catalog, name: str, counted: bool) -> dict[str, Any]:
    row: dict[str, Any] = {"name": name, "input_shape": None, "parameters": None}
    row |= {"weights": "", "source": "", "counted": counted, "unsuitable": None}
    try:
        described = catalog.described(name)
        row |= {name: getattr(described, name) for name in ("input_shape", "weights", "source")}
        if counted:
            row["parameters"] = catalog.entry(name).value.contract.parameters
    except RegistryError as error:
        row["unsuitable"] = str(error)
    return row


def _cells(entry: Entry[Architecture]) -> tuple[str, ...]:
    if entry.found is None:
        return entry.name, "", "broken", "", str(entry.origin)
    contract = entry.found.contract
    shape, output = shape_text(contract.input_shape), shape_text(contract.output_shape)
    return entry.name, shape, f"{contract.parameters:,}", output, str(entry.origin)
