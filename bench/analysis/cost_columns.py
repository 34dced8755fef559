"""Columns of cost: training time, inference time, memory and size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

from bench.analysis.column import (
    Column,
    ModelTrials,
    Row,
    compact,
    deviation,
    mean,
    median_of,
    missing,
    number,
    three_figures,
)
from bench.system.display import percent
from bench.training.record import TrialRecord

NOT_REACHED = "not reached"
_RATE = "{:,.0f}".format


def _seconds_cell(name: str, row: Row) -> str:
    """Return the mean seconds, with the spread over seeds if known."""
    if missing(row.get(name)):
        return ""
    spread = row.get(f"{name}_deviation")
    return f"{row[name]:,.1f}{'' if missing(spread) else f' ± {spread:,.1f}'} s"


def _target_cell(kind: str, row: Row) -> str:
    """Return the seconds or `not reached`, and how many trainings reached the target."""
    seconds = row.get(f"{kind}time_to_target_seconds")
    if seconds is None or missing(seconds):
        return ""
    text = NOT_REACHED if math.isinf(seconds) else f"{seconds:,.1f} s"
    reached, trainings = row[f"{kind}target_reached"], row[f"{kind}target_trainings"]
    return text if reached in (0, trainings) else f"{text} ({reached} of {trainings} reached)"


def _latency_cell(size: int, row: Row) -> str:
    seconds: list[Any] = [row.get(f"inference_batch_{size}_{p}_seconds") for p in ("p50", "p95")]
    shown = [three_figures(each * 1e3) for each in seconds if not missing(each)]
    return f"{' / '.join(shown)} ms" if shown else ""


def _spent(trials: Sequence[TrialRecord]) -> list[float]:
    return [trial.spent_seconds for trial in trials]


def _to_target(model: ModelTrials, trials: Sequence[TrialRecord]) -> list[float]:
    """Return the seconds to the target of each of `trials`; infinite if not reached."""
    if model.target is None:
        return []
    found = [trial.seconds_to(model.target) for trial in trials if trial.history]
    return [math.inf if seconds is None else seconds for seconds in found]


def _reached(seconds: Sequence[float]) -> int | None:
    return sum(map(math.isfinite, seconds)) if seconds else None


def _latency(size: int, field: str, model: ModelTrials) -> float:
    """Return the median over seeds of a percentile of the inference time of `size` images."""
    times = [each for trial in model.alone for each in trial.inference if each.batch == size]
    return median_of(getattr(each, field) for each in times)


def _answer_rate(size: int, model: ModelTrials) -> float:
    seconds = _latency(size, "p50_seconds", model)
    return size / seconds if seconds else math.nan


COST_COLUMNS = (
    Column("train_seconds", lambda m: mean(_spent(m.alone)),
           "wall time of training, as a budget counts it: fitting the first weights, and the "
           "training passes; without start-up, validation, checkpoints and test; mean over "
           "trainings (seeds, folds)", "s",
           name="training", cell_of=partial(_seconds_cell, "train_seconds"), place=8, priority=2),
    Column("train_seconds_deviation", lambda m: deviation(_spent(m.alone)),
           "standard deviation of `train_seconds` over trainings; empty for one training", "s"),
    Column("train_images_per_second",
           lambda m: mean(number(trial.images_per_second) for trial in m.alone),
           "training images per second of the training passes; mean over trainings", "1/s",
           name="images_per_second", label="images/s", text=_RATE, place=14, priority=12),
    Column("data_wait_share", lambda m: mean(trial.data_wait_share for trial in m.alone),
           "share of `train_seconds` spent waiting for a batch; mean over trainings",
           "share", name="data_wait", text=percent, place=15, priority=10),
    Column("target_accuracy", lambda m: math.nan if m.target is None else m.target,
           "validation accuracy of the target (`--target`); empty without a target", "share"),
    Column("time_to_target_seconds", lambda m: median_of(_to_target(m, m.alone)),
           "part of `train_seconds` until the end of the first epoch that reaches the target; "
           "median over trainings, with infinity for a training that misses it. If half miss it: "
           "`not reached` in the table, `null` in JSON, infinite in Python; empty without a target",
           "s", name="time_to_target", label="to the target", cell_of=partial(_target_cell, ""),
           place=12, priority=2),
    Column("target_reached", lambda m: _reached(_to_target(m, m.alone)),
           "number of trainings that reached the target", whole=True),
    Column("target_trainings", lambda m: len(_to_target(m, m.alone)) or None,
           "number of trainings in total, for `target_reached`", whole=True),
    Column("inference_batch_1_p50_seconds", partial(_latency, 1, "p50_seconds"),
           "median inference time of one image that is on the device; median over seeds; in the "
           "table together with the 95th percentile", "s",
           name="latency", label="1 image, p50/p95", cell_of=partial(_latency_cell, 1), place=16,
           priority=9),
    Column("inference_batch_1_p95_seconds", partial(_latency, 1, "p95_seconds"),
           "95th percentile of that inference time; median over seeds; empty below 20 passes", "s"),
    Column("inference_batch_1_images_per_second", partial(_answer_rate, 1),
           "images per second at the median inference time of one image", "1/s",
           name="answers_per_second", label="images/s (inference)", text=_RATE, place=18,
           priority=20),
    Column("inference_batch_32_p50_seconds", partial(_latency, 32, "p50_seconds"),
           "median inference time of 32 images at once; empty without enough memory", "s",
           name="latency_32", label="32 images, p50/p95", cell_of=partial(_latency_cell, 32),
           place=17, priority=17),
    Column("inference_batch_32_p95_seconds", partial(_latency, 32, "p95_seconds"),
           "95th percentile of that inference time; median over seeds; empty below 20 passes", "s"),
    Column("inference_batch_32_images_per_second", partial(_answer_rate, 32),
           "images per second at the median inference time of 32 images", "1/s",
           name="answers_per_second_32", label="images/s (inference, 32)", text=_RATE, place=19,
           priority=15),
    Column("shared_train_seconds", lambda m: mean(_spent(m.shared)),
           "`train_seconds` of the trials that shared the machine with others (`--jobs`, "
           "`--engine`); the columns of times above describe the trials that ran alone", "s",
           name="shared_training", label="training (shared)",
           cell_of=partial(_seconds_cell, "shared_train_seconds"), place=9, priority=2),
    Column("shared_train_seconds_deviation", lambda m: deviation(_spent(m.shared)),
           "standard deviation of `shared_train_seconds` over trainings; empty for one training",
           "s"),
    Column("shared_time_to_target_seconds", lambda m: median_of(_to_target(m, m.shared)),
           "`time_to_target_seconds` of the trials that shared the machine", "s",
           name="shared_time_to_target", label="to the target (shared)",
           cell_of=partial(_target_cell, "shared_"), place=13, priority=2),
    Column("shared_target_reached", lambda m: _reached(_to_target(m, m.shared)),
           "number of these trainings that reached the target", whole=True),
    Column("shared_target_trainings", lambda m: len(_to_target(m, m.shared)) or None,
           "number of these trainings in total", whole=True),
    Column("jobs", lambda m: max((trial.jobs for trial in m.done), default=None),
           "highest number of trials that ran at the same time", whole=True),
    Column("peak_bytes",
           lambda m: max((trial.peak_bytes for trial in m.done if trial.peak_bytes), default=None),
           "peak memory of a trial's own process, with pages of the pixel cache; largest over "
           "seeds; empty without an own process. Linux does not count untouched pages of "
           "libraries", "bytes", whole=True,
           name="memory", text=lambda value: f"{value / 1e6:,.0f} MB", place=20, priority=11),
    Column("parameters", lambda m: m.first.parameters,
           "number of parameters of the network, for the number of classes in the data; in the "
           "table in thousands, millions or billions (k, M, G)", whole=True,
           name="parameters", label="params", text=compact, place=21, priority=3),
    Column("multiply_adds", lambda m: m.first.multiply_adds,
           "multiply-adds of one image in convolutions and matrix products; each is two "
           "floating-point operations; empty if not countable", whole=True,
           name="multiply_adds", label="multiply-adds", text=compact, place=22, priority=14),
)  # fmt: skip
