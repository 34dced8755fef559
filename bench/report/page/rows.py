"""What each chart shows, as plain values under fixed names: no name of a stranger is a field."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.analysis.frame import BASELINE
from bench.analysis.predictions import Predictions
from bench.system.display import short
from bench.training.record import TrialRecord, comparable_times

if TYPE_CHECKING:
    from bench.analysis.results import Results

Row = dict[str, Any]
_LABEL_CELLS = 24
_MOST_BINS, _LEAST_ANSWERS = 10, 10
PARTS = ("start-up", "first weights", "compile", "data wait", "steps", "evaluation", "checkpoints")


def labels(results: Results) -> dict[str, str]:
    """Return what each model is called in charts, in the table's order; no two are called alike."""
    found: dict[str, str] = {}
    for name in results.frame["model"]:
        if name == BASELINE:
            continue
        label = short(str(name), _LABEL_CELLS)
        taken = set(found.values())
        found[name] = f"{label} ({len(found) + 1})" if label in taken else label
    return found


def points(results: Results) -> list[Row]:
    """Return one row for each model that was tested, with its costs."""
    named, rows = labels(results), list[Row]()
    seconds = "shared_train_seconds" if shares(results) else "train_seconds"
    for row in results.frame.to_dict("records"):
        if row["model"] in named and finite(row["test_accuracy"]) is not None:
            rows.append(
                {
                    "model": named[row["model"]],
                    "rank": len(rows) + 1,
                    "accuracy": finite(row["test_accuracy"]),
                    "low": finite(row["test_accuracy_low"]),
                    "high": finite(row["test_accuracy_high"]),
                    "seconds": finite(row[seconds]),
                    "parameters": finite(row["parameters"]),
                }
            )
    return rows


def shares(results: Results) -> bool:
    """Say whether the times shown are those of a machine that trials have shared."""
    return any(record.shared for record in comparable_times(results.records))


def seed_points(results: Results) -> list[Row]:
    """Return one row for each trial that was tested: model and accuracy."""
    named = labels(results)
    return [
        {"model": named[record.model], "accuracy": finite(record.test_accuracy)}
        for record in results.records
        if record.status == "ok" and finite(record.test_accuracy) is not None
    ]


def pareto_front(rows: Sequence[Row], cost: str) -> list[Row]:
    """Return those of `rows` that no other beats in accuracy at no more `cost`, the cheapest first.

    That is the Pareto front.
    """
    best, found = -math.inf, []
    priced = [row for row in rows if row[cost] is not None]
    for row in sorted(priced, key=lambda row: (row[cost], -row["accuracy"])):
        if row["accuracy"] > best:
            found.append(row)
            best = row["accuracy"]
    return found


def curves(results: Results, models: Sequence[str]) -> list[Row]:
    """Return one row for each epoch of `models`: means over seeds, the least and the most."""
    named, rows = labels(results), list[Row]()
    for model in models:
        trials = _with_history(results.records, model)
        for epoch in sorted({each.epoch for trial in trials for each in trial.history}):
            there = [each for trial in trials for each in trial.history if each.epoch == epoch]
            row = {"model": named[model], "epoch": epoch, "seeds": len(there)}
            for name in ("accuracy", "loss"):
                row |= _seed_range(name, [getattr(each, f"validation_{name}") for each in there])
            rows.append(row | _seed_range("training", [each.train_loss for each in there]))
    return rows


def spending(results: Results, models: Sequence[str]) -> list[Row]:
    """Return one row for each epoch: training seconds so far and validation accuracy, means.

    A trial that made fewer epochs than another, by its budget or its patience, counts in those it
    did not make with its last: so the last row is where all of them ended.
    """
    named, rows = labels(results), list[Row]()
    for model in models:
        trials = _with_history(comparable_times(results.records), model)
        walks = [[*zip(trial.seconds_so_far, trial.history, strict=True)] for trial in trials]
        for number in range(max(map(len, walks), default=0)):
            ends = [walk[min(number, len(walk) - 1)] for walk in walks]
            rows.append(
                {
                    "model": named[model],
                    "epoch": number + 1,
                    "seconds": _mean([seconds for seconds, _ in ends]),
                    "accuracy": _mean([epoch.validation_accuracy for _, epoch in ends]),
                }
            )
    return [row for row in rows if row["seconds"] and row["accuracy"] is not None]


