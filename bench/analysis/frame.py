"""Records as rows: one for each model, one for each epoch; units stand in the names."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import fields
from statistics import median

import pandas as pd

from bench.analysis.cross_validation import merge_folds
from bench.analysis.pairwise import PairwiseComparisons
from bench.analysis.predictions import Predictions
from bench.analysis.stats import Metrics, accuracy_interval, metrics, wilson_interval
from bench.training.latency import SIZES
from bench.training.recipe import DEFAULT, Recipe
from bench.training.record import EPOCH_TIMES, SHARED, EpochRecord, TrialRecord
from bench.training.spec import TrialSpec
from registry.architecture import Architecture, Contract

BASELINE = "(majority class)"
SELECTED = "validation accuracy"
_NOTHING = PairwiseComparisons()
_NO_TRIAL = TrialRecord(  # its row knows the columns of a run that was ended before its first
    spec=TrialSpec(
        model="",
        architecture=Architecture(
            name="none",
            constructor="none:none",
            contract=Contract(input_shape=(1, 1, 1), output_shape=(2,), parameters=0),
        ),
        origin="",
        recipe=DEFAULT,
        classes=(),
        split_fingerprint="",
        seed=0,
    )
)
_COUNTS = (
    "seeds",
    "test_images",
    "test_calibration_bins",
    "peak_bytes",
    "parameters",
    "multiply_adds",
    "recipe_configurations",
    "epochs",
    "training_side",
    "target_reached",
    "target_trainings",
    "shared_target_reached",
    "shared_target_trainings",
    "jobs",
)  # whole numbers, missing ones allowed


def comparison(
    records: Sequence[TrialRecord],
    baseline: tuple[int, int],
    pairwise: PairwiseComparisons = _NOTHING,
    target: float | None = None,
) -> pd.DataFrame:
    """Return one row a model, the most accurate first, then failures, then the baseline.

    Accuracies are 0 to 1, means over seeds; `test_accuracy_low` and `test_accuracy_high` are the
    95 % interval, over other seeds and other images; for one seed, over other images. A seed of
    folds has one accuracy, over all their images; seconds and rates are means over trainings that
    had the machine to themselves, those with others at the same time having columns of their own.

    Args:
        records: trials, any number of seeds a model.
        baseline: correct and all test images when always answering the most frequent class.
        pairwise: what the answers say; columns that need it are empty without.
        target: a validation accuracy, 0 to 1; `time_to_target_seconds` is infinite where half of
            the trainings, or more, did not reach it.
    """
    models = list(dict.fromkeys(record.model for record in records))
    rows = [
        _row([record for record in records if record.model == model], pairwise, target)
        for model in models
    ]
    rows.sort(key=lambda row: -_number(row["test_accuracy"]))
    columns = list(rows[0] if rows else _row([_NO_TRIAL], pairwise, target))
    frame = pd.DataFrame([*rows, _baseline_row(*baseline)], columns=columns)
    return frame.astype(dict.fromkeys(_COUNTS, "Int64"))


def history(records: Sequence[TrialRecord]) -> pd.DataFrame:
    """Return one row an epoch of each trial; a column `fold` only where there are folds.

    `train_seconds_so_far` are those of the trial until the end of the epoch. Times of trials with
    others beside them have columns of their own, `shared_` before their names.
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
    """Return which trial it is, as columns: model, seed and, where there are folds, fold."""
    model, seed, fold = record.spec.key
    return {"model": model, "seed": seed} | ({} if fold is None else {"fold": fold})


def _row(
    trials: Sequence[TrialRecord], pairwise: PairwiseComparisons, target: float | None
) -> dict[str, object]:
    seeds = merge_folds(trials)  # a seed's folds are one test of all images, and many trainings
    tested = [seed for seed in seeds if seed.status == "ok"]
    failed = [seed for seed in seeds if seed.status != "ok"]
    whole = {seed.spec.seed for seed in tested}
    done = [trial for trial in trials if trial.spec.seed in whole]
    first = seeds[0]
    low, high = _interval(tested, pairwise.answers.get(first.model))
    accuracies = [_number(seed.test_accuracy) for seed in tested]
    return {
        "model": first.model,
        "status": failed[0].status if failed else "ok",
        "seeds": len(tested),
        "test_accuracy": _mean(accuracies),
        "test_accuracy_low": low,
        "test_accuracy_high": high,
        "test_accuracy_deviation": _deviation(accuracies),
        **_beside_best(first.model, pairwise),
        "test_images": first.test_images or None,
        **_other_figures(pairwise.answers.get(first.model)),
        "validation_accuracy_last": _mean([t.last.validation_accuracy for t in done if t.last]),
        "validation_accuracy_best": _mean([t.best.validation_accuracy for t in done if t.best]),
        **_times(done, target),
        "peak_bytes": max((t.peak_bytes for t in done if t.peak_bytes), default=None),
        "parameters": first.parameters,
        "multiply_adds": first.multiply_adds,
        "contract": first.contract,
        "recipe": first.spec.recipe.name,
        "recipe_configurations": first.spec.recipe.configurations,
        **_length(first.spec.recipe, done),
        "training_side": first.training_shape[1] if first.training_shape else None,
        "fidelity": first.spec.fidelity,
        "layout": first.layout,
        "compiled": first.spec.compiled,
        "origin": first.spec.origin,
        "trained_from": _trained_from(first.spec.architecture),
        "marks": "; ".join(dict.fromkeys(mark for trial in trials for mark in trial.marks)),
        "error": "; ".join(f"{t.spec.turn}, {t.phase}: {t.error}" for t in failed),
    }


