from __future__ import annotations

import io
import re
import sys
from dataclasses import replace
from functools import cache
from itertools import pairwise

import pytest
from made_records import made_epoch, made_record, made_results, renamed
from rich.console import Console

from bench.analysis.columns import TABLE_COLUMNS, informative_columns, select_columns
from bench.analysis.frame import comparison
from bench.report.table import as_markdown, render
from bench.training.record import InferenceTime
from registry.errors import RunError
from zoo.cli.app import main

_LONG = "a_model_whose_name_is_long_" + "x" * 24


def _printed(results, width, names=()):
    console = Console(file=io.StringIO(), width=width)
    sentences = results.pairwise.sentences
    console.print(render(results.frame, results.title, width, sentences, names), crop=False)
    return console.file.getvalue()


@cache
def _with_a_failure(seeds):
    return made_results(seeds=seeds, failed=["vgg16"])


def _headings(printed):
    line = next(line for line in printed.splitlines() if line.startswith(" model"))
    return [heading.strip() for heading in line.split("  ") if heading.strip()]


def _cells(printed, model):
    line = next(line for line in printed.splitlines() if line.startswith(f" {model} "))
    return [cell.strip() for cell in line.split("  ") if cell.strip()]


@pytest.mark.parametrize("width", [50, 60, 80])
def test_a_narrow_terminal_gets_what_matters(width):
    """Accuracy and its interval are there before anything else; 80 cells have seven columns."""
    headings = _headings(_printed(made_results(), width))

    assert headings[:3] == ["model", "accuracy", "95 % interval"]
    assert width < 80 or headings[3:] == ["gap", "training", "params", "contract"]


def test_hidden_columns_are_named():
    """As many as the line has room for, the most important first; at 20 characters none is."""
    (line,) = [line for line in _printed(made_results(), 80).splitlines() if "more col" in line]

    assert line.startswith("13 more columns: seeds, group, latency, data_wait, memory, …: --col")
    assert "more columns: --columns" in _printed(made_results(), 34)


def test_a_wide_terminal_gets_everything_that_says_something():
    """Nothing is left out where there is room; what is of a budget or a target says nothing.

    Nor do times of trials that had others beside them.
    """
    results = made_results(seeds=7)
    shown = _headings(_printed(results, 300))

    silent = ("epochs", "steps", "time_to_target", "recipe")
    silent += ("shared_training", "shared_time_to_target")
    assert shown == [column.heading for column in TABLE_COLUMNS if column.name not in silent]


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120, 143, 160, 200, 250])
@pytest.mark.parametrize("seeds", [1, 7])
@pytest.mark.parametrize("name", ["lenet", _LONG])
def test_the_table_fits_at_any_width(width, seeds, name):
    """No line is longer than the terminal, and no figure is cut."""
    results = renamed(_with_a_failure(seeds), "lenet", name)
    lines = _printed(results, width).splitlines()
    rows = [line for line in lines if line.startswith((" model", " alexnet", " a_model", " (maj"))]

    assert len(rows) >= 3
    assert max(map(len, lines)) <= width
    assert not any("…" in row for row in rows if "a_model" not in row)


def test_a_long_name_is_whole_where_there_is_room():
    """It has room before columns that matter less; only on a narrow terminal is it cut."""
    results = renamed(made_results(), "lenet", _LONG)

    assert _LONG in _printed(results, 110)
    assert "contract" not in _headings(_printed(results, 110))
    assert "95 % interval" in _headings(_printed(results, 80))
    assert re.search(r" …x+ ", _printed(results, 80))


@pytest.mark.parametrize("width", range(60, 110, 7))
def test_a_name_is_cut_only_in_a_full_line(width):
    """A column that is hidden leaves its room to the names."""
    results = renamed(_with_a_failure(7), "lenet", _LONG)
    (row,) = [line for line in _printed(results, width).splitlines() if "xxx" in line]

    assert "…" not in row or len(row) == width


def test_wider_never_shows_less():
    """Each column that is shown at one width is shown at any greater one."""
    results = made_results(seeds=7, failed=["vgg16"])
    shown = [set(_headings(_printed(results, width))) for width in range(40, 260, 3)]

    assert [narrow - wide for narrow, wide in pairwise(shown) if narrow - wide] == []


def test_columns_are_shown_as_asked():
    """In the order that was given, the model first, however narrow the terminal."""
    printed = _printed(made_results(), 40, ["parameters", "accuracy", "origin", "latency"])

    assert _headings(printed) == ["model", "params", "accuracy", "origin", "1 image, p50/p95"]
    assert _cells(printed, "lenet")[-2:] == ["zoo-bench 0.1.0", "18.4 / 21.2 ms"]


def test_all_columns_can_be_asked_for():
    """Whatever has something to say, each on a line of its own, and nothing is cut."""
    results = made_results()
    lines = _printed(results, 80, ["all"]).splitlines()
    columns = [each for each in informative_columns(results.frame) if each.name != "model"]

    assert [line[1:].split("  ")[0] for line in lines[4 : 4 + len(columns)]] == [
        column.heading for column in columns
    ]
    assert not any("…" in line for line in lines)


def test_models_that_do_not_fit_beside_each_other_have_a_table_of_their_own():
    """Each is there once, and no line is longer than the terminal."""
    lines = _printed(made_results(), 60, ["all"]).splitlines()
    headings = [line.split() for line, rule in pairwise(lines) if rule.startswith(" ──")]

    assert [name for each in headings for name in each] == ["alexnet", "lenet", "(majority)"]
    assert len(headings) > 1
    assert max(map(len, lines)) <= 60


