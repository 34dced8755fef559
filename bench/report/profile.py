"""Where the time of each trial went, as a table and as a picture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bench.report.image_grid import NAME_CELLS, drawing
from bench.system.display import short

_PARTS = {  # wall seconds that add up to the trial, and their colours (Okabe-Ito, and grey)
    "start-up": "#000000",
    "first weights": "#999999",
    "compile": "#F0E442",
    "data wait": "#D55E00",
    "forward": "#0072B2",
    "backward": "#56B4E9",
    "optimizer": "#009E73",
    "other": "#CC79A7",
    "evaluation": "#E69F00",
}
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
        table.add_column(Text(_name(row)), justify="right")
    for name in (*_PARTS, "read (CPU)", "transform (CPU)", "training", "ceiling"):
        table.add_row(name, *(f"{row[name]:,.2f}" for row in rows))
    table.add_row("ceiling / training", *(f"{row['ceiling_share']:.1%}" for row in rows))
    return Group(table, Text(_NOTE, style="dim"))


def draw_profile(frame: pd.DataFrame, path: Path) -> None:
    """Draw one bar a trial to `path`, its parts one after the other; a mark at the ceiling."""
    with drawing(path, (10, 1.6 + 0.5 * len(frame)), dpi=120) as figure:
        axes = figure.subplots()
        places = range(len(frame))
        left = pd.Series(0.0, index=frame.index)
        for part, colour in _PARTS.items():
            axes.barh(places, frame[part], left=left, color=colour, label=part, height=0.6)
            left = left + frame[part]
        begun = frame["start-up"] + frame["first weights"] + frame["compile"]
        axes.plot(begun + frame["ceiling"], places, "|", color="black", ms=24, mew=2,
                  label="ceiling")  # fmt: skip
        axes.set_yticks(places, [_name(row) for row in frame.to_dict("records")])
        axes.set_xlabel("wall seconds of the trial; training could end at the ceiling")
        axes.invert_yaxis()
        axes.spines[["top", "right"]].set_visible(False)
        figure.legend(
            frameon=False, ncols=len(_PARTS) + 1, fontsize="small", loc="outside upper left"
        )


def _name(row: Mapping[Any, Any]) -> str:
    fold = f", fold {row['fold']}" if "fold" in row else ""
    return f"{short(row['model'], NAME_CELLS)}, seed {row['seed']}{fold}"
