"""Files of a run folder: CSV, JSON and Markdown."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench.analysis.cost_columns import NOT_REACHED
from bench.analysis.frame import history, trial_columns
from bench.analysis.results import Results
from bench.analysis.verdict import sentence
from bench.data.check import CheckedImage
from bench.data.pixel_source import PixelSource
from bench.report.image_grid import draw_grid
from bench.report.submission import submission
from bench.report.table import as_markdown
from bench.system.atomic_files import write_text
from bench.system.credentials import hide_all_credentials
from bench.system.display import cell, percent
from bench.system.received_files import make_inside
from bench.system.strict_json import json_text
from bench.training.evaluation import Evaluation
from bench.training.record import TrialRecord
from bench.training.spec import as_plain

SCHEMA_VERSION = 3
_CONFIG = ("title", "request", "recipe", "data", "classes", "split", "rejects")
_TO_TARGET = (  # infinite in a frame, words in CSV, null in JSON
    "time_to_target_seconds",
    "shared_time_to_target_seconds",
)


def write_run(results: Results, about: Mapping[str, Any]) -> None:
    """Write the tables of all records of a run; raises OSError if writing fails.

    Equal records give equal files. Page and figures take seconds: `page.write` makes them later.
    """
    folder, frame, sentences = results.folder, results.frame, results.sentences
    _write_json(folder / "config.json", _shown(about, _CONFIG))
    _write_json(folder / "environment.json", hide_all_credentials(about["environment"]))
    versioned = frame.assign(schema_version=SCHEMA_VERSION)
    words = {name: {math.inf: NOT_REACHED} for name in _TO_TARGET}
    _write_csv(folder / "comparison.csv", versioned.replace(words))
    _write_csv(folder / "history.csv", results.history)
    write_text(folder / "comparison.md", as_markdown(frame, results.title, sentences))
    _write_json(folder / "comparison.json", comparison_as_json(results))
    make_inside(folder, folder / "figures")
    if len(results.profile):
        _write_csv(folder / "profile.csv", results.profile)


def _shown(about: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Return these parts of the description without the credentials that old runs may have."""
    return {name: hide_all_credentials(about[name]) for name in names}


def comparison_as_json(results: Results) -> dict[str, Any]:
    """Return rows, verdicts and trials as JSON values."""
    rows = results.frame.to_dict("records")
    return {
        "schema_version": SCHEMA_VERSION,
        "title": results.title,
        "planned": results.planned,
        "headline": results.pairwise.standings.headline(),
        "standings": results.pairwise.standings.ending,
        "winner": results.pairwise.standings.winner,
        **({} if results.outcome is None else {"ending": results.outcome.sentence}),
        "rows": [{str(name): _plain(value) for name, value in row.items()} for row in rows],
        "verdicts": [
            {**as_plain(each), "kind": each.kind, "sentence": sentence(each)}
            for each in results.verdicts
        ],
        "trials": [record_as_json(record) for record in results.records],
    }


def write_trial(
    folder: Path,
    record: TrialRecord,
    images: Sequence[str],
    test: Evaluation | None,
    tested: Sequence[str] | None = None,
) -> None:
    """Write a trial's record, history and predictions, if any; raises OSError on failure.

    `images` are the names of its test images, `tested` those of the whole run, with all folds.
    """
    classes = record.spec.classes
    _write_json(folder / "record.json", record_as_json(record))
    if record.history:
        _write_csv(folder / "history.csv", history([record]).drop(columns=trial_columns(record)))
    if test is not None:
        _write_csv(folder / "predictions.csv", predictions(images, classes, test))
        ids = submission(images, classes, test, tested)
        if ids is None:  # an older one would have an id twice
            (folder / "submission.csv").unlink(missing_ok=True)
        else:
            _write_csv(folder / "submission.csv", ids)


def draw_answers(
    folder: Path,
    record: TrialRecord,
    images: Sequence[CheckedImage],
    test: Evaluation,
    source: PixelSource,
) -> None:
    """Draw the grid of test images with a finished trial's predictions."""
    title = f"{record.model}, {record.spec.turn}: {percent(record.test_accuracy)} of {len(images)}"
    draw_grid(images, source, record.spec.classes, test, answers_path(folder), title)


def answers_path(folder: Path) -> Path:
    """Return the path of the grid of test images in a trial's folder."""
    return folder / "test-images.png"


def record_as_json(record: TrialRecord) -> dict[str, Any]:
    """Return the record as JSON values, with its model and the specification's digest."""
    return {"model": record.model, "spec_id": record.spec.id, **as_plain(record)}


def predictions(images: Sequence[str], classes: Sequence[str], test: Evaluation) -> pd.DataFrame:
    """Return one row for each image name: label, predicted class, probabilities."""
    probabilities = test.probabilities.astype(np.float64)
    answers = {
        "image": list(images),
        "label": [classes[label] for label in test.labels.tolist()],
        "predicted": [classes[label] for label in test.predicted.tolist()],
    }
    shares = {f"probability_{name}": probabilities[:, k] for k, name in enumerate(classes)}
    return pd.DataFrame({**answers, **shares})


def _write_json(path: Path, value: object) -> None:
    write_text(path, json_text(value) + "\n")


def _plain(value: object) -> object:
    """Return `value`, or None if JSON cannot express it: missing or not finite."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return None if value is pd.NA else value


def _write_csv(path: Path, frame: pd.DataFrame) -> None:
    text = frame.rename(columns=cell)  # class names are part of column names
    for column in text.select_dtypes(include=["object", "string"]):
        text[column] = text[column].map(
            lambda value: cell(value) if isinstance(value, str) else value
        )
    write_text(path, text.to_csv(index=False, lineterminator="\n"))
