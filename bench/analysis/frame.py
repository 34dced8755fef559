"""Tables of models, epochs and profiled trials; names include the units."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from bench.analysis.column import ModelTrials, number
from bench.analysis.columns import COLUMNS
from bench.analysis.pairwise import PairwiseComparisons
from bench.analysis.stats.interval import wilson_interval
from bench.training.record import EPOCH_TIMES, SHARED, EpochRecord, TimeProfile, TrialRecord

BASELINE = "(majority class)"
_COUNTS = [column.key for column in COLUMNS if column.whole]
_NOTHING = PairwiseComparisons()


def comparison(
    records: Sequence[TrialRecord],
    baseline: tuple[int, int],
    pairwise: PairwiseComparisons = _NOTHING,
    target: float | None = None,
    baseline_bounds: tuple[float, float] | None = None,
) -> pd.DataFrame:
    """Return one row per model: the most accurate first, then failures, then the baseline.

    A model stands below those that are better by their verdict, also if it is more accurate.

    `COLUMNS` holds the meaning of each column.

    Args:
        records: records of trials, with any number of seeds per model.
        baseline: number of correct and of all test images for the most frequent class.
        pairwise: comparisons of the predictions; without them, some columns are empty.
        target: validation accuracy, 0 to 1, for the time to target.
        baseline_bounds: interval of the baseline over groups of images; None: over images.
    """
    by_model: dict[str, list[TrialRecord]] = {}
    for record in records:
        by_model.setdefault(record.model, []).append(record)
    models = [ModelTrials(trials=m, pairwise=pairwise, target=target) for m in by_model.values()]
    rows = [{column.key: column.value(model) for column in COLUMNS} for model in models]
    rows.sort(key=lambda row: -number(row["test_accuracy"]))
    by_name = {str(row["model"]): row for row in rows}
    rows = [by_name[model] for model in pairwise.standings.sorted([*by_name])]
    keys = [column.key for column in COLUMNS]
    frame = pd.DataFrame([*rows, _baseline_row(*baseline, baseline_bounds)], columns=keys)
    return frame.astype(dict.fromkeys(_COUNTS, "Int64"))


def history(records: Sequence[TrialRecord]) -> pd.DataFrame:
    """Return one row per epoch of each trial; with folds, there is a column `fold`.

    `train_seconds_so_far` counts from the start of the trial to the end of the epoch. Times of
    trials that shared the machine have separate columns with the prefix `shared_`.
    """
    rows = [
        trial_columns(record) | _timed_epoch(record, epoch, spent)
        for record in records
        for epoch, spent in zip(record.history, record.seconds_so_far, strict=True)
    ]
    first = trial_columns(records[0]) if records else ()
    shared = (f"{SHARED}{name}" for name in EPOCH_TIMES)
    return pd.DataFrame(rows, columns=[*first, *EpochRecord.__slots__, EPOCH_TIMES[-1], *shared])


def _timed_epoch(record: TrialRecord, epoch: EpochRecord, spent: float) -> dict[str, object]:
    figures = {name: getattr(epoch, name) for name in EpochRecord.__slots__}
    figures[EPOCH_TIMES[-1]] = spent
    kind = SHARED if record.shared else ""
    return {f"{kind}{name}" if name in EPOCH_TIMES else name: figures[name] for name in figures}


def trial_columns(record: TrialRecord) -> dict[str, object]:
    """Return the columns that identify a trial: model, seed and, with folds, fold."""
    model, seed, fold = record.spec.key
    return {"model": model, "seed": seed} | ({} if fold is None else {"fold": fold})


def _baseline_row(
    correct: int, images: int, bounds: tuple[float, float] | None
) -> dict[str, object]:
    low, high = bounds or wilson_interval(correct, images)
    return {
        "model": BASELINE,
        "status": "baseline",
        "test_accuracy": correct / images,
        "test_accuracy_low": low,
        "test_accuracy_high": high,
        "test_images": images,
        **dict.fromkeys(("trained_from", "selection", "marks", "error", "place"), ""),
    }


def profile_frame(records: Sequence[TrialRecord]) -> pd.DataFrame:
    """Return one row per profiled trial, in seconds; `ceiling_share` is 0 to 1."""
    return pd.DataFrame([_profile_row(each, each.profile) for each in records if each.profile])


def _profile_row(record: TrialRecord, profile: TimeProfile) -> dict[str, object]:
    steps = profile.forward_seconds + profile.backward_seconds + profile.optimizer_seconds
    return {
        **trial_columns(record),
        "start-up": record.startup_seconds,
        "first weights": record.initialization_seconds,
        "compile": record.compile_seconds,
        "data wait": record.data_wait_seconds,
        "forward": profile.forward_seconds,
        "backward": profile.backward_seconds,
        "optimizer": profile.optimizer_seconds,
        "other": record.train_seconds - record.data_wait_seconds - steps,
        "evaluation": record.evaluation_seconds,
        "read (CPU)": profile.read_cpu_seconds,
        "transform (CPU)": profile.transform_cpu_seconds,
        "training": record.train_seconds,
        "ceiling": profile.ceiling_seconds,
        "ceiling_share": profile.ceiling_seconds / record.train_seconds,
    }
