"""The submission table of a trial, as Kaggle takes it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import PurePosixPath

import pandas as pd

from bench.training.evaluation import Evaluation

_FILE = "submission.csv"


def submission(
    images: Sequence[str],
    classes: Sequence[str],
    test: Evaluation,
    among: Sequence[str] | None = None,
) -> pd.DataFrame | None:
    """Return the submission table, sorted by id, or None if two images have the same name.

    An id is the last number in a name (`dog.113.jpg`: 113), or the name if it has no number. If two
    images share one, ids are names without suffix; if these are shared too, paths in the data
    folder. `label` is the probability of the second of two classes; of more classes, the name of
    the predicted one.

    Args:
        images: names of the test images.
        classes: names of the classes, in the order of labels.
        test: predictions for `images`.
        among: names of all test images of the run, which have different ids; None: `images`.
    """
    rule = _rule(images if among is None else among)
    if rule is None:
        return None
    if len(classes) == 2:
        labels = test.probabilities[:, 1].tolist()
    else:
        labels = [classes[label] for label in test.predicted.tolist()]
    ordered = sorted(zip(map(rule, images), labels, strict=True), key=lambda row: _order(row[0]))
    return pd.DataFrame(ordered, columns=["id", "label"])


def submission_note(images: Sequence[str]) -> str | None:
    """Return what the ids of the test images are, or None if they are numbers as usual."""
    rule = _rule(images)
    if rule is _number:
        return None
    if rule is None:
        return f"no {_FILE}: two images have the name {_two_alike(_path, images)[0]}"
    alike = _two_alike(_number if rule is _stem else _stem, images)
    if rule is _stem:
        return f"ids in {_FILE} are file names: {' and '.join(alike)} share a number"
    return f"ids in {_FILE} are paths: {' and '.join(alike)} share a name"


def _rule(images: Sequence[str]) -> Callable[[str], str] | None:
    """Return the shortest form of a name that distinguishes all images."""
    for rule in (_number, _stem, _path):
        if len({_value(rule(name)) for name in images}) == len(images):
            return rule
    return None


def _two_alike(rule: Callable[[str], str], images: Sequence[str]) -> tuple[str, str]:
    """Return the first two images that the rule does not distinguish."""
    first: dict[int | str, int] = {}
    for number, name in enumerate(images):
        other = first.setdefault(_value(rule(name)), number)
        if other != number:
            return images[other], name
    raise ValueError("the rule distinguishes all images")


def _number(name: str) -> str:
    stem = _stem(name)
    return str((re.findall(r"\d+", stem) or [stem])[-1])


def _stem(name: str) -> str:
    return PurePosixPath(name).stem


def _path(name: str) -> str:
    return name


def _value(identity: str) -> int | str:
    """Return an id as a program reads it: 007 is 7."""
    return int(identity) if identity.isdecimal() else identity


def _order(identity: str) -> list[str | int]:
    """Return a sort key: numbers first, 9 before 20, and cat.9 before cat.20."""
    parts = re.split(r"(\d+)", identity)
    return [int(part) if number % 2 else part for number, part in enumerate(parts)]
