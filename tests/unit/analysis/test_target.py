"""Training seconds to a validation accuracy, and that it was not reached."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import replace

import pytest
from made_records import made_epoch, made_record, made_results
from made_run import make_run

from bench.analysis.frame import comparison
from bench.report.page.charts.seconds import target as target_of
from bench.report.run_files import comparison_as_json, write_run
from bench.report.table import as_markdown
from bench.runs.run_results import RunResults
from bench.runs.stored_runs import read_run

_BASELINE = (46, 92)
_ABOUT = ("title", "request", "recipe", "data", "classes", "split", "rejects", "environment")


def _record(seed, *accuracies, model="lenet"):
    history = tuple(
        made_epoch(number, validation_accuracy=each, train_seconds=10.0 + seed)
        for number, each in enumerate(accuracies, start=1)
    )
    return made_record(model, seed, history=history)


def _reached(count, seeds=6):
    """Trials of which `count` reach 75 % in the second epoch, after 20, 22, 24 ... seconds."""
    return [_record(seed, 0.6, 0.75 if seed < count else 0.7, 0.7) for seed in range(seeds)]


def test_a_trial_reaches_an_accuracy_at_the_end_of_an_epoch():
    """The first that is as good; though later ones are worse."""
    record = _record(0, 0.5, 0.8, 0.6, 0.9)

    assert [record.seconds_to(each) for each in (0.5, 0.8, 0.81, 0.91)] == [10.0, 20.0, 40.0, None]


@pytest.mark.parametrize(
    ("count", "seconds", "cell"),
    [
        (6, 25.0, "25.0 s"),
        (4, 25.0, "25.0 s (4 of 6 reached)"),
        (3, math.inf, "not reached (3 of 6 reached)"),
        (0, math.inf, "not reached"),
    ],
)
def test_the_median_counts_what_was_not_reached(count, seconds, cell):
    """As longer than any: where half did not, it was not reached. The table says how many did."""
    frame = comparison(_reached(count), _BASELINE, target=0.75)

    assert frame["time_to_target_seconds"][0] == seconds
    assert (frame["target_reached"][0], frame["target_trainings"][0]) == (count, 6)
    assert f"| {cell} |" in as_markdown(frame, "made")


def test_those_that_reached_it_alone_would_look_faster():
    """The liar: a median that forgets the others."""
    reached = [each for each in _reached(4) if each.seconds_to(0.75) is not None]
    honest, forgetful = (
        comparison(each, _BASELINE, target=0.75)["time_to_target_seconds"][0]
        for each in (_reached(4), reached)
    )

    assert forgetful < honest


def test_without_a_target_there_is_no_time_to_it():
    """No figure, no column, no line."""
    frame = comparison(_reached(3), _BASELINE)
    markdown = as_markdown(frame, "made")

    assert (
        frame[["time_to_target_seconds", "target_accuracy", "target_reached"]].isna().all(axis=None)
    )
    assert "target" not in markdown


def test_not_reached_is_null_in_json_and_words_in_csv(tmp_path):
    """What was never measured is empty in both."""
    made = made_results(seeds=2, folder=tmp_path)
    slow = [_record(seed, 0.5, 0.6) for seed in range(2)]
    quick = [_record(seed, 0.5, 0.9, model="alexnet") for seed in range(2)]
    frame = comparison([*slow, *quick], _BASELINE, target=0.75)
    results = replace(made, frame=frame)
    write_run(results, dict.fromkeys(_ABOUT))
    with (tmp_path / "comparison.csv").open(encoding="utf-8", newline="") as file:
        told = {row["model"]: row["time_to_target_seconds"] for row in csv.DictReader(file)}
    rows = {row["model"]: row for row in comparison_as_json(results)["rows"]}

    assert told == {"lenet": "not reached", "alexnet": "21.0", "(majority class)": ""}
    assert rows["lenet"]["time_to_target_seconds"] is None
    assert rows["lenet"]["target_reached"] == 0
    assert rows["alexnet"]["time_to_target_seconds"] == 21.0


def test_the_table_says_what_the_target_is():
    """Below it: of validation, at the end of an epoch."""
    markdown = as_markdown(comparison(_reached(6), _BASELINE, target=0.75), "made")

    assert "training seconds until validation accuracy first reaches 75 %;" in markdown


def test_the_target_of_a_run_is_that_of_its_request(tmp_path):
    """It is drawn on the page, too."""
    about = {
        "title": "made",
        "baseline": [46, 92],
        "split": {"test": []},
        "request": {"target": "75%"},
    }
    results = RunResults.from_records(tmp_path, about, _reached(6), planned=6)

    assert target_of(results) == 0.75
    assert results.frame["time_to_target_seconds"][0] == 25.0
    drawn = json.dumps(results.plot("accuracy-seconds").to_dict())
    assert '{"accuracy": 0.75}' in drawn


def test_another_target_can_be_asked_of_a_run_that_is_done(tmp_path, zoo):
    """Of its records; one that can't be is refused."""
    make_run(tmp_path)
    named = ("runs", "show", 1, "--runs-dir", tmp_path, "--target")
    easy = read_run("1", tmp_path, 0.5).frame["time_to_target_seconds"]
    code, table, _ = zoo(*named, "99%", "--columns", "time_to_target")
    refused, _, why = zoo(*named, "99")

    assert easy[:3].between(1, 10).all()
    assert (code, table.count("not reached"), refused) == (0, 3, 2)
    assert "--target takes an accuracy above 0" in why


def test_the_history_has_the_seconds_so_far():
    """One row an epoch, each trial by itself."""
    history = made_results(seeds=2).history

    assert list(history["train_seconds_so_far"][:4]) == [12.5, 25.0, 37.5, 12.5]
