"""Checks of stored values, which somebody else may have written and signed."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypedDict

import msgspec
import numpy as np

from bench.training.evaluation import Evaluation
from bench.training.recipe import Recipe, with_present_names
from bench.training.record import TrialRecord
from bench.training.spec import TrialSpec, paired_seed

_LARGEST = 3.5e38  # a little more than the largest float32
_LONGEST_SECONDS = 1e12
_COUNTS = ("parameters", "multiply_adds", "steps", "epoch", "test_images", "train_images",
           "resumed", "peak_bytes")  # fmt: skip


class _Environment(TypedDict, total=False):
    started: str
    command: list[str]
    packages: dict[str, str | None]
    python: str | None
    platform: str | None
    load_1_minute: float | None
    code: dict[str, str | None]


class _Parts(TypedDict, total=False):
    train: list[str]
    validation: list[str]
    test: list[str]
    fingerprint: str
    name: str
    within: str | None
    groups: list[str | None]
    majority: list[bool]


class _Split(_Parts, total=False):
    folds: list[_Parts]


class _Reject(TypedDict):
    name: str
    reason: str


class _Duplicate(TypedDict):
    images: list[str]
    identical: bool


class _Manifest(TypedDict, total=False):
    images: int
    bytes: int
    classes: dict[str, int]
    parts: dict[str, list[int]]
    duplicates: list[_Duplicate]


class _About(TypedDict, total=False):
    title: str
    environment: _Environment
    split: _Split
    baseline: tuple[int, int]
    request: dict[str, Any] | None
    recipe: dict[str, Any] | None
    data: str | None
    classes: list[str]
    rejects: list[_Reject] | None
    manifest: _Manifest | None
    pictures: dict[str, str]


def read_json(text: str, what: str) -> Any:
    """Return the value of JSON `text`; ValueError names the field of `what` that is unusable.

    NaN, infinities, and numbers that no library can compute with are unusable.
    """
    value = json.loads(text)
    check_numbers(value, what)
    return value


def check_numbers(value: object, what: str) -> None:
    """Raise ValueError for the first number in the JSON `value` that is unusable, by field."""
    for name, number in _numbers(value, what):
        if why := _why_unusable(name.rpartition(".")[2].partition("[")[0], number):
            raise ValueError(f"{name} is {_short(number)}, {why}")


def check_about(about: Mapping[str, Any]) -> None:
    """Raise ValueError with the first field of a run's description that has another type."""
    try:
        msgspec.convert(dict(about), _About)
    except msgspec.ValidationError as error:
        raise ValueError(f"the run's description: {str(error).replace('`', '')}") from None


def check_answers(test: Evaluation, record: TrialRecord) -> None:
    """Check that predictions are probabilities, and have the accuracy that `record` claims.

    Equal probabilities may come from different logits: then either class counts as predicted.

    Raises:
        ValueError: they are not, or have another accuracy.
    """
    labels, shares, classes = test.labels, test.probabilities, len(record.spec.classes)
    count = len(labels)
    if labels.dtype != np.int64 or shares.shape != (count, classes) or not count:
        raise ValueError(f"predictions are not of {classes} classes")
    if not bool(((labels >= 0) & (labels < classes)).all()):
        raise ValueError(f"a label is outside the {classes} classes")
    if not bool(((shares >= 0) & (shares <= 1)).all()):  # nor is NaN
        raise ValueError("a probability is not between 0 and 1")
    if record.test_images not in (0, count):
        raise ValueError(f"test_images is {record.test_images}, with {count} predictions")
    own, rows = shares[np.arange(count), labels], shares.max(1)
    best = own == rows
    alone = best & ((shares == rows[:, None]).sum(1) == 1)
    claimed = test.accuracy * count
    if not int(alone.sum()) - 1e-3 <= claimed <= int(best.sum()) + 1e-3:
        found = int(best.sum()) / count
        raise ValueError(
            f"test_accuracy is {test.accuracy:.4g}, but the stored predictions have {found:.4g}"
        )


def require_described(about: Mapping[str, Any]) -> None:
    """Raise ValueError if a part is missing that each table of a run needs."""
    for names in (("title",), ("baseline",), ("environment", "started"), ("split", "test")):
        found: Any = about
        for name in names:
            if name not in found:
                raise ValueError(f"the run's description has no {'.'.join(names)}")
            found = found[name]


@contextmanager
def naming_trial(spec: TrialSpec) -> Iterator[None]:
    """Name the trial in a ValueError."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{spec.model} ({spec.turn}): {error}") from None


def require_answers(record: TrialRecord, test: Evaluation | None) -> None:
    """Raise ValueError if a successful trial claims an accuracy without predictions."""
    if record.status == "ok" and record.test_accuracy is not None and test is None:
        raise ValueError("it has a test_accuracy, but no predictions")


def check_plan(about: Mapping[str, Any], trials: Sequence[tuple[TrialSpec, Any]]) -> None:
    """Check that unmarked trials, with their records, are those of the run's description.

    Raises:
        ValueError: one has another split, seed, recipe or other classes.
    """
    for spec, record in trials:
        if record is None or not record.marks:
            for name, found, said in _compared(about, spec):
                if found != said:
                    text = f"{spec.model} ({spec.turn}) has another {name} than the run"
                    raise ValueError(text)


def _compared(about: Mapping[str, Any], spec: TrialSpec) -> Iterator[tuple[str, Any, Any]]:
    request, split, classes = (
        about.get("request") or {},
        about.get("split") or {},
        about.get("classes"),
    )
    folds = split.get("folds")
    if spec.fold is not None:
        if folds and not 1 <= spec.fold <= len(folds):
            raise ValueError(f"{spec.model} ({spec.turn}): the run has no such fold")
        split = folds[spec.fold - 1] if folds else {}
    if "fingerprint" in split:
        yield "split", spec.split_fingerprint, split["fingerprint"]
    if classes is not None:
        yield "list of classes", list(spec.classes), classes
    if seeds := request.get("seeds"):
        yield "seed", paired_seed(spec.model, spec.seed) in seeds or spec.seed in seeds, True
    recipe = about.get("recipe") or {}
    own = {model for model, _ in request.get("own_recipes") or ()}
    if {"name", "epochs", "batch_size"} <= recipe.keys() and not own:
        yield "recipe", spec.recipe, msgspec.convert(with_present_names(recipe), Recipe)


def _numbers(value: object, name: str) -> Iterator[tuple[str, int | float]]:
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _numbers(each, f"{name}.{key}")
    elif isinstance(value, list):
        for place, each in enumerate(value):
            if not isinstance(each, str):
                yield from _numbers(each, f"{name}[{place}]")
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield name, value


def _why_unusable(field: str, number: float) -> str:
    if isinstance(number, float) and not math.isfinite(number):
        return "which is no finite number"
    if abs(number) > (2**63 - 1 if isinstance(number, int) else _LARGEST):
        return "which is too large"
    if field.endswith("accuracy") and not 0 <= number <= 1:
        return "which is not between 0 and 1"
    if field.endswith("_seconds") and not 0 <= number <= _LONGEST_SECONDS:
        return "which is no duration"
    return "which is negative" if field in _COUNTS and number < 0 else ""


def _short(number: float) -> str:
    if isinstance(number, int) and abs(number) >= 2**63:
        return "a number of more than 63 bits"
    return str(number)
