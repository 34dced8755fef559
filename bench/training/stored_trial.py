"""A trial as a run's store has it; reading one needs no torch."""

from __future__ import annotations

from dataclasses import dataclass

from bench.training.evaluation import Evaluation
from bench.training.record import TrialRecord
from bench.training.spec import TrialSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTrial:
    """A planned trial: its specification, and its record if it has started."""

    number: int
    spec: TrialSpec
    record: TrialRecord | None
    test: Evaluation | None

    @property
    def finished(self) -> bool:
        """Whether the trial has finished."""
        return self.record is not None and self.record.finished
