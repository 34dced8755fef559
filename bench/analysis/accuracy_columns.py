"""Columns of who was tested, and how well it did."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import pandas as pd

from bench.analysis.column import Column, ModelTrials, Row, deviation, mean, missing, number
from bench.system.display import percent, percent_range, points


def _model_cell(row: Row) -> str:
    began = f" ({row['trained_from']})" if row.get("trained_from") else ""
    return f"{row['model']}{began}{' ≠' if row['marks'] else ''}"


def _accuracy_cell(row: Row) -> str:
    """Return the accuracy, or why there is none: `out-of-memory`, say."""
    if not missing(row["test_accuracy"]):
        return percent(row["test_accuracy"])
    return "" if row["status"] == "ok" else str(row["status"])


def _interval_cell(row: Row) -> str:
    if not missing(row["test_accuracy_low"]):
        return percent_range(row["test_accuracy_low"], row["test_accuracy_high"])
    spread = row["test_accuracy_deviation"]
    return "" if missing(spread) else f"± {spread * 100:.1f}"


def _difference_cell(row: Row) -> str:
    """Return the difference in points; the best model has no interval."""
    if missing(row["difference_low"]):
        return "" if missing(row["difference_to_best"]) else "best"
    return points(row["difference_to_best"])


def _accuracies(model: ModelTrials) -> list[float]:
    return [number(seed.test_accuracy) for seed in model.tested]


def _difference(end: int, model: ModelTrials) -> float:
    """Return the accuracy less that of the best model, or the low or high end of its interval."""
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
    """Return the mean over seeds of a figure beside accuracy; NaN without answers."""
    return lambda model: mean(getattr(each, name) for each in model.metrics)


def _compared(frame: pd.DataFrame) -> bool:
    return bool(frame["difference_to_best"].notna().any())


ACCURACY_COLUMNS = (
    Column("model", lambda m: m.first.model,
           "what it was asked for by; `≠` in the table: its row has marks",
           name="model", cell_of=_model_cell, words=True, priority=0),
    Column("status", lambda m: m.failed[0].status if m.failed else "ok",
           "`ok`, or how the first trial ended that did not end well; `baseline`"),
    Column("seeds", lambda m: len(m.tested),
           "trials that ended well, which all other figures are of; with folds, seeds of which all "
           "did", whole=True,
           name="seeds", text="{:.0f}".format, place=3, priority=8,
           relevant=lambda frame: bool((frame["seeds"] > 1).any())),
    Column("test_accuracy", lambda m: mean(_accuracies(m)),
           "share of test images whose most probable class is right, after the last epoch (the "
           "best where `selection` says so); mean over seeds", "share",
           name="accuracy", cell_of=_accuracy_cell, place=1, priority=0),
    Column("test_accuracy_low", lambda m: m.interval[0],
           "low end of its 95 % interval, over other seeds and other images; for one seed, "
           "Wilson's, over other images", "share",
           name="interval", label="95 % interval", cell_of=_interval_cell, place=2, priority=3),
    Column("test_accuracy_high", lambda m: m.interval[1], "high end of it", "share"),
    Column("test_accuracy_deviation", lambda m: deviation(_accuracies(m)),
           "standard deviation over seeds; empty for one", "share"),
    Column("difference_to_best", partial(_difference, 0),
           "accuracy less that of the best model, on the seeds that both have; in the table in "
           "points", "share",
           name="difference", label="Δ vs best", cell_of=_difference_cell, place=4, priority=7,
           relevant=_compared),
    Column("difference_low", partial(_difference, 1),
           "low end of its 95 % interval, for this pair alone; empty for the best model", "share"),
    Column("difference_high", partial(_difference, 2), "high end of it", "share"),
    Column("group", lambda m: m.pairwise.groups.get(m.first.model, ""),
           "models that share a letter can't be told apart; empty where nothing can be said",
           name="group", words=True, place=5, priority=7, relevant=_compared),
    Column("test_images", lambda m: m.first.test_images or None, "how many", whole=True),
    Column("test_balanced_accuracy", _metric("balanced_accuracy"),
           "mean over classes of the share of their images that are right; mean over seeds",
           "share"),
    Column("test_log_loss", _metric("log_loss"),
           "mean of -log of the label's probability; mean over seeds", "nats"),
    Column("test_roc_auc", _metric("roc_auc"),
           "how often an image of a class gets a higher probability of it than one of another "
           "class; mean over seeds", "share"),
    Column("test_calibration_error", _metric("calibration_error"),
           "how far confidence is from accuracy; mean over seeds", "share"),
    Column("test_calibration_bins", _metric("calibration_bins"), "in how many bins that was found",
           whole=True),
    Column("validation_accuracy_last",
           lambda m: mean(trial.last.validation_accuracy for trial in m.done if trial.last),
           "of the validation images, after the last epoch; mean over seeds", "share",
           name="validation", text=percent, place=6, priority=13),
    Column("validation_accuracy_best",
           lambda m: mean(trial.best.validation_accuracy for trial in m.done if trial.best),
           "the highest of any epoch, which flatters; mean over seeds", "share",
           name="best_epoch", text=percent, place=7, priority=16),
)  # fmt: skip
