"""What a comparison gave, made from its records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from bench.record import TrialRecord
from bench.report.frame import comparison, history
from bench.report.profile import profile_frame


@dataclass(frozen=True, slots=True)
class Results:
    """What a comparison gave: the records, the tables made from them, and where they lie.

    Attributes:
        planned: how many trials the run has; those without a record are still to be done.
        stopped_by: the number of the signal that has stopped it, or None.
    """

    records: tuple[TrialRecord, ...]
    frame: pd.DataFrame
    history: pd.DataFrame
    title: str
    folder: Path
    profile: pd.DataFrame
    planned: int
    stopped_by: int | None = None

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
        return str(self.frame.to_html(index=False))


def results_of(
    folder: Path,
    about: Mapping[str, Any],
    records: Sequence[TrialRecord],
    *,
    planned: int,
    stopped_by: int | None = None,
) -> Results:
    """Return the results of the run in `folder`, of which the store says `about`."""
    correct, images = about["baseline"]
    return Results(
        records=tuple(records),
        frame=comparison(records, (correct, images)),
        history=history(records),
        title=about["title"],
        folder=folder,
        profile=profile_frame(records),
        planned=planned,
        stopped_by=stopped_by,
    )
