"""The files of a run folder that a person, a spreadsheet or a program reads."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from bench.analysis.cost_columns import NOT_REACHED
from bench.analysis.frame import history, trial_columns
from bench.analysis.results import Results
from bench.analysis.verdict import sentence
from bench.data.check import CheckedImage
from bench.data.pixel_source import PixelSource
from bench.report.image_grid import draw_grid
from bench.report.table import as_markdown
from bench.system.atomic_files import write_text
from bench.system.display import cell
from bench.system.strict_json import json_text
from bench.training.evaluate import Evaluation
from bench.training.record import TrialRecord
from bench.training.spec import as_plain

SCHEMA_VERSION = 3
_CONFIG = ("title", "request", "recipe", "data", "classes", "split", "rejects")
_TO_TARGET = (  # infinite in a frame, in words in CSV, null in JSON
    "time_to_target_seconds",
    "shared_time_to_target_seconds",
)


def write_run(results: Results, about: Mapping[str, Any]) -> None:
    """Write the tables that are made from all records of a run; OSError where that can't be.

    The same each time. Page and figures take seconds and are made at its end, by `page.write`.
    """
    folder, frame, sentences = results.folder, results.frame, results.pairwise.sentences
    _write_json(folder / "config.json", {name: about[name] for name in _CONFIG})
    _write_json(folder / "environment.json", about["environment"])
    versioned = frame.assign(schema_version=SCHEMA_VERSION)
    told = {name: {math.inf: NOT_REACHED} for name in _TO_TARGET}
    _write_csv(folder / "comparison.csv", versioned.replace(told))
    _write_csv(folder / "history.csv", results.history)
    write_text(folder / "comparison.md", as_markdown(frame, results.title, sentences))
    _write_json(folder / "comparison.json", comparison_as_json(results))
    (folder / "figures").mkdir(exist_ok=True)
    if len(results.profile):
        _write_csv(folder / "profile.csv", results.profile)


def comparison_as_json(results: Results) -> dict[str, Any]:
    """Return rows and trials as plain values."""
    rows = results.frame.to_dict("records")
    return {
        "schema_version": SCHEMA_VERSION,
        "title": results.title,
        "planned": results.planned,
        "rows": [{str(name): _plain(value) for name, value in row.items()} for row in rows],
        "verdicts": [
            {**as_plain(each), "kind": each.kind, "sentence": sentence(each)}
            for each in results.verdicts
        ],
        "trials": [record_as_json(record) for record in results.records],
    }


def write_trial(
    folder: Path, record: TrialRecord, images: Sequence[str], test: Evaluation | None
) -> None:
    """Write a trial's record, its history and answers if it has some; OSError if that can't be."""
    classes = record.spec.classes
    _write_json(folder / "record.json", record_as_json(record))
    if record.history:
        _write_csv(folder / "history.csv", history([record]).drop(columns=trial_columns(record)))
    if test is not None:
        _write_csv(folder / "predictions.csv", predictions(images, classes, test))
        _write_csv(folder / "submission.csv", submission(images, test))


def draw_answers(
    folder: Path,
    record: TrialRecord,
    images: Sequence[CheckedImage],
    test: Evaluation,
    source: PixelSource,
) -> None:
    """Draw the grid of test photographs under a finished trial's answers."""
    title = f"{record.model}, {record.spec.turn}: {record.test_accuracy:.1%} of {len(images)}"
    draw_grid(images, source, record.spec.classes, test, answers_path(folder), title)


def answers_path(folder: Path) -> Path:
    """Return the path of the grid of test photographs in a trial's folder."""
    return folder / "test-images.png"


def record_as_json(record: TrialRecord) -> dict[str, Any]:
    """Return the record as plain values, with its model and the specification's digest."""
    return {"model": record.model, "spec_id": record.spec.id, **as_plain(record)}


def predictions(images: Sequence[str], classes: Sequence[str], test: Evaluation) -> pd.DataFrame:
    """Return one row for each of `images`, which are names: label, predicted, probabilities."""
    probabilities = test.probabilities.double().numpy()
    answers = {
        "image": list(images),
        "label": [classes[label] for label in test.labels.tolist()],
        "predicted": [classes[label] for label in test.predicted.tolist()],
    }
    shares = {f"probability_{name}": probabilities[:, k] for k, name in enumerate(classes)}
    return pd.DataFrame({**answers, **shares})


def submission(images: Sequence[str], test: Evaluation) -> pd.DataFrame:
    """Return the chapter's table: `id` from the file name, `label` the probability of class 1.

    Sorted by id, numbers as numbers. An id is the last number in a name (`dog.113.jpg`: 113), or
    the name where there is none.
    """
    stems = [PurePosixPath(name).stem for name in images]
    ids = [(re.findall(r"\d+", stem) or [stem])[-1] for stem in stems]
    rows = zip(ids, test.probabilities[:, 1].double().tolist(), strict=True)
    ordered = sorted(rows, key=lambda row: (0, int(row[0])) if row[0].isdigit() else (1, row[0]))
    return pd.DataFrame(ordered, columns=["id", "label"])


def _write_json(path: Path, value: object) -> None:
    write_text(path, json_text(value) + "\n")


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
