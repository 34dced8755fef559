"""What a waiting person sees on stderr: bars on a terminal, one line an epoch elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tqdm.auto import tqdm

from bench.record import EpochRecord, TrialRecord, TrialSpec
from bench.report.display import LINE_CELLS, short


class Progress:
    """Tells how trials go. The bar's remaining time counts training steps."""

    def __init__(self, *, shown: bool = True) -> None:
        self._shown = shown
        self._bars = shown and sys.stderr.isatty()
        self._bar: tqdm[Any] | None = None

    def say(self, text: str) -> None:
        """Print one line of text."""
        if self._shown:
            tqdm.write(short(text, LINE_CELLS), file=sys.stderr)

    def on_phase(self, record: TrialRecord) -> None:
        """Show nothing: the bar and the epochs' lines say enough."""

    def on_start(self, spec: TrialSpec, steps: int, done: int) -> None:
        """Begin a bar of `steps` steps, so many of them done before."""
        if done:
            self.say(f"{_name(spec)}: going on after step {done:,} of {steps:,}")
        if self._bars:
            self._bar = tqdm(
                total=steps,
                initial=done,
                desc=_name(spec),
                unit="step",
                leave=False,
                dynamic_ncols=True,
            )

    def on_batch(self) -> None:
        """Move the bar one step on."""
        if self._bar is not None:
            self._bar.update()

    def on_epoch(self, spec: TrialSpec, epoch: EpochRecord) -> None:
        """Show the epoch's figures beside the bar, or on a line."""
        number = f"epoch {epoch.epoch}/{spec.recipe.epochs}"
        accuracy = f"validation {epoch.validation_accuracy:.1%}"
        if self._bar is not None:
            self._bar.set_postfix_str(f"{number}, {accuracy}")
        else:
            losses = f"loss {epoch.train_loss:.3f}, {epoch.validation_loss:.3f} in validation"
            self.say(f"{_name(spec)} {number}: {accuracy}, {losses}, {epoch.train_seconds:.1f} s")

    def on_end(self, record: TrialRecord) -> None:
        """Close the bar and say how the trial ended."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
        if record.status == "ok":
            accuracy = f"test accuracy {record.test_accuracy:.1%}"
            waited = f"{record.data_wait_share:.1%} of it waiting for data"
            self.say(
                f"✓ {_name(record.spec)}: {accuracy}, "
                f"{record.train_seconds:.1f} s training, {waited}"
            )
        else:
            self.say(f"✗ {_name(record.spec)} {record.status} ({record.phase}): {record.error}")

    @contextmanager
    def counting(self, what: str, total: int) -> Iterator[Any]:
        """Yield a bar that counts to `total`; call its `update()`."""
        with tqdm(total=total, desc=what, leave=False, disable=not self._bars) as bar:
            yield bar


def _name(spec: TrialSpec) -> str:
    of = "" if spec.folds is None else f" of {spec.folds}"
    return f"{short(spec.model)} ({spec.turn}{of})"
