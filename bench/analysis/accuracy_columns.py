"""Columns of the models and their accuracy."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import pandas as pd

from bench.analysis.column import Column, ModelTrials, Row, deviation, mean, missing, number
from bench.system.display import percent, percent_range, points


def _model_cell(row: Row) -> str:
    start = f" ({row['trained_from']})" if row.get("trained_from") else ""
    return f"{row['model']}{start}{' ≠' if row['marks'] else ''}"


def _accuracy_cell(row: Row) -> str:
    """Return the accuracy, or the status that explains its absence."""
    if not missing(row["test_accuracy"]):
        return percent(row["test_accuracy"])
    return "" if row["status"] == "ok" else str(row["status"])


def _interval_cell(row: Row) -> str:
    if not missing(row["test_accuracy_low"]):
        return percent_range(row["test_accuracy_low"], row["test_accuracy_high"])
    spread = row["test_accuracy_deviation"]
    return "" if missing(spread) else f"± {spread * 100:.1f}"


def _difference_cell(row: Row) -> str:
    """Return the difference in points, or that the row is the `best` or only the `first`."""
    if missing(row["difference_low"]):
        return (
            ""
            if missing(row["difference_to_best"])
            else ("best" if row["place"] == "best" else "first")
        )
    return points(row["difference_to_best"])


def _accuracies(model: ModelTrials) -> list[float]:
    return [number(seed.test_accuracy) for seed in model.tested]


def _difference(end: int, model: ModelTrials) -> float:
    """Return the accuracy minus the first model's, or an end of its interval."""
    name, best = model.first.model, model.pairwise.best
    found = model.pairwise.pair(name, best) if best else None
    if name == best:
        return (0.0, math.nan, math.nan)[end]
    if found is None:
        return math.nan
    sign = 1 if found.first == name else -1
    low, high = sorted((sign * found.found.low, sign * found.found.high))
    return (sign * found.found.difference, low, high)[end]


def _metric(name: str) -> Callable[[ModelTrials], float]:
    """Return the mean of a metric over seeds; NaN without predictions."""
    return lambda model: mean(getattr(each, name) for each in model.metrics)


def _compared(frame: pd.DataFrame) -> bool:
    return bool(frame["difference_to_best"].notna().any())


ACCURACY_COLUMNS = (
    Column("model", lambda m: m.first.model,
           "model name as requested; `≠` in the table means that the row has marks",
           name="model", cell_of=_model_cell, words=True, priority=0),
    Column("status", lambda m: m.failed[0].status if m.failed else "ok",
           "`ok`, or the status of the first failed trial; `baseline` for the baseline"),
    Column("seeds", lambda m: len(m.tested),
           "number of successful seeds, which all other columns describe; with folds, a seed "
           "counts if all its folds succeeded", whole=True,
           name="seeds", text="{:.0f}".format, place=3, priority=6,
           relevant=lambda frame: bool((frame["seeds"] > 1).any())),
    Column("test_accuracy", lambda m: mean(_accuracies(m)),
           "share of test images with the correct most probable class, after the last epoch (or "
           "the best, see `selection`); mean over seeds", "share",
           name="accuracy", cell_of=_accuracy_cell, place=1, priority=0),
    Column("test_accuracy_low", lambda m: m.interval[0],
           "lower bound of the 95 % interval of the accuracy, over other seeds and other images; "
           "for one seed, Wilson's interval over other images; over other groups where "
           "`test_groups` is given", "share",
           name="interval", label="95 % interval", cell_of=_interval_cell, place=2, priority=1),
    Column("test_accuracy_high", lambda m: m.interval[1], "upper bound of that interval", "share"),
    Column("test_accuracy_deviation", lambda m: deviation(_accuracies(m)),
           "standard deviation of the accuracy over seeds; empty for one seed", "share"),
    Column("difference_to_best", partial(_difference, 0),
           "accuracy minus that of the first compared model, on the seeds of both; in points in "
           "the table",
           "share",
           name="gap", cell_of=_difference_cell, place=4, priority=1,
           relevant=_compared),
    Column("difference_low", partial(_difference, 1),
           "lower bound of the 95 % interval of the difference, for this pair only; empty for the "
           "first model", "share"),
    Column("difference_high", partial(_difference, 2), "upper bound of that interval", "share"),
    Column("place", lambda m: m.pairwise.standings.place(m.first.model),
           "`best`: better than each other compared model; `unbeaten`: no other is better; "
           "`beaten`; empty without verdicts"),
    Column("group", lambda m: m.pairwise.standings.groups.get(m.first.model, ""),
           "letters; models that share one show no clear difference; empty where not each pair was "
           "tested",
           name="group", words=True, place=5, priority=7, relevant=_compared),
    Column("test_images", lambda m: m.first.test_images or None,
           "number of test images", whole=True),
    Column("test_groups", lambda m: m.test_groups,
           "number of groups of test images, which intervals and tests count instead of images; an "
           "image without a group counts as one; empty if no images belong together", whole=True),
    Column("test_balanced_accuracy", _metric("balanced_accuracy"),
           "mean over classes of the accuracy on their images; mean over seeds", "share"),
    Column("test_log_loss", _metric("log_loss"),
           "mean of -log of the probability of the true class; mean over seeds", "nats"),
    Column("test_roc_auc", _metric("roc_auc"),
           "probability that an image of a class gets a higher score for this class than an image "
           "of another class; mean over seeds", "share"),
    Column("test_calibration_error", _metric("calibration_error"),
           "difference between confidence and accuracy; mean over seeds", "share"),
    Column("test_calibration_bins", _metric("calibration_bins"),
           "number of bins for the calibration error", whole=True),
    Column("validation_accuracy_last",
           lambda m: mean(trial.last.validation_accuracy for trial in m.done if trial.last),
           "accuracy on the validation images after the last epoch; mean over seeds", "share",
           name="validation", text=percent, place=6, priority=13),
    Column("validation_accuracy_best",
           lambda m: mean(trial.best.validation_accuracy for trial in m.done if trial.best),
           "highest validation accuracy of any epoch, which is too optimistic; mean over seeds",
           "share",
           name="best_epoch", text=percent, place=7, priority=16),
)  # fmt: skip