def _times(done: Sequence[TrialRecord], target: float | None) -> dict[str, object]:
    """Return what was timed: trials that had the machine to themselves apart from the others."""
    alone = [trial for trial in done if not trial.shared]
    shared = [trial for trial in done if trial.shared]
    to_target = _to_target(alone, target)
    return {
        "train_seconds": _mean([trial.spent_seconds for trial in alone]),
        "train_seconds_deviation": _deviation([trial.spent_seconds for trial in alone]),
        "train_images_per_second": _mean([_number(trial.images_per_second) for trial in alone]),
        "data_wait_share": _mean([trial.data_wait_share for trial in alone]),
        **to_target,
        **_inference(alone),
        "shared_train_seconds": _mean([trial.spent_seconds for trial in shared]),
        "shared_train_seconds_deviation": _deviation([trial.spent_seconds for trial in shared]),
        **{f"{SHARED}{name}": value for name, value in _to_target(shared, target).items()
           if name != "target_accuracy"},
        "jobs": max((trial.jobs for trial in done), default=None),
    }  # fmt: skip


def _length(recipe: Recipe, done: Sequence[TrialRecord]) -> dict[str, object]:
    """Return how long was asked for, how long it was, and by what the tested weights were chosen.

    Medians over trainings.
    """
    steps = [trial.steps for trial in done if trial.steps is not None]
    tested = [trial.tested_epoch for trial in done if trial.tested_epoch is not None]
    trained = [trial.last.epoch for trial in done if trial.last]
    return {
        "epochs": recipe.epochs,
        "budget_seconds": math.nan if recipe.seconds is None else recipe.seconds,
        "epochs_trained": median(trained) if trained else math.nan,
        "steps_trained": median(steps) if steps else math.nan,
        "tested_epoch": median(tested) if tested else math.nan,
        "selection": "" if recipe.patience is None else SELECTED,
    }


def _to_target(done: Sequence[TrialRecord], target: float | None) -> dict[str, object]:
    """Return the median of the seconds to `target`, infinite where it was not reached."""
    found = [trial.seconds_to(target) for trial in done if trial.history and target is not None]
    reached = [math.inf if seconds is None else seconds for seconds in found]
    return {
        "target_accuracy": math.nan if target is None else target,
        "time_to_target_seconds": median(reached) if reached else math.nan,
        "target_reached": sum(seconds is not None for seconds in found) if found else None,
        "target_trainings": len(found) or None,
    }


def _trained_from(architecture: Architecture) -> str:
    """Return what the training began with: the name of trained weights, or nothing."""
    arguments = dict(architecture.arguments)
    if not arguments.get("pretrained"):
        return ""
    return f"{architecture.weights}{', head alone' if arguments.get('frozen') else ''}"


def _baseline_row(correct: int, images: int) -> dict[str, object]:
    low, high = wilson_interval(correct, images)
    return {
        "model": BASELINE,
        "status": "baseline",
        "test_accuracy": correct / images,
        "test_accuracy_low": low,
        "test_accuracy_high": high,
        "test_images": images,
        "trained_from": "",
        "selection": "",
        "marks": "",
        "error": "",
    }


def _beside_best(model: str, pairwise: PairwiseComparisons) -> dict[str, object]:
    """Return the accuracy less that of the best model, with its interval, and the letters."""
    difference = low = high = math.nan
    found = pairwise.pair(model, pairwise.best) if pairwise.best else None
    if model == pairwise.best:
        difference = 0.0
    elif found is not None:
        sign = 1 if found.first == model else -1
        ends = (sign * found.found.low, sign * found.found.high)
        difference, low, high = sign * found.found.difference, min(ends), max(ends)
    return {
        "difference_to_best": difference,
        "difference_low": low,
        "difference_high": high,
        "group": pairwise.groups.get(model, ""),
    }


def _inference(done: Sequence[TrialRecord]) -> dict[str, object]:
    """Return latency and throughput by batch size: medians over seeds of p50s and of p95s."""
    row: dict[str, object] = {}
    for size in SIZES:
        found = [each for trial in done for each in trial.inference if each.batch == size]
        p50 = median(each.p50_seconds for each in found) if found else math.nan
        p95 = median(each.p95_seconds for each in found) if found else math.nan
        name = f"inference_batch_{size}"
        row |= {f"{name}_p50_seconds": p50, f"{name}_p95_seconds": p95}
        row[f"{name}_images_per_second"] = size / p50 if p50 else math.nan
    return row


def _other_figures(answers: Predictions | None) -> dict[str, object]:
    """Return the means over seeds of what is told beside accuracy; none without answers."""
    if answers is None:
        return dict.fromkeys((f"test_{each.name}" for each in fields(Metrics)), math.nan)
    found = [metrics(answers.labels, each) for each in answers.probabilities]
    names = [each.name for each in fields(Metrics)]
    return {f"test_{name}": _mean([getattr(each, name) for each in found]) for name in names}


def _interval(done: Sequence[TrialRecord], answers: Predictions | None) -> tuple[float, float]:
    if answers is not None and len(answers.seeds) > 1:
        return accuracy_interval(answers.correct)
    if len(done) != 1:
        return math.nan, math.nan
    trial = done[0]
    return wilson_interval(
        round(_number(trial.test_accuracy) * trial.test_images), trial.test_images
    )


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) and not math.isnan(value) else -math.inf


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan


def _deviation(values: Sequence[float]) -> float:
    if len(values) < 2:
        return math.nan
    mean = _mean(values)
    return math.sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1))
