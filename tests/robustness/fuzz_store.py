"""Records damaged at random, and what is read of them."""

from __future__ import annotations

import random
import tempfile
from collections import Counter
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from mutants import mutant, no_hang

from bench.runs.run_list import list_runs
from bench.runs.store import Store
from bench.runs.stored_runs import read_run
from bench.training.evaluation import Evaluation
from bench.training.recipe import DEFAULT
from bench.training.record import EpochRecord, TrialRecord, TrialResult
from bench.training.spec import TrialSpec
from registry.architecture import Architecture, Contract
from registry.errors import RunError

ABOUT: dict[str, Any] = {
    "title": "cats \udcff and dogs",
    "baseline": [2, 4],
    "request": {},
    "environment": {"started": "2024-01-01T00:00:00+00:00"},
    "split": {"test": ["cat.0.jpg", "d\udce9g.1.jpg"]},
}


def spec(number: int) -> TrialSpec:
    """Return a small specification, one for each number."""
    return TrialSpec(
        model=f"model_{number}",
        architecture=Architecture(
            name=f"model_{number}",
            constructor="nowhere:Network",
            contract=Contract(input_shape=(1, 4, 4), output_shape=(2,), parameters=40),
        ),
        origin="tests",
        recipe=replace(DEFAULT, epochs=2),
        classes=("c\udcffat", "dog"),
        split_fingerprint="0" * 64,
        seed=0,
    )


def result(number: int, **changes: Any) -> TrialResult:
    """Return what came of a trial, one for each number."""
    generator = torch.Generator().manual_seed(number)
    history = tuple(
        EpochRecord(
            epoch=epoch,
            train_loss=0.1 + epoch,
            train_accuracy=1 / 3,
            validation_loss=0.7,
            validation_accuracy=0.5,
            learning_rate=1e-3,
            train_seconds=1.5,
            data_wait_seconds=0.1,
        )
        for epoch in (1, 2)
    )
    probabilities, labels = torch.rand(2, 2, generator=generator), torch.tensor([0, 1])
    accuracy = (probabilities.argmax(1) == labels).double().mean().item()
    fields = {"status": "ok", "phase": "done", "history": history, "test_loss": 0.6,
              "test_accuracy": accuracy, "test_images": 2, "digest": "f" * 64}  # fmt: skip
    test = Evaluation(
        labels=labels.numpy(),
        probabilities=probabilities.numpy(),
        loss=0.6,
        accuracy=accuracy,
    )
    return TrialResult(record=TrialRecord(spec=spec(number), **fields | changes), test=test)


def make(path: Path) -> None:
    """Write a store of three trials, of which two have ended, in one file without a log."""
    path.parent.mkdir(parents=True)
    with closing(Store.create(path, ABOUT, [spec(number) for number in range(3)])) as store:
        for number in (0, 1):
            store.finish(number, result(number))


def content(path: Path) -> tuple[Any, ...]:
    """Return all that a store holds, in a form that can be compared.

    Raises:
        RunError: it can't be read.
    """
    with closing(Store.open(path, read_only=True)) as store:
        trials = [
            (each.number, each.spec, each.record, each.test and each.test.probabilities.tolist(),
             each.test and each.test.labels.tolist())
            for each in store.trials()
        ]  # fmt: skip
        return store.about(), trials


def fuzz_store(count: int, seed: int) -> Counter[str]:
    """Return how many damaged files were refused, and how many gave what was written.

    Raises:
        BaseException: something else came of one. A hang ends the process.
    """
    generator = random.Random(seed)
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "runs" / "0001-a" / "run.db"
        make(path)
        whole, expected = path.read_bytes(), content(path)
        for _ in range(count):
            for each in path.parent.iterdir():
                each.unlink()
            way, spoilt = mutant(whole, generator)
            path.write_bytes(spoilt)
            counts[f"{way} {_outcome(path, expected)}"] += 1
    return counts


def _outcome(path: Path, expected: tuple[Any, ...]) -> str:
    with no_hang():
        list_runs(path.parents[1])
        try:
            found = content(path)
        except RunError as error:
            if str(path) not in str(error):
                raise AssertionError("the file is not named") from error
            found = None
        try:
            results = read_run(str(path.parent), path.parents[1])
        except RunError:
            results = None
    assert found is None or found == expected, "silently different"
    assert results is None or len(results.records) == 2, "silently different"
    return "refused" if found is None else "read"
