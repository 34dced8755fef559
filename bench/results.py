"""What a comparison gave, made from its records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from bench.evaluate import Evaluation
from bench.folds import whole_tests
from bench.judgement import Judgement, Tests, judged
from bench.quantities import share_of
from bench.record import TrialRecord
from bench.report.frame import comparison, history
from bench.report.notebook import as_html
from bench.report.profile import profile_frame
from bench.store import StoredTrial
from bench.verdict import Verdict
from registry.errors import RunError

if TYPE_CHECKING:
    from bench.report.page.encodings import Chart


@dataclass(frozen=True, slots=True)
class Results:
    """What a comparison gave: the records, the tables made from them, and where they lie.

    Attributes:
        planned: how many trials the run has; those without a record are still to be done.
        judgement: what the answers to the test images say of the models.
        stopped_by: the number of the signal that has stopped it, or None.
    """

    records: tuple[TrialRecord, ...]
    frame: pd.DataFrame
    history: pd.DataFrame
    title: str
    folder: Path
    profile: pd.DataFrame
    planned: int
    judgement: Judgement
    stopped_by: int | None = None

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """What can be said of each two models, the best model's pairs first."""
        return self.judgement.verdicts

    def compare(self, one: str, other: str) -> Verdict:
        """Return what can be said of two models; printed, it is a sentence.

        Raises:
            RunError: nothing can.
        """
        return self.judgement.compare(one, other)

    def wrong(self, model: str) -> pd.DataFrame:
        """Return the test images that any seed of `model` got wrong, the hardest first.

        Raises:
            RunError: it has no answers.
        """
        return self.judgement.wrong(model)

    @property
    def page(self) -> Path:
        """Where the page of the run is, once it is drawn."""
        return self.folder / "report.html"

    def plot(self, name: str | None = None) -> Chart:
        """Return a figure as a Vega-Altair chart, which a notebook shows.

        Args:
            name: which, as in `figures/`: `learning-curves`, say; accuracies if none is named.

        Raises:
            RunError: there is none of that name; it names those that there are.
        """
        from bench.report.page.figures import figures_of
        from bench.report.page.look import PAPER

        figures = {each.name: each for each in figures_of(self)}
        wanted = name or next(iter(figures), "")
        if wanted not in figures:
            known = ", ".join(figures) or "none: nothing was measured"
            raise RunError(f"no figure {wanted!r}; there are {known}")
        return figures[wanted].draw(PAPER)

    @property
    def unfinished(self) -> int:
        """How many trials are still to be done, or to be gone on with."""
        done = sum(record.status != "interrupted" for record in self.records)
        return self.planned - done

    @property
    def exit_code(self) -> int:
        """0 all well, 4 some model failed, 6 nothing was measured, 130 and 143 interrupted."""
        statuses = {record.status for record in self.records}
        if self.stopped_by is not None and self.unfinished:
            return 128 + self.stopped_by
        if "interrupted" in statuses:
            return 4  # not by the user: the disk may be full
        if "ok" not in statuses:
            return 6
        return 0 if statuses == {"ok"} else 4

    def _repr_html_(self) -> str:
        return as_html(self.frame, self.title, self.judgement.sentences)


def tests_of(trials: Iterable[StoredTrial]) -> dict[tuple[str, int], Evaluation]:
    """Return what the trials that were tested have answered, by model and seed, folds together."""
    return whole_tests((trial.spec, trial.test) for trial in trials if trial.test is not None)


def results_of(
    folder: Path,
    about: Mapping[str, Any],
    records: Sequence[TrialRecord],
    *,
    planned: int,
    tests: Tests | None = None,
    stopped_by: int | None = None,
    target: float | None = None,
) -> Results:
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
        target = share_of(asked)
    judgement = judged(records, about["split"]["test"], tests or {})
    return Results(
        records=tuple(records),
        frame=comparison(records, (correct, images), judgement, target),
        history=history(records),
        title=about["title"],
        folder=folder,
        profile=profile_frame(records),
        planned=planned,
        judgement=judgement,
        stopped_by=stopped_by,
    )
