"""Columns of what a model costs: seconds of training and of answers, memory, size."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from statistics import median
from typing import Any

from bench.analysis.column import (
    Column,
    ModelTrials,
    Row,
    compact,
    deviation,
    mean,
    missing,
    number,
    three_figures,
)
from bench.system.display import percent
from bench.training.record import TrialRecord

NOT_REACHED = "not reached"


def _seconds_cell(name: str, row: Row) -> str:
    """Return a mean of seconds, with its spread over seeds where there is one."""
    if missing(row.get(name)):
        return ""
    spread = row.get(f"{name}_deviation")
    return f"{row[name]:,.1f}{'' if missing(spread) else f' ± {spread:,.1f}'} s"


def _target_cell(kind: str, row: Row) -> str:
    """Return the seconds, or that it was not reached, and how often it was."""
    seconds = row.get(f"{kind}time_to_target_seconds")
    if seconds is None or missing(seconds):
        return ""
    told = NOT_REACHED if math.isinf(seconds) else f"{seconds:,.1f} s"
    reached, trainings = row[f"{kind}target_reached"], row[f"{kind}target_trainings"]
    return told if reached in (0, trainings) else f"{told} ({reached} of {trainings} reached)"


def _latency_cell(size: int, row: Row) -> str:
    seconds: list[Any] = [row.get(f"inference_batch_{size}_{p}_seconds") for p in ("p50", "p95")]
    if any(map(missing, seconds)):
        return ""
    return f"{' / '.join(three_figures(each * 1e3) for each in seconds)} ms"


def _spent(trials: Sequence[TrialRecord]) -> list[float]:
    return [trial.spent_seconds for trial in trials]


def _to_target(model: ModelTrials, trials: Sequence[TrialRecord]) -> list[float]:
    """Return the seconds of each of `trials` to the target, infinite where it was not reached."""
    if model.target is None:
        return []
    found = [trial.seconds_to(model.target) for trial in trials if trial.history]
    return [math.inf if seconds is None else seconds for seconds in found]


def _reached(seconds: Sequence[float]) -> int | None:
    return sum(map(math.isfinite, seconds)) if seconds else None


def _median(values: Sequence[float]) -> float:
    return median(values) if values else math.nan


def _latency(size: int, field: str, model: ModelTrials) -> float:
    """Return the median over seeds of a percentile of the seconds to answer `size` images."""
    times = [each for trial in model.alone for each in trial.inference if each.batch == size]
    return _median([getattr(each, field) for each in times])


def _answer_rate(size: int, model: ModelTrials) -> float:
    seconds = _latency(size, "p50_seconds", model)
    return size / seconds if seconds else math.nan


def _latency_values(size: int) -> dict[str, Callable[[ModelTrials], object]]:
    return {
        f"inference_batch_{size}_{each}": partial(_latency, size, each)
        for each in ("p50_seconds", "p95_seconds")
    }


COST_COLUMNS = (
    Column(
        values={"train_seconds": lambda m: mean(_spent(m.alone))},
        meaning="wall seconds of training, as a budget counts them: fitting the first weights, and "
        "the passes; without start-up, validation, checkpoints and test; mean over trainings "
        "(seeds, folds)",
        unit="s",
        name="training",
        cell_of=partial(_seconds_cell, "train_seconds"),
        place=8,
        priority=1,
    ),
    Column(
        values={"train_seconds_deviation": lambda m: deviation(_spent(m.alone))},
        meaning="standard deviation over trainings; empty for one",
        unit="s",
    ),
    Column(
        values={
            "train_images_per_second": lambda m: mean(
                number(trial.images_per_second) for trial in m.alone
            )
        },
        meaning="training images over the seconds of the passes alone; mean over trainings",
        unit="1/s",
        name="images_per_second",
        label="images/s",
        text="{:,.0f}".format,
        place=14,
        priority=12,
    ),
    Column(
        values={"data_wait_share": lambda m: mean(trial.data_wait_share for trial in m.alone)},
        meaning="share of `train_seconds` in which the network waited for a batch; mean over "
        "trainings",
        unit="share",
        name="data_wait",
        text=percent,
        place=15,
        priority=10,
    ),
    Column(
        values={"target_accuracy": lambda m: math.nan if m.target is None else m.target},
        meaning="the validation accuracy that times are told to (`--target`); empty without",
        unit="share",
    ),
    Column(
        values={"time_to_target_seconds": lambda m: _median(_to_target(m, m.alone))},
        meaning="of `train_seconds`, those until the end of the first epoch that validated so "
        "well; median over trainings, one that never did counting as longer than any: `not "
        "reached` where half of them did not; in JSON `null`, in Python infinite; empty without a "
        "target",
        unit="s",
        name="time_to_target",
        label="to the target",
        cell_of=partial(_target_cell, ""),
        place=12,
        priority=2,
    ),
    Column(
        values={
            "target_reached": lambda m: _reached(_to_target(m, m.alone)),
            "target_trainings": lambda m: len(_to_target(m, m.alone)) or None,
        },
        meaning="how many trainings reached it, of how many",
        whole=True,
    ),
    Column(
        values=_latency_values(1),
        meaning="median and 95th percentile of the time that the network takes to answer one image "
        "that lies on its device; median over seeds of each",
        unit="s",
        name="latency",
        label="1 image, p50/p95",
        cell_of=partial(_latency_cell, 1),
        place=16,
        priority=9,
    ),
    Column(
        values={"inference_batch_1_images_per_second": partial(_answer_rate, 1)},
        meaning="one over that median",
        unit="1/s",
        name="answers_per_second",
        label="images/s (inference)",
        text="{:,.0f}".format,
        place=18,
        priority=20,
    ),
    Column(
        values=_latency_values(32),
        meaning="the same for 32 images at once; empty where there was no memory for them",
        unit="s",
        name="latency_32",
        label="32 images, p50/p95",
        cell_of=partial(_latency_cell, 32),
        place=17,
        priority=17,
    ),
    Column(
        values={"inference_batch_32_images_per_second": partial(_answer_rate, 32)},
        meaning="32 over that median",
        unit="1/s",
        name="answers_per_second_32",
        label="images/s (inference, 32)",
        text="{:,.0f}".format,
        place=19,
        priority=15,
    ),
    Column(
        values={
            "shared_train_seconds": lambda m: mean(_spent(m.shared)),
            "shared_train_seconds_deviation": lambda m: deviation(_spent(m.shared)),
        },
        meaning="as `train_seconds` and its deviation, of the trials that had others beside them "
        "(`--jobs`, `--engine`); all columns of times above this one are of those that had none",
        unit="s",
        name="shared_training",
        label="training (shared)",
        cell_of=partial(_seconds_cell, "shared_train_seconds"),
        place=9,
        priority=1,
    ),
    Column(
        values={"shared_time_to_target_seconds": lambda m: _median(_to_target(m, m.shared))},
        meaning="as `time_to_target_seconds`, of the same trials",
        unit="s",
        name="shared_time_to_target",
        label="to the target (shared)",
        cell_of=partial(_target_cell, "shared_"),
        place=13,
        priority=2,
    ),
    Column(
        values={
            "shared_target_reached": lambda m: _reached(_to_target(m, m.shared)),
            "shared_target_trainings": lambda m: len(_to_target(m, m.shared)) or None,
        },
        meaning="how many of them reached it, of how many",
        whole=True,
    ),
    Column(
        values={"jobs": lambda m: max((trial.jobs for trial in m.done), default=None)},
        meaning="the most trials that were done at a time, here",
        whole=True,
    ),
    Column(
        values={
            "peak_bytes": lambda m: max(
                (trial.peak_bytes for trial in m.done if trial.peak_bytes), default=None
            )
        },
        meaning="the most memory that a trial's own process held at a time, pages of the pixel "
        "cache included; largest of the seeds; empty without a process of its own. On Linux, pages "
        "of libraries that the trial has not touched are not counted",
        unit="bytes",
        whole=True,
        name="memory",
        text=lambda value: f"{value / 1e6:,.0f} MB",
        place=20,
        priority=11,
    ),
    Column(
        values={"parameters": lambda m: m.first.parameters},
        meaning="numbers that the network has, at the data's number of classes; in the table in "
        "thousands, millions, thousands of millions (k, M, G)",
        whole=True,
        name="parameters",
        text=compact,
        place=21,
        priority=1,
    ),
    Column(
        values={"multiply_adds": lambda m: m.first.multiply_adds},
        meaning="of one image, of convolutions and matrix products; one is two floating-point "
        "operations; empty where they can't be counted",
        whole=True,
        name="multiply_adds",
        label="multiply-adds",
        text=compact,
        place=22,
        priority=14,
    ),
)
