"""What a model said of each test image, as CSV; and the chapter's submission form."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

import pandas as pd

from bench.training.evaluate import Evaluation


def predictions(images: Sequence[str], classes: Sequence[str], test: Evaluation) -> pd.DataFrame:
    """Return one row for each of `images`, which are names: label, predicted, probabilities."""
    probabilities = test.probabilities.double().numpy()
    frame = pd.DataFrame(
        {
            "image": list(images),
            "label": [classes[label] for label in test.labels.tolist()],
            "predicted": [classes[label] for label in test.predicted.tolist()],
        }
    )
    for index, name in enumerate(classes):
        frame[f"probability_{name}"] = probabilities[:, index]
    return frame


def submission(images: Sequence[str], test: Evaluation) -> pd.DataFrame:
    """Return the chapter's table: `id` from the file name, `label` the probability of class 1.

    Sorted by id, numbers as numbers. An id is the last number in a name (`dog.113.jpg`: 113), or
    the name where there is none.
    """
    frame = pd.DataFrame(
        {
            "id": [_identity(name) for name in images],
            "label": test.probabilities[:, 1].double().numpy(),
        }
    )
    order = sorted(range(len(frame)), key=lambda row: _sort_key(frame["id"][row]))
    return frame.iloc[order].reset_index(drop=True)


def _identity(name: str) -> str:
    stem = PurePosixPath(name).stem
    numbers: list[str] = re.findall(r"\d+", stem)
    return numbers[-1] if numbers else stem


def _sort_key(identity: str) -> tuple[int, int, str]:
    return (0, int(identity), "") if identity.isdigit() else (1, 0, identity)
