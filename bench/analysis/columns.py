"""All columns, in the order of the files and in the order of the table."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter

import pandas as pd

from bench.analysis.accuracy_columns import ACCURACY_COLUMNS
from bench.analysis.column import Column, Row
from bench.analysis.cost_columns import COST_COLUMNS
from bench.analysis.setup_columns import SETUP_COLUMNS
from registry.errors import RunError, did_you_mean

ALL = "all"
COLUMNS = (*ACCURACY_COLUMNS, *COST_COLUMNS, *SETUP_COLUMNS)
TABLE_COLUMNS = tuple(sorted((each for each in COLUMNS if each.name), key=attrgetter("place")))


def select_columns(names: Sequence[str]) -> tuple[Column, ...]:
    """Return the columns with these names, `model` first; `all` selects all columns.

    Raises:
        RunError: no column has that name; the message lists all names.
    """
    known = {column.name: column for column in TABLE_COLUMNS}
    for name in names:
        if name not in known and name != ALL:
            hint = did_you_mean(name, known)
            raise RunError(f"no column {name!r}.{hint} Columns: {', '.join(known)}; or {ALL}")
    if ALL in names:
        return TABLE_COLUMNS
    return tuple(known[name] for name in dict.fromkeys(("model", *names)))


def informative_columns(frame: pd.DataFrame) -> list[Column]:
    """Return the columns that are relevant for `frame` and not empty, in table order."""
    rows = rows_of(frame)
    return [each for each in TABLE_COLUMNS if any(map(each.cell, rows)) and each.relevant(frame)]


def rows_of(frame: pd.DataFrame) -> list[Row]:
    """Return the rows of `frame`, each with values by column key."""
    return frame.to_dict("records")  # type: ignore[return-value]
