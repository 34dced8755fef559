"""Whole runs whose records are made by code, without training, for the tests of the report."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
from made_answers import World

from bench.data.decode import thumbnail
from bench.runs.store import Store
from bench.training.evaluation import Evaluation
from bench.training.recipe import DEFAULT
from bench.training.record import EpochRecord, TrialRecord, TrialResult
from bench.training.spec import TrialSpec
from registry.architecture import Architecture, Contract

_WORLD = World(accuracy=0.75, images=1.2, seeds=0.15, own=0.7)
_DATE = "2026-01-02T03:04:05+00:00"


def about(images, classes, **changes):
    """Return what a store says of a run with these test images."""
    parts = {"train": [4] * len(classes), "test": [len(images)] * len(classes)}
    return {
        "title": "photographs: 336/72/72 images (train/validation/test, stratified), "
        "recipe default, 10 epochs, cpu",
        "request": {"models": []},
        "environment": {
            "started": _DATE,
            "command": ["zoo", "bench", "--models", "one two"],
            "python": "3.11.7",
            "packages": {"torch": "2.14.1", "timm": None},
            "platform": "Linux",
            "cpu": "made",
            "cores": 2,
            "load_1_minute": 0.5,
            "device": "cpu",
            "device_name": "made",
        },
        "recipe": {"name": "default", "augmentation": {"flip": 0.5}},
        "data": "photographs",
        "classes": list(classes),
        "rejects": [{"name": "broken.jpg", "reason": "not an image", "by_name": False}],
        "split": {
            "name": "stratified",
            "fingerprint": "f" * 64,
            "train": ["t.jpg"],
            "validation": ["v.jpg"],
            "test": list(images),
        },
        "manifest": {
            "images": 480,
            "bytes": 12_345_678,
            "classes": dict.fromkeys(classes, 240),
            "parts": parts,
            "duplicates": [{"images": ["dog.74.jpg", "dog.180.jpg"], "identical": False}],
        },
        "baseline": [len(images) // 2, len(images)],
    } | changes


def specification(model, seed, classes, place=0):
    """Return the specification of a trial."""
    contract = Contract(
        input_shape=(3, 32, 32), output_shape=(len(classes),), parameters=10_000 * 3**place
    )
    return TrialSpec(
        model=model,
        architecture=Architecture(
            name="net", constructor="nowhere:Net", contract=contract, source="made, 2026"
        ),
        origin="tests 1.0",
        recipe=replace(DEFAULT, epochs=8),
        classes=tuple(classes),
        split_fingerprint="f" * 64,
        seed=seed,
    )


def history(generator, accuracy, pace, epochs=8):
    """Return epochs that come to about `accuracy`, `pace` seconds each."""
    found = []
    for epoch in range(1, epochs + 1):
        reached = 0.5 + (accuracy - 0.5) * (1 - 0.6**epoch) + generator.normal(0, 0.008)
        found.append(
            EpochRecord(
                epoch=epoch,
                train_loss=0.7 * 0.8**epoch,
                train_accuracy=min(1.0, reached + 0.02 * epoch / 4),
                validation_loss=0.75 - 0.5 * (reached - 0.5) + 0.01 * epoch,
                validation_accuracy=float(reached),
                learning_rate=1e-3,
                train_seconds=pace * (1 + 0.05 * float(generator.random())),
                data_wait_seconds=0.03 * pace,
            )
        )
    return tuple(found)


def results_of_trials(models, seeds, images, classes):
    """Return the results of all trials in the order of a plan, the later models the better."""
    generator = np.random.default_rng(7)
    apart = np.linspace(-0.08, 0.12, len(models))
    correct = _WORLD.correct(generator, len(models), seeds, len(images), apart)
    labels = np.arange(len(images)) % len(classes)
    return [
        _trial(generator, model, place, seed, correct[place, seed], labels, classes)
        for seed in range(seeds)
        for place, model in enumerate(models)
    ]


def _trial(generator, model, place, seed, correct, labels, classes):
    wrong = (labels + 1 + generator.integers(0, len(classes) - 1, len(labels))) % len(classes)
    said = np.where(correct, labels, wrong)
    sure = np.where(correct, generator.beta(5, 1.5, len(labels)), generator.beta(2, 2, len(labels)))
    top = 1 / len(classes) + (1 - 1 / len(classes)) * (0.05 + 0.94 * sure)
    probabilities = np.repeat(((1 - top) / (len(classes) - 1))[:, None], len(classes), axis=1)
    np.put_along_axis(probabilities, said[:, None], top[:, None], axis=1)
    accuracy, pace = float(correct.mean()), 1.4 ** (place + 1)
    epochs = history(generator, accuracy, pace)
    record = TrialRecord(
        spec=specification(model, seed, classes, place % 9),
        status="ok",
        phase="done",
        contract="verified on meta",
        parameters=10_000 * 3 ** (place % 9) + place,
        history=epochs,
        train_seconds=sum(epoch.train_seconds for epoch in epochs),
        startup_seconds=1.5,
        evaluation_seconds=0.6 * pace,
        data_wait_seconds=0.24 * pace,
        checkpoint_seconds=0.05 * pace,
        images_per_second=300 / pace,
        test_loss=0.5,
        test_accuracy=accuracy,
        test_images=len(labels),
        peak_bytes=400_000_000 + 30_000_000 * place,
    )
    test = Evaluation(
        labels=labels,
        probabilities=probabilities.astype(np.float32),
        loss=0.5,
        accuracy=accuracy,
    )
    return TrialResult(record=record, test=test)


def picture(number, size=160):
    """Return a JPEG of blots, another for each number."""
    blots = np.random.default_rng(number).integers(0, 256, (12, 12, 3), dtype=np.uint8)
    return thumbnail(np.kron(blots, np.ones((size // 12 + 1, size // 12 + 1, 1), np.uint8)))


def make_run(
    folder: Path,
    *,
    models=("lenet5", "lenet", "alexnet"),
    seeds=6,
    images=None,
    classes=("cat", "dog"),
    change=lambda number, result: result,
    pictures=True,
    **changes,
) -> Path:
    """Write a run's store and return its folder.

    Args:
        folder: where runs are.
        models: their names.
        seeds: how many.
        images: names of the test images.
        classes: their names.
        change: is given number and result of each trial; None leaves it to be done.
        pictures: keep a thumbnail of each image.
        **changes: of what the store says of the run.
    """
    images = images or tuple(f"{'cat' if n % 2 == 0 else 'dog'}.{n}.jpg" for n in range(72))
    path = folder / "0001-made"
    path.mkdir(parents=True)
    trials = results_of_trials(models, seeds, images, classes)
    plan = [trial.record.spec for trial in trials]
    with closing(Store.create(path / "run.db", about(images, classes, **changes), plan)) as store:
        for number, trial in enumerate(trials):
            result = change(number, trial)
            if result is not None:
                store.finish(number, result)
        if pictures:
            store.thumbnails.keep({name: picture(n) for n, name in enumerate(images)})
    return path


def alike(number, trial):
    """Return the result of a trial with the answers of a coin."""
    answers = np.random.default_rng(number).random((72, 2)).astype(np.float32)
    accuracy = float((answers.argmax(axis=1) == trial.test.labels).mean())
    test = replace(trial.test, probabilities=answers / answers.sum(axis=1, keepdims=True))
    record = replace(trial.record, test_accuracy=accuracy)
    return replace(trial, record=record, test=replace(test, accuracy=accuracy))
