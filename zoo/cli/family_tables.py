"""The networks of a family as rows: what each takes, weighs, and whether it can be compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.text import Text

from bench.system.display import BAD, LINE_CELLS, short
from registry.catalog import Catalog
from registry.errors import RegistryError
from zoo.cli.list_tables import shape_text, text_table

MOST_COUNTED = 100  # networks that are built, on the meta device, for their parameters: 0.2 s each


def look(catalog: Catalog, family: str, match: str) -> list[dict[str, Any]]:
    """Return a row for each member of `family` that `match` matches, telling how far it is.

    Raises:
        RegistryError: there is no such family, or no such member.
    """
    names = catalog.members(family, match)
    counted, rows = len(names) <= MOST_COUNTED, []
    with Console(stderr=True).status("", spinner="line") as status:
        for number, name in enumerate(names):
            status.update(Text(f"{name} ({number + 1} of {len(names)})"))
            rows.append(_row(catalog, name, counted))
    return rows


def members_table(rows: Sequence[Mapping[str, Any]]) -> RenderableType:
    """Return the rows as a table; the reasons against those that can't be compared below it."""
    texts = []
    for row in rows:
        figure = "" if row["parameters"] is None else f"{row['parameters']:,}"
        figure = "unsuitable" if row["unsuitable"] else figure
        shape = shape_text(row["input_shape"] or ())
        texts.append((row["name"], shape, figure, row["weights"]))
    columns = ("name", "input", "parameters", "trained weights")
    table = text_table(columns, texts, right=("parameters",))
    reasons = [
        Text(f"✗ {short(row['unsuitable'], LINE_CELLS)}", style=BAD)
        for row in rows
        if row["unsuitable"]
    ]
    return Group(table, *reasons)


def _row(catalog: Catalog, name: str, counted: bool) -> dict[str, Any]:
    row: dict[str, Any] = {
        "name": name,
        "input_shape": None,
        "parameters": None,
        "weights": "",
        "source": "",
        "counted": counted,
        "unsuitable": None,
    }
    try:
        described = catalog.described(name)
        row |= {name: getattr(described, name) for name in ("input_shape", "weights", "source")}
        if counted:
            row["parameters"] = catalog.entry(name).value.contract.parameters
    except RegistryError as error:
        row["unsuitable"] = str(error)
    return row