def test_an_unknown_column_is_one_line():
    """It names what is near, and those there are."""
    with pytest.raises(RunError, match=r"no column 'acuracy'\. Did you mean 'accuracy'") as raised:
        select_columns(["acuracy"])

    assert "Columns: model, accuracy, interval, seeds," in str(raised.value)
    assert str(raised.value).endswith("contract, origin; or all")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--columns", "acuracy"], "no column 'acuracy'"),
        (["--columns", ","], "no column ','"),
        (["--columns", "all", "--json"], "--json has all columns"),
    ],
)
def test_wrong_columns_are_told_before_anything_is_trained(options, message, monkeypatch, capsys):
    """One line and exit code 2."""
    monkeypatch.setattr("bench.runs.execute.execute", lambda *_: pytest.fail("it was begun"))
    monkeypatch.setattr(sys, "argv", ["zoo", "bench", "lenet5", *options])
    with pytest.raises(SystemExit) as ended:
        main()
    told = capsys.readouterr()

    assert (ended.value.code, told.out) == (2, "")
    assert message in told.err
    assert told.err.count("\n") == 1


def test_training_has_its_spread_over_seeds():
    """Mean and standard deviation of the seconds: 37.5 to 42.5; none for one seed."""
    assert "40.0 ± 1.9 s" in _printed(made_results(seeds=6), 100)
    assert "± " not in _printed(made_results(seeds=1), 100)


@pytest.mark.parametrize(
    ("number", "shown"),
    [(512, "512"), (2050, "2.05 k"), (61_026, "61.0 k"), (999_999, "1.00 M"),
     (46_038_242, "46.0 M"), (138_357_544, "138 M"), (15_470_264_320, "15.5 G")],
)  # fmt: skip
def test_large_numbers_are_read_at_a_glance(number, shown):
    """Three figures; the files have all."""
    results = made_results(seeds=1)
    results = replace(results, frame=results.frame.assign(parameters=number))

    assert _cells(_printed(results, 72), "lenet")[5] == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.0000312, "0.03"), (0.00843, "8.43"), (0.0184, "18.4"), (0.4101, "410"), (25.2, "25,200")],
)
def test_latency_is_in_milliseconds(seconds, shown):
    """Median and 95th percentile, three figures each."""
    time = InferenceTime(batch=1, repetitions=50, p50_seconds=seconds, p95_seconds=2 * seconds)
    results = made_results(seeds=1)
    frame = comparison([made_record(inference=(time,))], (46, 92))
    cell = _cells(_printed(replace(results, frame=frame), 80, ["latency"]), "lenet")[-1]

    assert cell.startswith(f"{shown} / ")
    assert cell.endswith(" ms")


def test_a_latency_without_a_95th_percentile_is_its_median():
    """A slow network is timed a few times, and no percentile is made up."""
    time = InferenceTime(batch=32, repetitions=5, p50_seconds=0.41, p95_seconds=None)
    frame = comparison([made_record(inference=(time,))], (46, 92))
    results = replace(made_results(seeds=1), frame=frame)

    assert _cells(_printed(results, 80, ["latency_32"]), "lenet")[-1] == "410 ms"


def test_latency_over_seeds_is_the_median():
    """Of the medians, and of the 95th percentiles; images per second are of that median."""
    records = [
        made_record(seed=seed, inference=(
            InferenceTime(batch=32, repetitions=10, p50_seconds=p50, p95_seconds=p95),))
        for seed, (p50, p95) in enumerate([(0.1, 0.9), (0.2, 0.3), (9.0, 9.5)])
    ]  # fmt: skip
    row = comparison(records, (46, 92)).iloc[0]

    assert row["inference_batch_32_p50_seconds"] == 0.2
    assert row["inference_batch_32_p95_seconds"] == 0.9
    assert row["inference_batch_32_images_per_second"] == 160
    assert row.isna()["inference_batch_1_p50_seconds"]


def test_a_failure_stands_in_a_figures_place():
    """Its status is where its accuracy would be, at any width."""
    results = made_results(failed=["vgg16"])

    for width in (60, 200):
        assert _cells(_printed(results, width), "vgg16")[1] == "out-of-memory"


def test_markdown_has_all_columns_that_say_something():
    """And leaves out those that don't, as a group where there were too few seeds."""
    lines = as_markdown(made_results(seeds=1).frame, "title").splitlines()

    assert "| 1 image, p50/p95 |" in lines[2]
    assert "origin" in lines[2]
    assert "group" not in lines[2]


def test_each_validation_stands_under_its_own_heading():
    """That of the last epoch under `validation`, that of the best under `best epoch`."""
    accuracies = (0.5, 0.9, 0.7)
    history = tuple(made_epoch(n + 1, validation_accuracy=a) for n, a in enumerate(accuracies))
    frame = comparison([made_record(history=history)], (46, 92))
    heads, _, cells = as_markdown(frame, "made").splitlines()[2:5]
    row = dict(zip(heads.split(" | "), cells.split(" | "), strict=True))

    assert (row["validation"], row["best epoch"]) == ("70.0 %", "90.0 %")


def test_the_wait_for_data_is_a_share_of_the_training():
    """0.75 of 37.5 seconds are 2 %."""
    record = made_record()
    printed = as_markdown(comparison([record], (46, 92)), "made")

    assert record.data_wait_share == pytest.approx(0.02)
    assert "| 2.0 % |" in printed
