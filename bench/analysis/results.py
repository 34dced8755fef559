"""What a comparison gave, made from its records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pandas as pd

from bench.analysis.cross_validation import whole_tests
from bench.analysis.frame import comparison, history, profile_frame
from bench.analysis.pairwise import PairwiseComparisons, Tests, compare_pairwise, wrong_answers
from bench.analysis.verdict import Verdict
from bench.system.options import parse_share
from bench.training.evaluate import Evaluation
from bench.training.record import FINISHED, TrialRecord
from bench.training.spec import TrialSpec
from registry.errors import RunError


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
        found = self.pairwise.pair(one, other)
        if found is None:
            known = dict.fromkeys(m for each in self.verdicts for m in (each.first, each.second))
            listed = ", ".join(known) or "no two models"
            raise RunError(f"{one!r} and {other!r} were not compared; compared were {listed}")
        return found

    def wrong(self, model: str) -> pd.DataFrame:
        """Return one row for each test image that any seed of `model` got wrong, the hardest first.

        Columns: image; label, and the wrong class that most seeds said, both as numbers; wrong,
        how many of the seeds; seeds; probability of the label, mean over seeds.

        Raises:
            RunError: it has no answers.
        """
        answers = self.pairwise.answers
        if model not in answers:
            listed = ", ".join(answers) or "none"
            raise RunError(f"no answers of {model!r}; there are those of {listed}")
        return wrong_answers(answers[model])

    @property
    def page(self) -> Path:
        """Where the page of the run is, once it is drawn."""
        return self.folder / "report.html"

    @property
    def unfinished(self) -> int:
        """How many trials are still to be done, or to be gone on with."""
        return self.planned - sum(record.status != "interrupted" for record in self.records)

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

        Without `tests`, what trials answered, nothing is said of differences. `target` is the
        validation accuracy, 0 to 1, to which times are told; None is the run's own.

        Raises:
            IncomparableError: models were tested on different images.
        """
        asked = (about.get("request") or {}).get("target")
        if target is None and asked is not None:
            target = parse_share(asked)
        pairwise = compare_pairwise(records, about["split"]["test"], tests or {})
        return cls(
            records=tuple(records),
            frame=comparison(records, about["baseline"], pairwise, target),
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
