"""Records and results of trials that nobody has trained, for what is made from them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from bench.analysis.results import Results
from bench.runs.run_results import RunResults
from bench.training.evaluation import Evaluation
from bench.training.recipe import DEFAULT
from bench.training.record import EpochRecord, InferenceTime, TrialRecord
from bench.training.spec import TrialSpec
from zoo import ALEXNET, LENET

IMAGES = 92


def made_spec(model="lenet", seed=0, **changes):
    """Return the specification of a trial of three epochs."""
    fields = {
        "model": model,
        "architecture": LENET if model == "lenet" else ALEXNET,
        "origin": "zoo-bench 0.1.0",
        "recipe": replace(DEFAULT, epochs=3),
        "classes": ("cat", "dog"),
        "split_fingerprint": "0" * 64,
        "seed": seed,
    }
    return TrialSpec(**fields | changes)


def made_epoch(epoch=1, **changes):
    """Return the record of an epoch of 12.5 seconds."""
    fields = {
        "epoch": epoch,
        "train_loss": 0.7 - 0.1 * epoch,
        "train_accuracy": 0.5 + 0.1 * epoch,
        "validation_loss": 0.69,
        "validation_accuracy": 0.5 + 0.05 * epoch,
        "learning_rate": 1e-3,
        "train_seconds": 12.5,
        "data_wait_seconds": 0.25,
    }
    return EpochRecord(**fields | changes)


def made_record(model="lenet", seed=0, accuracy=0.75, **changes):
    """Return the record of a trial that ended well."""
    fields = {
        "spec": made_spec(model, seed),
        "status": "ok",
        "phase": "done",
        "contract": "verified (meta)",
        "layout": "channels_last",
        "parameters": 46_038_242 if model == "lenet" else 42_321_218,
        "multiply_adds": 165_432_000,
        "history": tuple(made_epoch(epoch) for epoch in (1, 2, 3)),
        "train_seconds": 37.5 + seed,
        "data_wait_seconds": 0.75,
        "images_per_second": 26.88,
        "test_loss": 0.6,
        "test_accuracy": accuracy,
        "test_images": IMAGES,
        "inference": (
            InferenceTime(batch=1, repetitions=50, p50_seconds=0.0184, p95_seconds=0.0212),
            InferenceTime(batch=32, repetitions=10, p50_seconds=0.41, p95_seconds=0.4567),
        ),
        "peak_bytes": 1_234_567_890,
        "digest": "f" * 64,
    }
    return TrialRecord(**fields | changes)


def made_failure(model="vgg16", seed=0, **changes):
    """Return the record of a trial for which there was no memory."""
    fields = {"status": "out-of-memory", "phase": "train", "error": "no memory", "test_loss": None,
              "test_accuracy": None, "test_images": 0, "inference": (), "history": ()}  # fmt: skip
    return made_record(model, seed, **fields | changes)


def made_results(models=("alexnet", "lenet"), seeds=6, failed=(), folder=Path("runs/0001-made")):
    """Return results of `models`, each less accurate than the one before, and of failures."""
    records, tests = [], {}
    for seed in range(seeds):
        for place, model in enumerate(models):
            test = _answers(0.9 - 0.15 * place, [seed, place])
            records.append(made_record(model, seed, test.accuracy))
            tests[model, seed] = test
    records += [made_failure(model) for model in failed]
    about = {
        "title": "photographs: 336/72/92 images (train/validation/test), 3 epochs, cpu",
        "baseline": [IMAGES // 2, IMAGES],
        "split": {"test": [f"{place}.jpg" for place in range(IMAGES)]},
    }
    return RunResults.from_records(folder, about, records, planned=len(records), tests=tests)


def untested_results(records):
    """Return results of `records`, whose answers nobody has kept."""
    about = {"title": "", "baseline": [1, 2], "split": {"test": []}}
    return RunResults.from_records(Path("runs/1"), about, records, planned=len(records))


def renamed(results: Results, old: str, new: str):
    """Return `results` with a model called otherwise, in its table."""
    return replace(results, frame=results.frame.replace({"model": {old: new}}))


def _answers(accuracy, seed):
    right = np.random.default_rng(seed).random(IMAGES) < accuracy
    labels = np.arange(IMAGES) % 2
    predicted = np.where(right, labels, 1 - labels)
    probabilities = np.full((IMAGES, 2), 0.2, np.float32)
    probabilities[np.arange(IMAGES), predicted] = 0.8
    share = float(right.mean())
    return Evaluation(labels=labels, probabilities=probabilities, loss=0.6, accuracy=share)
