"""Progress on stderr: a live table on a terminal, otherwise one line per epoch."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console
from tqdm.auto import tqdm

from bench.system.display import LINE_CELLS, percent, short
from bench.system.terminal import folded

if TYPE_CHECKING:  # they import torch, which takes 500 MB that a check of a folder does not need
    from bench.runs.eta import RunProgress
    from bench.runs.live_table import LiveTable
    from bench.training.record import EpochRecord, TrialRecord
    from bench.training.spec import TrialSpec


class Progress:
    """Shows the progress of trials: in a live table within `showing`, otherwise in lines."""

    def __init__(self, *, shown: bool = True) -> None:
        self._shown = shown
        self._terminal = shown and sys.stderr.isatty()
        self._table: LiveTable | None = None

    def say(self, text: str) -> None:
        """Print one line of text."""
        line = folded(short(text, LINE_CELLS), sys.stderr)
        if self._table is not None:
            self._table.say(line)
        elif self._shown:
            tqdm.write(line, file=sys.stderr)

    def say_how_to_go_on(self, command: str) -> None:
        """Print the command that resumes the run."""
        self.say(f"to resume after an interruption: {command}")

    @contextmanager
    def showing(
        self, specs: Sequence[TrialSpec], records: Iterable[TrialRecord] = (), jobs: int = 1
    ) -> Iterator[None]:
        """Show a table of the trials `specs`, `jobs` at a time; `records` are finished trials.

        Without a terminal, or on a dumb one, no table is shown.
        """
        from bench.runs.eta import RunProgress
        from bench.runs.live_table import LiveTable

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
        """Show the current phase of the trial."""
        self._update(lambda board: board.on_phase(record))

    def on_start(self, spec: TrialSpec, steps: int, done: int) -> None:
        """Show the start of training; `done` of its `steps` were made before."""
        if done:
            of = f" of {steps:,}" if steps else ""
            self.say(f"{_name(spec)}: resuming after step {done:,}{of}")
        self._update(lambda board: board.on_start(spec, steps, done))

    def on_batch(self, spec: TrialSpec) -> None:
        """Count a step."""
        self._update(lambda board: board.on_batch(spec))

    def on_epoch(self, spec: TrialSpec, epoch: EpochRecord) -> None:
        """Show the figures of the epoch, in the table or in a line."""
        self._update(lambda board: board.on_epoch(spec, epoch))
        if self._table is not None:
            return
        epochs = spec.recipe.epochs
        number = f"epoch {epoch.epoch}" + (
            f"/{epochs}" if epochs else f", {spec.recipe.length} in all"
        )
        accuracy = f"validation {percent(epoch.validation_accuracy)}"
        losses = f"loss {epoch.train_loss:.3f}, {epoch.validation_loss:.3f} in validation"
        self.say(f"{_name(spec)} {number}: {accuracy}, {losses}, {epoch.train_seconds:.1f} s")

    def on_end(self, record: TrialRecord) -> None:
        """Show the end of the trial; a failure also prints a line above a table."""
        self._update(lambda board: board.on_end(record))
        if record.status != "ok":
            self.say(f"✗ {_name(record.spec)} {record.status} ({record.phase}): {record.error}")
        elif self._table is None:
            accuracy = f"test accuracy {percent(record.test_accuracy)}"
            times = (
                f"{record.spent_seconds:.1f} s training, {percent(record.data_wait_share)} of it"
            )
            self.say(f"✓ {_name(record.spec)}: {accuracy}, {times} waiting for data")

    @contextmanager
    def counting(self, what: str, total: int) -> Iterator[Any]:
        """Yield a progress bar up to `total`; call its `update()`."""
        with tqdm(total=total, desc=what, leave=False, disable=not self._terminal) as bar:
            yield bar

    def _update(self, change: Callable[[RunProgress], object]) -> None:
        """Update the table, if there is one."""
        if self._table is not None:
            change(self._table.board)
            self._table.changed()


def _name(spec: TrialSpec) -> str:
    of = "" if spec.folds is None else f" of {spec.folds}"
    return f"{short(spec.model)} ({spec.turn}{of})"
