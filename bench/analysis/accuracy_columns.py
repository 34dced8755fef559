"""Columns of who was tested, and how well it did."""

from __future__ import annotations

import math
from functools import partial

import pandas as pd

from bench.analysis.column import Column, ModelTrials, Row, deviation, mean, missing, number
from bench.analysis.stats import accuracy_interval, wilson_interval
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


def _interval(end: int, model: ModelTrials) -> float:
    if model.answers is not None and len(model.answers.seeds) > 1:
        return accuracy_interval(model.answers.correct)[end]
    if len(model.tested) != 1:
        return math.nan
    images = model.first.test_images
    (accuracy,) = _accuracies(model)
    return wilson_interval(round(accuracy * images), images)[end]


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


def _metric_column(name: str, meaning: str, unit: str = "share", *, whole: bool = False) -> Column:
    """Return a column of a figure beside accuracy; empty without answers."""
    return Column(
        values={f"test_{name}": lambda m: mean(getattr(each, name) for each in m.metrics)},
        meaning=meaning,
        unit=unit,
        whole=whole,
    )


def _compared(frame: pd.DataFrame) -> bool:
    return bool(frame["difference_to_best"].notna().any())


ACCURACY_COLUMNS = (
    Column(
        values={"model": lambda m: m.first.model},
        meaning="what it was asked for by; `≠` in the table: its row has marks",
        name="model",
        cell_of=_model_cell,
        words=True,
        priority=0,
    ),
    Column(
        values={"status": lambda m: m.failed[0].status if m.failed else "ok"},
        meaning="`ok`, or how the first trial ended that did not end well; `baseline`",
    ),
    Column(
        values={"seeds": lambda m: len(m.tested)},
        meaning="trials that ended well, which all other figures are of; with folds, seeds of "
        "which all did",
        whole=True,
        name="seeds",
        text="{:.0f}".format,
        place=3,
        priority=8,
        relevant=lambda frame: bool((frame["seeds"] > 1).any()),
    ),
    Column(
        values={"test_accuracy": lambda m: mean(_accuracies(m))},
        meaning="share of test images whose most probable class is right, after the last epoch "
        "(the best where `selection` says so); mean over seeds. The test images are used once, at "
        "the end",
        unit="share",
        name="accuracy",
        cell_of=_accuracy_cell,
        place=1,
        priority=0,
    ),
    Column(
        values={
            "test_accuracy_low": partial(_interval, 0),
            "test_accuracy_high": partial(_interval, 1),
        },
        meaning="its 95 % interval, over other seeds and other images; for one seed, Wilson's, "
        "over other images",
        unit="share",
        name="interval",
        label="95 % interval",
        cell_of=_interval_cell,
        place=2,
        priority=3,
    ),
    Column(
        values={"test_accuracy_deviation": lambda m: deviation(_accuracies(m))},
        meaning="standard deviation over seeds; empty for one",
        unit="share",
    ),
    Column(
        values={"difference_to_best": partial(_difference, 0)},
        meaning="accuracy less that of the best model, on the seeds that both have; in the table "
        "in points",
        unit="share",
        name="difference",
        label="Δ vs best",
        cell_of=_difference_cell,
        place=4,
        priority=7,
        relevant=_compared,
    ),
    Column(
        values={
            "difference_low": partial(_difference, 1),
            "difference_high": partial(_difference, 2),
        },
        meaning="its 95 % interval, for this pair alone; empty for the best model",
        unit="share",
    ),
    Column(
        values={"group": lambda m: m.pairwise.groups.get(m.first.model, "")},
        meaning="models that share a letter can't be told apart; empty where nothing can be said",
        name="group",
        words=True,
        place=5,
        priority=7,
        relevant=_compared,
    ),
    Column(
        values={"test_images": lambda m: m.first.test_images or None},
        meaning="how many",
        whole=True,
    ),
    _metric_column(
        "balanced_accuracy",
        "mean over classes of the share of their images that are right; mean over seeds",
    ),
    _metric_column(
        "log_loss", "mean of -log of the label's probability; mean over seeds", unit="nats"
    ),
    _metric_column(
        "roc_auc",
        "how often an image of a class gets a higher probability of it than one of another class; "
        "mean over seeds",
    ),
    _metric_column("calibration_error", "how far confidence is from accuracy; mean over seeds"),
    _metric_column("calibration_bins", "in how many bins that was found", unit="", whole=True),
    Column(
        values={
            "validation_accuracy_last": lambda m: mean(
                trial.last.validation_accuracy for trial in m.done if trial.last
            )
        },
        meaning="of the validation images, after the last epoch; mean over seeds",
        unit="share",
        name="validation",
        text=percent,
        place=6,
        priority=13,
    ),
    Column(
        values={
            "validation_accuracy_best": lambda m: mean(
                trial.best.validation_accuracy for trial in m.done if trial.best
            )
        },
        meaning="the highest of any epoch, which flatters; mean over seeds",
        unit="share",
        name="best_epoch",
        text=percent,
        place=7,
        priority=16,
    ),
)
