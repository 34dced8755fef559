"""The live table on a terminal while trials run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from bench.runs.eta import Line, RunProgress
from bench.system.display import BAD, GOOD, duration, percent, short_name, short_names

_BETWEEN = 0.5  # seconds between redraws; each takes some milliseconds
_FRAME_LINES = 7  # lines of the terminal that hold no model
_HEADINGS = ("model", "state", "validation", "accuracy", "training")
_LEFT_OUT = ("validation", "training")  # dropped in this order for lack of room
_NAME_CELLS, _LEAST_NAME = 40, 12


class LiveTable:
    """Draws the progress at the bottom of the terminal, at most twice a second; lines go above.

    It redraws only after a change, so it needs no thread and takes no time from training.
    """

    def __init__(
        self, board: RunProgress, console: Console, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.board = board
        self._console, self._clock = console, clock
        self._live = Live(
            console=console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            get_renderable=lambda: render(board, *console.size),
        )
        self._last = -_BETWEEN

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show the table within this context, and remove it at the end."""
        with self._live:
            self._live.refresh()
            yield

    def changed(self) -> None:
        """Redraw, unless the last redraw was just before."""
        now = self._clock()
        if now - self._last >= _BETWEEN:
            self._last = now
            self._live.refresh()

    def say(self, text: str) -> None:
        """Print a line above the table."""
        self._console.print(Text(text), soft_wrap=True)


def render(board: RunProgress, width: int, height: int) -> RenderableType:
    """Return the table, with the total progress and the time left below it."""
    lines = board.lines()
    shown = lines[: max(1, height - _FRAME_LINES)]
    rows = [_cells(line) for line in shown]
    room = {name: 2 + max(len(name), *(row[name].cell_len for row in rows)) for name in _HEADINGS}
    for name in _LEFT_OUT:
        if 1 + sum(room.values()) > width:
            del room[name]
    beside = 1 + sum(room.values()) - room["model"]
    names = short_names(
        [line.model for line in shown], min(_NAME_CELLS, max(_LEAST_NAME, width - beside - 2))
    )
    for row, name in zip(rows, names, strict=True):
        row["model"] = Text(name)
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in room:
        left = name in ("model", "state")
        table.add_column(name, justify="left" if left else "right", no_wrap=True)
    for line, cells in zip(shown, rows, strict=True):
        style = "dim" if line.state == "waiting" else ""
        table.add_row(*(cells[name] for name in room), style=style)
    more = [Text(f" and {len(lines) - len(shown)} more")] * (len(lines) > len(shown))
    return Group(table, *more, Text(f" {summary(board)}"))


def summary(board: RunProgress) -> str:
    """Return the number of finished trials, and the estimated time left if known."""
    done = f"{board.done} of {board.planned} trials done"
    left = board.steady_time_left()
    if left is None:
        return done
    seconds, whole = left
    return f"{done}, {'about' if whole else 'at least'} {duration(seconds)} left"


def _cells(line: Line) -> dict[str, Text]:
    state = Text(line.state)
    if line.state.startswith(("✓", "✗")):
        state.stylize(GOOD if line.state.startswith("✓") else BAD)
    spread = "" if line.deviation is None else f" ± {line.deviation:,.1f}"
    return {
        "model": Text(short_name(line.model, _NAME_CELLS)),
        "state": state,
        "validation": Text(percent(line.validation)),
        "accuracy": Text(percent(line.accuracy)),
        "training": Text("" if line.seconds is None else f"{line.seconds:,.1f}{spread} s"),
    }
