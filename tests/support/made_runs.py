"""Run folders whose answers are made, not trained, and the same with a loss planted."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from made_answers import WORLDS, made

from bench.runs.store import Store
from bench.training.evaluation import Evaluation
from bench.training.recipe import DEFAULT
from bench.training.record import TrialRecord, TrialResult
from bench.training.spec import TrialSpec
from registry.architecture import Architecture, Contract

ENVIRONMENT: dict[str, Any] = {
    "started": "2026-01-01T00:00:00+00:00",
    "python": "3.11.7",
    "packages": {"zoo-bench": "0.1.0", "torch": "2.14.1"},
    "cpu": "made",
    "cpu_capability": "AVX2",
    "cores": 2,
    "device_name": "made",
    "code": {},
}


def spec(model, seed, **changes):
    """Return what is asked of a trial that nobody does."""
    fields = {
        "architecture": Architecture(
            name="made",
            constructor="nowhere:Network",
            contract=Contract(input_shape=(3, 8, 8), output_shape=(2,), parameters=1000),
        ),
        "origin": "tests",
        "recipe": DEFAULT,
        "classes": ("cat", "dog"),
        "split_fingerprint": "0" * 64,
    }
    return TrialSpec(model=model, seed=seed, **fields | changes)


def correct(seeds=6, images=300, accuracy=0.8, world="even", seed=1):
    """Return answers of one model (S, N), true for right."""
    differences = np.array([accuracy - WORLDS[world].accuracy])
    return WORLDS[world].correct(np.random.default_rng(seed), 1, seeds, images, differences)[0]


def result(asked, right, seconds=10.0, parameters=1000, **changes):
    """Return what came of a trial that answered its images as `right` (N,) says."""
    answers = made(right[None])
    test = Evaluation(
        labels=answers.labels,
        probabilities=answers.probabilities[0].astype(np.float32),
        loss=0.5,
        accuracy=float(right.mean()),
    )
    told = {"status": "ok", "phase": "done", "parameters": parameters, "train_seconds": seconds,
            "contract": "verified (meta)", "test_loss": 0.5, "test_accuracy": test.accuracy,
            "test_images": len(right)}  # fmt: skip
    record = TrialRecord(spec=asked, **told | changes)
    return TrialResult(record=record, test=test if record.status == "ok" else None)


def make_run(folder, models, *, seconds=None, environment=None, seeds=None, split=None, **changes):
    """Write a run of `models`, a name and its answers (S, N) each, into `folder` and return it.

    Args:
        folder: to be made.
        models: what was right, by name.
        seconds: of each seed's training, by name; about 10 if not given.
        environment: what of it is another than `ENVIRONMENT`.
        seeds: 0, 1, 2 and so on if not given.
        split: what is said of the split besides the names in its parts.
        changes: of the specifications.
    """
    first = next(iter(models.values()))
    seeds = tuple(range(len(first))) if seeds is None else seeds
    specs = [spec(model, seed, **changes) for seed in seeds for model in models]
    results = [
        result(spec(model, seed, **changes), models[model][place], _seconds(seconds, model, place))
        for place, seed in enumerate(seeds)
        for model in models
    ]
    about = {
        "title": "made",
        "baseline": [first.shape[1] // 2, first.shape[1]],
        "request": {},
        "environment": ENVIRONMENT | (environment or {}),
        "split": {
            "train": ["train.jpg"],
            "validation": [],
            "test": [f"{place}.jpg" for place in range(first.shape[1])],
            **(split or {}),
        },
    }
    return _write(folder, about, specs, enumerate(results))


def altered(source, folder, change):
    """Write the run in `source` again into `folder`, each trial's result as `change` returns it.

    `change` is called with a TrialResult; where it returns None the trial is not begun.
    """
    with closing(Store.open(source / "run.db", read_only=True)) as store:
        about, trials = store.about(), store.trials()
    kept = [(t.number, change(TrialResult(record=t.record, test=t.test))) for t in trials]
    specs = [trial.spec for trial in trials]
    return _write(folder, about, specs, [(n, each) for n, each in kept if each is not None])


def with_loss(share, model=None):
    """Return a `change` that makes `share` of all answers of `model` wrong, the same images each.

    They are taken from those that the seed had right, evenly, so that exactly so much is lost.
    """

    def change(result):
        if model not in (None, result.record.model):
            return result
        test = result.test
        right = np.flatnonzero(test.predicted == test.labels)
        count = round(share * len(test.labels))
        lost = right[np.linspace(0, len(right) - 1, count).astype(int)]
        probabilities = test.probabilities.copy()
        probabilities[lost] = probabilities[lost, ::-1]
        accuracy = test.accuracy - count / len(test.labels)
        changed = replace(test, probabilities=probabilities, accuracy=accuracy)
        return replace(result, record=replace(result.record, test_accuracy=accuracy), test=changed)

    return change


def _seconds(seconds, model, place):
    return float(10 + 0.01 * place if seconds is None else seconds[model][place])


def _write(folder, about, specs, results) -> Path:
    folder.mkdir(parents=True)
    with closing(Store.create(folder / "run.db", about, specs)) as store:
        for number, each in results:
            store.finish(number, each)
    return folder
