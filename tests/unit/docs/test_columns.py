"""docs/reference/columns.md beside what is written: neither says what the other does not."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace

import pytest
from made_records import made_results
from reference_pages import REFERENCE
from reference_pages import columns as write_columns

from bench.analysis.columns import COLUMNS
from bench.report.run_files import SCHEMA_VERSION, write_run, write_trial
from bench.training.evaluation import Evaluation

_DOCUMENT = (REFERENCE / "columns.md").read_text(encoding="utf-8")


def _documented(section, text=_DOCUMENT):
    """Return the names in the first column of the table under the heading `section`."""
    body = text.split(f"\n## {section}\n")[1].split("\n## ")[0]
    firsts = re.findall(r"^\| (`.*?) \|", body, flags=re.MULTILINE)
    return [name for first in firsts for name in re.findall(r"`([^`]+)`", first)]


_ABOUT = ("title", "request", "recipe", "data", "classes", "split", "rejects", "environment")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The folder of a run that nobody has trained, with the files made from its records."""
    folder = tmp_path_factory.mktemp("run")
    results = made_results(seeds=2, folder=folder)
    write_run(results, dict.fromkeys(_ABOUT))
    answers = results.pairwise.answers["lenet"]
    test = Evaluation(
        labels=answers.labels,
        probabilities=answers.probabilities[0],
        loss=0.6,
        accuracy=0.7,
    )
    (folder / "trial").mkdir()
    write_trial(folder / "trial", results.records[1], answers.images, test)
    return folder


def _header(path):
    with path.open(encoding="utf-8", newline="") as file:
        return next(csv.reader(file))


@pytest.mark.parametrize("field", ["meaning", "label", "unit"])
def test_a_column_that_says_something_else_is_found_out(field):
    """The liar: one column with another meaning, heading or unit."""
    other = {field: "another"}
    columns = [replace(each, **other) if each.name == "memory" else each for each in COLUMNS]

    assert write_columns(_DOCUMENT, columns) != _DOCUMENT


def test_every_column_of_the_comparison_is_documented(written):
    """In the order of the file."""
    assert _documented("comparison.csv") == _header(written / "comparison.csv")


def test_every_column_of_the_history_is_documented(written):
    """That of a trial has no model and no seed."""
    documented = _documented("history.csv")

    assert _header(written / "history.csv") == documented
    assert _header(written / "trial" / "history.csv") == documented[2:]


def test_every_column_of_the_predictions_is_documented(written):
    """One for each class."""
    *fixed, probability = _documented("predictions.csv")
    classes = [probability.replace("CLASS", name) for name in ("cat", "dog")]

    assert _header(written / "trial" / "predictions.csv") == [*fixed, *classes]


def _flat(value, prefix=""):
    if not isinstance(value, dict):
        return [prefix]
    return [name for key, each in value.items()
            for name in _flat(each, f"{prefix}.{key}" if prefix else key)]  # fmt: skip


def test_every_field_of_the_json_is_documented(written):
    """Of the whole, of rows, of verdicts and of trials."""
    told = json.loads((written / "comparison.json").read_text())
    rows = _documented("comparison.csv")

    assert list(told) == _documented("comparison.json")
    assert [*told["rows"][0], "schema_version"] == rows
    assert _flat(told["verdicts"][0]) == _documented("comparison.json: verdicts")
    assert sorted(told["trials"][0]) == sorted(_documented("comparison.json: trials"))
    assert list(told["trials"][0]["history"][0]) == _documented("history.csv")[2:-4]


def test_the_documented_version_is_the_one_that_is_written(written):
    """In the document, in JSON and in CSV."""
    with (written / "comparison.csv").open(encoding="utf-8", newline="") as file:
        versions = {row["schema_version"] for row in csv.DictReader(file)}

    assert f"schema version is **{SCHEMA_VERSION}**" in _DOCUMENT
    assert json.loads((written / "comparison.json").read_text())["schema_version"] == SCHEMA_VERSION
    assert versions == {str(SCHEMA_VERSION)}


def test_a_column_that_is_not_documented_is_found_out(written):
    """The liar: a document without a line."""
    lacking = re.sub(r"^\| `peak_bytes` .*\n", "", _DOCUMENT, flags=re.MULTILINE)

    assert _documented("comparison.csv", lacking) != _header(written / "comparison.csv")


def test_figures_are_written_in_full(written):
    """What is read back is what was there, bit for bit."""
    with (written / "comparison.csv").open(encoding="utf-8", newline="") as file:
        row = next(csv.DictReader(file))
    frame = made_results(seeds=2).frame

    assert float(row["test_accuracy"]) == frame["test_accuracy"][0]
    assert float(row["difference_to_best"]) == frame["difference_to_best"][0]
    assert int(row["parameters"]) == 42_321_218
    assert int(row["multiply_adds"]) == 165_432_000
