"""What a comparison gave, made from its records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pandas as pd

from bench.analysis.cross_validation import whole_tests
from bench.analysis.frame import comparison, history
from bench.analysis.pairwise import PairwiseComparisons, Tests, compare_pairwise
from bench.analysis.time_profile import profile_frame
from bench.analysis.verdict import Verdict
from bench.system.options import parse_share
from bench.training.evaluate import Evaluation
from bench.training.record import FINISHED, TrialRecord
from bench.training.spec import TrialSpec


@dataclass(frozen=True, slots=True)
class Results:
    """What a comparison gave: the records, the tables made from them, and where they lie.

    Attributes:
        planned: how many trials the run has; those without a record are still to be done.
        pairwise: what the answers to the test images say of the models.
        stopped_by: the number of the signal that has stopped it, or None.
    """

    records: tuple[TrialRecord, ...]
    frame: pd.DataFrame
    history: pd.DataFrame
    title: str
    folder: Path
    profile: pd.DataFrame
    planned: int
    pairwise: PairwiseComparisons
    stopped_by: int | None = None

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """What can be said of each two models, the best model's pairs first."""
        return self.pairwise.verdicts

    def compare(self, one: str, other: str) -> Verdict:
        """Return what can be said of two models; printed, it is a sentence.

        Raises:
            RunError: nothing can.
        """
        return self.pairwise.compare(one, other)

    def wrong(self, model: str) -> pd.DataFrame:
        """Return the test images that any seed of `model` got wrong, the hardest first.

        Raises:
            RunError: it has no answers.
        """
        return self.pairwise.wrong(model)

    @property
    def page(self) -> Path:
        """Where the page of the run is, once it is drawn."""
        return self.folder / "report.html"

    @property
    def unfinished(self) -> int:
        """How many trials are still to be done, or to be gone on with."""
        done = sum(record.status != "interrupted" for record in self.records)
        return self.planned - done

    @classmethod
    def from_records(
        cls,
        folder: Path,
        about: Mapping[str, Any],
        records: Sequence[TrialRecord],
        *,
        planned: int,
        tests: Tests | None = None,
        stopped_by: int | None = None,
        target: float | None = None,
    ) -> Self:
        """Return the results of the run in `folder`, of which the store says `about`.

        Args:
            folder: of the run.
            about: what the store says of it.
            records: of the trials that have one.
            planned: how many trials it has.
            tests: what trials answered; without it nothing is said of differences.
            stopped_by: the number of the signal that has stopped it.
            target: validation accuracy, 0 to 1, to which times are told; None is the run's own.

        Raises:
            IncomparableError: models were tested on different images.
        """
        correct, images = about["baseline"]
        asked = (about.get("request") or {}).get("target")
        if target is None and asked is not None:
            target = parse_share(asked)
        pairwise = compare_pairwise(records, about["split"]["test"], tests or {})
        return cls(
            records=tuple(records),
            frame=comparison(records, (correct, images), pairwise, target),
            history=history(records),
            title=about["title"],
            folder=folder,
            profile=profile_frame(records),
            planned=planned,
            pairwise=pairwise,
            stopped_by=stopped_by,
        )


def tests_of(trials: Iterable[StoredTrial]) -> dict[tuple[str, int], Evaluation]:
    """Return what the trials that were tested have answered, by model and seed, folds together."""
    return whole_tests((trial.spec, trial.test) for trial in trials if trial.test is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTrial:
    """One trial of the plan: its specification, and its record where it was begun."""

    number: int
    spec: TrialSpec
    record: TrialRecord | None
    test: Evaluation | None

    @property
    def finished(self) -> bool:
        """There is nothing left to be done."""
        return self.record is not None and self.record.status in FINISHED


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRun:
    """A run as it is kept: what it gave, what is known of it, and its trials as planned."""

    results: Results
    about: Mapping[str, Any]
    specs: tuple[TrialSpec, ...]
