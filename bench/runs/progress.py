"""What a waiting person sees on stderr: a table on a terminal, one line an epoch elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from tqdm.auto import tqdm

from bench.runs.eta import RunProgress
from bench.runs.live_table import LiveTable
from bench.system.display import LINE_CELLS, short
from bench.training.record import EpochRecord, TrialRecord
from bench.training.spec import TrialSpec


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
