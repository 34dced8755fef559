"""Where the time of each trial went, as a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bench.system.display import short

PARTS = ("start-up", "first weights", "compile", "data wait", "forward", "backward", "optimizer",
         "other", "evaluation")  # wall seconds that add up to the trial  # fmt: skip
_NAME_CELLS = 40
_NOTE = (
    "Seconds. Start-up to evaluation are wall time and add up. Beside the steps, the threads that "
    "make batches take CPU time: read is getting pixels, from the cache or by decoding; transform "
    "is crop, resize, normalise. Training: the passes alone. Ceiling: the same steps on one fixed "
    "batch, and the share of them that it is."
)


def render_profile(frame: pd.DataFrame) -> RenderableType:
    """Return a table for a terminal: one column a trial, one row a part."""
    table = Table(box=SIMPLE_HEAD)
    table.add_column("where the time went")
    rows = frame.to_dict("records")
    for row in rows:
        table.add_column(Text(trial_name(row)), justify="right")
    for name in (*PARTS, "read (CPU)", "transform (CPU)", "training", "ceiling"):
        table.add_row(name, *(f"{row[name]:,.2f}" for row in rows))
    table.add_row("ceiling / training", *(f"{row['ceiling_share']:.1%}" for row in rows))
    return Group(table, Text(_NOTE, style="dim"))


def trial_name(row: Mapping[Any, Any]) -> str:
    """Return what a trial is called: model, seed, and its fold if it has one."""
    fold = f", fold {row['fold']}" if "fold" in row else ""
    return f"{short(row['model'], _NAME_CELLS)}, seed {row['seed']}{fold}"
