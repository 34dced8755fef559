"""The table in docs/columns.md that says what each column is: `make columns` writes it."""

from __future__ import annotations

from collections.abc import Sequence

from paths import ROOT

from bench.analysis.column import Column
from bench.analysis.columns import COLUMNS

PAGE = ROOT / "docs" / "columns.md"
_BEGIN, _END = "<!-- written by `make columns` -->\n", "<!-- end of what is written -->\n"
_HEAD = "| column | in the table | unit | meaning |\n| --- | --- | --- | --- |\n"
_LAST = "| `schema_version` | | | of this table; not in the rows of `comparison.json` |\n"


def written(page: str, columns: Sequence[Column] = COLUMNS) -> str:
    """Return `page` with the table of `columns` between its two marks."""
    head, begin, rest = page.partition(_BEGIN)
    _, end, tail = rest.partition(_END)
    if not begin or not end:
        raise SystemExit(f"{PAGE} has no {_BEGIN.strip()} and {_END.strip()}")
    return "".join([head, begin, "\n", _HEAD, *map(_row, columns), _LAST, "\n", end, tail])


def _row(column: Column) -> str:
    heading = column.heading
    if column.name.replace("_", " ") != heading:
        heading += f" (`{column.name}`)"
    cells = (f"`{column.key}`", heading, column.unit, column.meaning)
    return f"|{''.join(f' {cell} |' if cell else ' |' for cell in cells)}\n"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