def given_budget(results: Results) -> float | None:
    """Return the seconds of training that each model was given, if all were given the same."""
    given = {record.spec.recipe.seconds for record in results.records}
    return given.pop() if len(given) == 1 else None


def quickest(rows: Sequence[Row]) -> float | None:
    """Return the seconds that every model of `spending` took at least, if there are two."""
    totals: dict[str, float] = {}
    for row in rows:
        totals[row["model"]] = max(row["seconds"], totals.get(row["model"], 0.0))
    return min(totals.values()) if len(totals) > 1 else None


def target(results: Results) -> float | None:
    """Return the validation accuracy to which times are told, 0 to 1, if there is one."""
    found = results.frame["target_accuracy"].dropna()
    return finite(float(found.iloc[0])) if len(found) else None


def at_budget(rows: Sequence[Row], seconds: float) -> list[Row]:
    """Return for each model its last row of `spending` within `seconds`, if any; the best first.

    With infinite seconds, its last.
    """
    last: dict[str, Row | None] = dict.fromkeys(row["model"] for row in rows)
    for row in rows:
        if row["seconds"] <= seconds:
            last[row["model"]] = row
    found = [row or {"model": model, "accuracy": None} for model, row in last.items()]
    return sorted(found, key=lambda row: 1.0 if row["accuracy"] is None else -row["accuracy"])


def calibration(results: Results, models: Sequence[str]) -> list[Row]:
    """Return one row a bin of equally many answers: mean confidence, and the share right."""
    named, answers = labels(results), results.pairwise.answers
    return [
        {"model": named[model], **row}
        for model in models
        if model in answers
        for row in _reliability(answers[model])
    ]


def times(results: Results) -> list[Row]:
    """Return one row for each model and part of a trial, in seconds, means over seeds."""
    named, rows = labels(results), list[Row]()
    for model, label in named.items():
        trials = [
            r for r in comparable_times(results.records) if r.model == model and r.train_seconds
        ]
        if trials:
            parts = zip(PARTS, np.mean([_parts(each) for each in trials], axis=0), strict=True)
            rows += [
                {"model": label, "part": part, "place": place, "seconds": finite(value)}
                for place, (part, value) in enumerate(parts)
            ]
    return rows


def finite(value: Any) -> float | None:
    """Return a number with six digits, or None for what is missing or not finite."""
    if value is None or not isinstance(value, int | float | np.floating | np.integer):
        return None
    return float(f"{value:.6g}") if math.isfinite(value) else None


def _with_history(records: Iterable[TrialRecord], model: str) -> list[TrialRecord]:
    """Return the trials of `model` that ended well, or, where none did, those that began."""
    begun = [record for record in records if record.model == model and record.history]
    return [record for record in begun if record.status == "ok"] or begun


def _seed_range(name: str, values: Sequence[float]) -> Row:
    known = [value for value in values if math.isfinite(value)]
    return {
        name: _mean(known),
        f"{name}_low": finite(min(known, default=None)),
        f"{name}_high": finite(max(known, default=None)),
    }


def _mean(values: Sequence[float]) -> float | None:
    return finite(sum(values) / len(values)) if values else None


def _reliability(answers: Predictions) -> list[Row]:
    """Return the bins of one model, the answers of all its seeds together."""
    confidence = answers.probabilities.max(axis=2).ravel()
    right = answers.correct.ravel()
    bins = max(1, min(_MOST_BINS, len(right) // _LEAST_ANSWERS))
    order = np.lexsort((right, confidence))
    return [
        {
            "confidence": finite(confidence[part].mean()),
            "accuracy": finite(right[part].mean()),
            "answers": len(part),
        }
        for part in np.array_split(order, bins)
    ]


def _parts(record: TrialRecord) -> list[float]:
    return [
        record.startup_seconds,
        record.initialization_seconds,
        record.compile_seconds,
        record.data_wait_seconds,
        max(0.0, record.train_seconds - record.data_wait_seconds),
        record.evaluation_seconds,
        record.checkpoint_seconds,
    ]
