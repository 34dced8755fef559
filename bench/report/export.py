"""The files of a run folder that a person, a spreadsheet or a program reads."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from bench.data.check import CheckedImage
from bench.data.pixel_source import PixelSource
from bench.evaluate import Evaluation
from bench.record import TrialRecord
from bench.report.display import cell
from bench.report.figures import draw_curves, draw_grid
from bench.report.predictions import predictions, submission
from bench.report.profile import draw_profile
from bench.report.table import as_markdown
from bench.store import record_as_json, write_text
from bench.strict_json import json_text

SCHEMA_VERSION = 1


def write_comparison(
    folder: Path,
    records: Sequence[TrialRecord],
    frame: pd.DataFrame,
    history: pd.DataFrame,
    title: str,
) -> None:
    """Write the table as CSV, Markdown and JSON, the history, and the learning curves."""
    _write_csv(folder / "comparison.csv", frame)
    _write_csv(folder / "history.csv", history)
    write_text(folder / "comparison.md", as_markdown(frame, title))
    rows = frame.to_dict("records")
    told = {
        "schema_version": SCHEMA_VERSION,
        "title": title,
        "rows": [{name: _plain(value) for name, value in row.items()} for row in rows],
        "trials": [record_as_json(record) for record in records],
    }
    write_text(folder / "comparison.json", json_text(told) + "\n")
    if len(history):
        (folder / "figures").mkdir(exist_ok=True)
        draw_curves(history, folder / "figures" / "learning-curves.png")


def write_profile(folder: Path, frame: pd.DataFrame) -> None:
    """Write where the time went as CSV and as a picture."""
    _write_csv(folder / "profile.csv", frame)
    (folder / "figures").mkdir(exist_ok=True)
    draw_profile(frame, folder / "figures" / "profile.png")


def write_trial(
    folder: Path,
    record: TrialRecord,
    images: Sequence[CheckedImage],
    test: Evaluation,
    source: PixelSource,
) -> None:
    """Write a finished trial's history, answers and grid of test photographs."""
    classes = record.spec.classes
    _write_csv(folder / "history.csv", pd.DataFrame(record.history))
    _write_csv(folder / "predictions.csv", predictions(images, classes, test))
    _write_csv(folder / "submission.csv", submission(images, test))
    title = f"{record.model}, seed {record.spec.seed}: {record.test_accuracy:.1%} of {len(images)}"
    draw_grid(images, source, classes, test, folder / "test-images.png", title)


def _plain(value: object) -> object:
    """Return `value`, or None where JSON has no word for it: missing, or not finite."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return None if value is pd.NA else value


def _write_csv(path: Path, frame: pd.DataFrame) -> None:
    text = frame.rename(columns=cell)  # a class gives its name to a column
    for column in text.select_dtypes(include=["object", "string"]):
        text[column] = text[column].map(
            lambda value: cell(value) if isinstance(value, str) else value
        )
    write_text(path, text.to_csv(index=False, lineterminator="\n"))
