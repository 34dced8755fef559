"""`bench.choose`: which models meet limits, how certain that is, and in which form."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import onnxruntime
import pytest
from followed import trained
from made_followup import CANDIDATES

import bench
from bench.analysis.stats.interval import accuracy_interval
from bench.followup import shippable
from bench.followup.choose import _recommended
from bench.followup.finished_run import finished_run
from bench.followup.limits import CERTAINTIES, Limits, most_certain
from bench.runs.progress import Progress
from bench.system.options import parse_latency, parse_size
from registry.errors import RunError

_ONE = CANDIDATES[0]  # 79 %, 95 %: 75 to 83, 80 %: from 76.5; 1 ms, at most 2 ms; 250 kB


@pytest.fixture(scope="module")
def run(tmp_path_factory, hastened_runs):
    """A run of two tiny networks with two seeds, which was measured."""
    folder = trained(tmp_path_factory.mktemp("choose"), seeds=(0, 1))
    return folder, bench.choose(folder, min_accuracy="1%", max_latency="9s", progress=False)


@pytest.mark.parametrize(
    ("limits", "certainty"),
    [
        ({}, "surely"),
        ({"min_accuracy": 0.75}, "surely"),
        ({"min_accuracy": 0.76}, "likely"),
        ({"min_accuracy": 0.78}, "cannot say"),
        ({"min_accuracy": 0.83}, "cannot say"),
        ({"min_accuracy": 0.84}, "no"),
        ({"max_seconds": 0.002}, "surely"),
        ({"max_seconds": 0.0015}, "likely"),
        ({"max_seconds": 0.0009}, "no"),
        ({"max_bytes": 250_000}, "surely"),
        ({"max_bytes": 249_999}, "no"),
        ({"min_accuracy": 0.76, "max_seconds": 0.0009}, "no"),
        ({"min_accuracy": 0.78, "max_seconds": 0.0015}, "cannot say"),
    ],
)
def test_limits_are_met_as_certainly_as_the_weakest(limits, certainty):
    """By the intervals of the accuracy, the slow answers, and the size."""
    assert Limits(**limits).met_by(_ONE) == certainty


def test_a_latency_without_slow_answers_is_never_sure():
    """Few repetitions have no 95th percentile."""
    assert Limits(max_seconds=1.0).met_by(replace(_ONE, slow_seconds=None)) == "likely"


def test_the_most_certain_are_found():
    """All of them, at the highest certainty that there is."""
    certainty, places = most_certain(CANDIDATES, Limits(min_accuracy=0.8, max_bytes=5e6))

    assert (certainty, places) == ("surely", [3, 4])
    assert most_certain(CANDIDATES, Limits(min_accuracy=0.99))[0] == "no"
    assert CERTAINTIES == ("no", "cannot say", "likely", "surely")


@pytest.mark.parametrize(
    ("typed", "seconds"), [("20ms", 0.02), ("0.5 s", 0.5), ("1s", 1.0), (0.02, 0.02)]
)
def test_latencies_are_read(typed, seconds):
    """Milliseconds, seconds, or a number of seconds."""
    assert parse_latency(typed) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("typed", "size"), [("20MB", 20e6), ("500 kB", 5e5), ("1.5GB", 1.5e9), (1000, 1000)]
)
def test_sizes_are_read(typed, size):
    """A megabyte is a million bytes."""
    assert parse_size(typed) == pytest.approx(size)


@pytest.mark.parametrize("typed", ["", "20", "0ms", "-1s", "20MB", "nan", 0, float("inf")])
def test_what_is_no_latency_is_refused(typed):
    """With what would be one."""
    with pytest.raises(RunError, match=r"--max-latency takes milliseconds \(20ms\)"):
        parse_latency(typed)


@pytest.mark.parametrize("typed", ["", "20", "0MB", "20mb", "20ms", 0])
def test_what_is_no_size_is_refused(typed):
    """With what would be one."""
    with pytest.raises(RunError, match=r"--max-size takes kilobytes \(500kB\)"):
        parse_size(typed)


def test_an_interval_of_less_confidence_is_narrower():
    """Of one seed and of several; 95 % is the default."""
    draws = np.random.default_rng(1)
    for seeds in (1, 4):
        correct = draws.random((seeds, 200)) < 0.8
        low, high = accuracy_interval(correct)
        likely = accuracy_interval(correct, confidence=0.8)

        assert low < likely[0] < correct.mean() < likely[1] < high
        assert accuracy_interval(correct, confidence=0.95) == (low, high)


def test_an_interval_of_shares_is_that_of_their_variance():
    """Shares that vary less than answers have a narrower interval around the same mean."""
    draws = np.random.default_rng(2)
    answers = draws.random((1, 200, 36)) < 0.7
    low, high = accuracy_interval(answers.mean(axis=2))
    spread = answers.mean(axis=2).std(ddof=1) / np.sqrt(200)

    assert high - low == pytest.approx(2 * 1.97 * spread, rel=0.03)
    assert high - low < 0.3 * np.ptp(accuracy_interval(answers[:, :, 0]))


def test_each_model_is_measured_in_each_form(run):
    """ONNX answers as torch did; its file is one that onnxruntime runs."""
    folder, found = run
    candidates = found.values["candidates"]
    forms = [each["form"] for each in candidates]

    assert forms[:2] == ["torch", "ONNX"]
    assert len({each["model"] for each in candidates}) == 2
    for each in found.values["forms"].values():
        assert [form["name"] for form in each] == ["torch", "ONNX", "ONNX int8"]
        assert each[1]["changed"] == 0
        assert each[0]["seconds"] > 0
    for each in candidates:
        file = folder / each["file"]
        assert file.stat().st_size == each["bytes"]
        if file.suffix == ".onnx":
            session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
            assert session.get_inputs()[0].shape[1:] == [3, 16, 16]
    assert found.title.startswith("Ship ")
    assert found.values["chosen"]["model"] in found.values["forms"]


def test_a_second_call_measures_nothing(run, monkeypatch):
    """Other limits are answered from what was measured, until a file is lost."""
    folder, found = run
    measured = []
    own = shippable._measured
    monkeypatch.setattr(shippable, "_measured", lambda *a: measured.append(a) or own(*a))
    again = bench.choose(folder, max_size="1kB", progress=False)

    assert measured == []
    assert again.values["forms"] == found.values["forms"]
    assert again.title == "No model meets the limits: 0.001 MB or less"
    assert again.values["chosen"] is None
    next(folder.rglob("network.onnx")).unlink()
    bench.choose(folder, progress=False)
    assert len(measured) == 1


def test_eight_bits_that_change_answers_are_left_out(run, monkeypatch):
    """With the reason; no file is left."""
    folder, _ = run
    monkeypatch.setattr(shippable, "MOST_CHANGED", -1.0)
    monkeypatch.setattr(shippable, "_VERSION", 99)
    found = bench.choose(folder, progress=False)

    assert {each["form"] for each in found.values["candidates"]} == {"torch", "ONNX"}
    assert sum("ONNX int8 is left out: it answers" in note for note in found.notes) == 2
    assert list(folder.rglob("network-int8.onnx")) == []


def test_without_onnx_there_is_torch(run, monkeypatch):
    """And how to get the rest."""
    folder, _ = run
    monkeypatch.setattr(shippable, "has_onnx", lambda: False)
    monkeypatch.setattr("bench.followup.choose.has_onnx", lambda: False)
    found = bench.choose(folder, progress=False)

    assert {each["form"] for each in found.values["candidates"]} == {"torch"}
    assert "pip install 'zoo-bench[onnx]'" in found.notes[-1]


def test_of_models_that_tie_the_fastest_is_shipped(run):
    """Of those without a verdict the most accurate, of those that beat another the better."""
    folder, _ = run
    with finished_run(folder, "runs", Progress(shown=False)) as opened:
        first, second = dict.fromkeys(v for each in opened.results.verdicts
                                      for v in (each.first, each.second))  # fmt: skip
        slow = replace(_ONE, model=first, accuracy=0.9, seconds=1.0)
        fast = replace(_ONE, model=second, accuracy=0.8, seconds=0.5)
        (verdict,) = opened.results.verdicts

        for kind, wanted in (("level", fast), ("better", slow), ("descriptive", slow)):
            seeds = replace(verdict.found, seeds=1 if kind == "descriptive" else 2)
            told = replace(verdict, found=seeds, p=0.01 if kind == "better" else 0.5)
            pairwise = replace(opened.results.pairwise, verdicts=(told,))
            opened.results = replace(opened.results, pairwise=pairwise)
            assert _recommended(opened, [slow, fast]) == wanted


def test_the_command_prints_json(run, zoo):
    """That of the file; a limit that is none is one line."""
    folder, _ = run
    code, out, _ = zoo("choose", folder, "--min-accuracy", "50%", "--json")

    assert code == 0
    assert json.loads(out) == json.loads((folder / "followups" / "choose.json").read_text())
    code, _, err = zoo("choose", folder, "--max-size", "many")
    assert code == 2
    assert err.startswith("zoo: --max-size takes kilobytes")
