"""The table that fills in on a terminal while trials run."""

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
from bench.system.display import BAD, GOOD, percent, short

_BETWEEN = 0.5  # seconds between two drawings, each of which takes some milliseconds
_FRAME_LINES = 7  # of the terminal, which no model can have
_HEADINGS = ("model", "state", "validation", "accuracy", "training")
_LEFT_OUT = ("validation", "training")  # in this order, where there is no room
_NAME_CELLS = 40


class LiveTable:
    """Draws a board at the foot of the terminal, at most twice a second; what is said goes above.

    Nothing is drawn but when something changes, so it takes no thread and no time from training.
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
        """Draw in here; in the end, however it comes, nothing is left of it."""
        with self._live:
            self._live.refresh()
            yield

    def changed(self) -> None:
        """Draw anew, unless that was done just before."""
        now = self._clock()
        if now - self._last >= _BETWEEN:
            self._last = now
            self._live.refresh()

    def say(self, text: str) -> None:
        """Print a line above."""
        self._console.print(Text(text), soft_wrap=True)


def render(board: RunProgress, width: int, height: int) -> RenderableType:
    """Return the board as a table, and below it how far all is and how long it will take."""
    lines = board.lines()
    shown = lines[: max(1, height - _FRAME_LINES)]
    rows = [_cells(line) for line in shown]
    room = {name: 2 + max(len(name), *(row[name].cell_len for row in rows)) for name in _HEADINGS}
    for name in _LEFT_OUT:
        if 1 + sum(room.values()) > width:
            del room[name]
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
    """Return how many trials are done, and about how long the rest takes, if that is known."""
    done = f"{board.done} of {board.planned} trials done"
    left = board.time_left()
    if left is None:
        return done
    seconds, whole = left
    return f"{done}, {'about' if whole else 'at least'} {duration(seconds)} left"


def duration(seconds: float) -> str:
    """Return the time in words, rounded up: `a minute`, `12 min`, `2 h 10 min`."""
    minutes = int(-(-seconds // 60))
    if minutes <= 1:
        return "a minute"
    if minutes < 90:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def _cells(line: Line) -> dict[str, Text]:
    state = Text(line.state)
    if line.state.startswith(("✓", "✗")):
        state.stylize(GOOD if line.state.startswith("✓") else BAD)
    spread = "" if line.deviation is None else f" ± {line.deviation:,.1f}"
    return {
        "model": Text(short(line.model, _NAME_CELLS)),
        "state": state,
        "validation": Text(percent(line.validation)),
        "accuracy": Text(percent(line.accuracy)),
        "training": Text("" if line.seconds is None else f"{line.seconds:,.1f}{spread} s"),
    }
