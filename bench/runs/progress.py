"""What a waiting person sees on stderr: a table on a terminal, one line an epoch elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text
from tqdm.auto import tqdm

from bench.runs.eta import Line, RunProgress
from bench.system.display import BAD, GOOD, LINE_CELLS, percent, short
from bench.training.record import EpochRecord, TrialRecord
from bench.training.spec import TrialSpec

_BETWEEN = 0.5  # seconds between two drawings, each of which takes some milliseconds
_FRAME_LINES = 7  # of the terminal, which no model can have
_HEADINGS = ("model", "state", "validation", "accuracy", "training")
_LEFT_OUT = ("validation", "training")  # in this order, where there is no room
_NAME_CELLS = 40


class Progress:
    """Shows how trials go: by a table that fills in, while it is `showing` one, else by lines."""

    def __init__(self, *, shown: bool = True) -> None:
        self._shown = shown
        self._terminal = shown and sys.stderr.isatty()
        self._table: LiveTable | None = None

    def say(self, text: str) -> None:
        """Print one line of text."""
        line = short(text, LINE_CELLS)
        if self._table is not None:
            self._table.say(line)
        elif self._shown:
            tqdm.write(line, file=sys.stderr)

    def say_how_to_go_on(self, command: str) -> None:
        """Say what goes on with the run, should it be interrupted."""
        self.say(f"if it is interrupted: {command}")

    @contextmanager
    def showing(
        self, specs: Sequence[TrialSpec], records: Iterable[TrialRecord] = (), jobs: int = 1
    ) -> Iterator[None]:
        """Show a table of the trials `specs`, `jobs` at a time; `records` are there already.

        Where stderr is no terminal, or one that can only print, there is none.
        """
        console = Console(stderr=True)
        if not self._terminal or console.is_dumb_terminal:
            yield
            return
        table = LiveTable(RunProgress(specs, records, jobs=jobs), console)
        with table.shown():
            self._table = table
            try:
                yield
            finally:
                self._table = None

    def on_phase(self, record: TrialRecord) -> None:
        """Show what the trial does now."""
        self._update(lambda board: board.on_phase(record))

    def on_start(self, spec: TrialSpec, steps: int, done: int) -> None:
        """Show that training begins, so many of the steps done before."""
        if done:
            of = f" of {steps:,}" if steps else ""
            self.say(f"{_name(spec)}: going on after step {done:,}{of}")
        self._update(lambda board: board.on_start(spec, steps, done))

    def on_batch(self, spec: TrialSpec) -> None:
        """Count a step."""
        self._update(lambda board: board.on_batch(spec))

    def on_epoch(self, spec: TrialSpec, epoch: EpochRecord) -> None:
        """Show the epoch's figures, in the table or on a line."""
        self._update(lambda board: board.on_epoch(spec, epoch))
        if self._table is not None:
            return
        epochs = spec.recipe.epochs
        number = f"epoch {epoch.epoch}" + (f"/{epochs}" if epochs else f" of {spec.recipe.length}")
        accuracy = f"validation {epoch.validation_accuracy:.1%}"
        losses = f"loss {epoch.train_loss:.3f}, {epoch.validation_loss:.3f} in validation"
        self.say(f"{_name(spec)} {number}: {accuracy}, {losses}, {epoch.train_seconds:.1f} s")

    def on_end(self, record: TrialRecord) -> None:
        """Show how the trial ended; what went wrong is said beside a table, too."""
        self._update(lambda board: board.on_end(record))
        if record.status != "ok":
            self.say(f"✗ {_name(record.spec)} {record.status} ({record.phase}): {record.error}")
        elif self._table is None:
            accuracy = f"test accuracy {record.test_accuracy:.1%}"
            times = f"{record.spent_seconds:.1f} s training, {record.data_wait_share:.1%} of it"
            self.say(f"✓ {_name(record.spec)}: {accuracy}, {times} waiting for data")

    @contextmanager
    def counting(self, what: str, total: int) -> Iterator[Any]:
        """Yield a bar that counts to `total`; call its `update()`."""
        with tqdm(total=total, desc=what, leave=False, disable=not self._terminal) as bar:
            yield bar

    def _update(self, change: Callable[[RunProgress], object]) -> None:
        """Change what the table shows, where there is one."""
        if self._table is not None:
            change(self._table.board)
            self._table.changed()


def _name(spec: TrialSpec) -> str:
    of = "" if spec.folds is None else f" of {spec.folds}"
    return f"{short(spec.model)} ({spec.turn}{of})"


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
