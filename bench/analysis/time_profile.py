"""Where the time of each trial went, as rows."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from bench.analysis.frame import trial_columns
from bench.training.record import TrialRecord


def profile_frame(records: Sequence[TrialRecord]) -> pd.DataFrame:
    """Return one row a trial that was profiled, in seconds; `ceiling_share` is 0 to 1."""
    return pd.DataFrame([_row(record) for record in records if record.profile is not None])


def _row(record: TrialRecord) -> dict[str, object]:
    profile = record.profile
    assert profile is not None  # by the caller
    steps = profile.forward_seconds + profile.backward_seconds + profile.optimizer_seconds
    other = record.train_seconds - record.data_wait_seconds - steps
    return {
        **trial_columns(record),
        "start-up": record.startup_seconds,
        "first weights": record.initialization_seconds,
        "compile": record.compile_seconds,
        "data wait": record.data_wait_seconds,
        "forward": profile.forward_seconds,
        "backward": profile.backward_seconds,
        "optimizer": profile.optimizer_seconds,
        "other": other,
        "evaluation": record.evaluation_seconds,
        "read (CPU)": profile.read_cpu_seconds,
        "transform (CPU)": profile.transform_cpu_seconds,
        "training": record.train_seconds,
        "ceiling": profile.ceiling_seconds,
        "ceiling_share": profile.ceiling_seconds / record.train_seconds,
    }
