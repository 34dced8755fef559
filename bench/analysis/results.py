"""The results of a run, made from its records."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from bench.analysis.cross_validation import whole_tests
from bench.analysis.frame import comparison, history, profile_frame
from bench.analysis.pairwise import PairwiseComparisons, Tests, compare_pairwise, wrong_answers
from bench.analysis.stats.clusters import clusters_of
from bench.analysis.stats.interval import accuracy_interval
from bench.analysis.until_clear import Outcome, looks_of, outcome_of
from bench.analysis.verdict import Verdict
from bench.data.synthetic import SYNTHETIC_NAME
from bench.system.options import parse_share
from bench.training.evaluation import Evaluation
from bench.training.record import TrialRecord
from bench.training.spec import TrialSpec
from bench.training.stored_trial import StoredTrial
from registry.errors import RunError


@dataclass(frozen=True, slots=True)
class Results:
    """The results of a run: its records, and the tables made from them.

    Attributes:
        records: records of the trials.
        frame: comparison of the models, one row per model.
        history: one row per epoch of each trial.
        title: title of the run.
        folder: folder of the run.
        profile: one row per profiled trial.
        planned: number of planned trials; trials without a record are unfinished.
        pairwise: comparisons of the models by their predictions.
        stopped_by: number of the signal that stopped the run, or None.
        gathered: whether the run is of a plan, so that another plan adds seeds to it.
        outcome: what a run that adds seeds until it is clear has come to; else None.
        started: when the run started, in ISO 8601; "" if not known.
        command: words of the command that began the run; empty if not known.
        synthetic: whether its images are drawn by code, so that others say more.
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
    gathered: bool = False
    outcome: Outcome | None = None
    started: str = ""
    command: tuple[str, ...] = ()
    synthetic: bool = False

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """The verdicts on each pair of models, the best model's pairs first."""
        return self.pairwise.verdicts

    @property
    def sentences(self) -> tuple[str, ...]:
        """The verdicts in words; of a run that adds seeds until it is clear, its ending."""
        return self.pairwise.sentences if self.outcome is None else (self.outcome.sentence,)

    def compare(self, one: str, other: str) -> Verdict:
        """Return the verdict on two models; `print` shows it as a sentence.

        Args:
            one: name of a model.
            other: name of another model.

        Raises:
            RunError: the run has no verdict on these models.
        """
        found = self.pairwise.pair(one, other)
        if found is None:
            known = dict.fromkeys(m for each in self.verdicts for m in (each.first, each.second))
            listed = ", ".join(known) or "none"
            raise RunError(f"no verdict on {one!r} and {other!r}; compared models: {listed}")
        return found

    def wrong(self, model: str) -> pd.DataFrame:
        """Return one row per test image with a wrong prediction of any seed, the hardest first.

        Columns: image; label and predicted, the most frequent wrong class, by name; wrong, the
        number of wrong seeds; seeds; probability of the label, mean over seeds.

        Args:
            model: name of the model.

        Raises:
            RunError: the model has no predictions.
        """
        answers = self.pairwise.answers
        if model not in answers:
            listed = ", ".join(answers) or "none"
            raise RunError(f"no predictions of {model!r}; models with predictions: {listed}")
        classes = next(each.spec.classes for each in self.records if each.model == model)
        return wrong_answers(answers[model], classes)

    @property
    def more(self) -> str:
        """The command that trains more of the run, to which `--seeds` may be added."""
        return self._command("--resume")

    @property
    def again(self) -> str:
        """The command of a new run with the same options, to which others may be added."""
        return self._command("--config")

    def _command(self, option: str) -> str:
        start = "zoo plan --out next.json" if self.gathered else "zoo bench"
        return f"{start} {option} {shlex.quote(str(self.folder))}"

    @property
    def next_seeds(self) -> tuple[int, ...]:
        """The seeds that a run which adds seeds until it is clear asks for; empty for others."""
        return () if self.outcome is None else self.outcome.next_seeds

    @property
    def page(self) -> Path:
        """The path of the run's HTML page."""
        return self.folder / "report.html"

    @property
    def unfinished(self) -> int:
        """The number of trials still to run or to resume."""
        return self.planned - sum(record.finished for record in self.records)

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
        """Return the results of the run in `folder`.

        Args:
            folder: folder of the run.
            about: stored description of the run.
            records: records of the trials.
            planned: number of planned trials.
            tests: predictions by model and seed; without them there are no verdicts.
            stopped_by: number of the signal that stopped the run, or None.
            target: validation accuracy, 0 to 1, for the time to target; None: the run's own.

        Raises:
            IncomparableError: the test images of models differ.
        """
        asked = (about.get("request") or {}).get("target")
        if target is None and asked is not None:
            target = parse_share(asked)
        split, there = about["split"], about.get("environment") or {}
        synthetic = about.get("data") == SYNTHETIC_NAME
        noun = "drawing" if synthetic else "image"
        looks = looks_of(about.get("request"), records, planned)
        pairwise = compare_pairwise(
            records, split["test"], tests or {}, split.get("groups"), noun, looks
        )
        return cls(
            records=tuple(records),
            frame=comparison(records, about["baseline"], pairwise, target, _baseline_bounds(split)),
            history=history(records),
            title=about["title"],
            folder=folder,
            profile=profile_frame(records),
            planned=planned,
            pairwise=pairwise,
            stopped_by=stopped_by,
            gathered="plan" in there,
            outcome=outcome_of(looks, pairwise),
            started=there.get("started") or "",
            command=tuple(there.get("command") or ()),
            synthetic=synthetic,
        )


def _baseline_bounds(split: Mapping[str, Any]) -> tuple[float, float] | None:
    """Return the interval of the baseline's accuracy over groups; None if there are none."""
    clusters = clusters_of(split.get("groups"))
    if clusters is None:
        return None
    return accuracy_interval(np.array([split["majority"]], dtype=bool), clusters)


def tests_of(trials: Iterable[StoredTrial]) -> dict[tuple[str, int], Evaluation]:
    """Return the predictions of tested trials by model and seed, with folds merged."""
    return whole_tests((trial.spec, trial.test) for trial in trials if trial.test is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRun:
    """A stored run: its results, its description, and its planned trials."""

    results: Results
    about: Mapping[str, Any]
    specs: tuple[TrialSpec, ...]
