from __future__ import annotations

import numpy as np
import pytest
from made_runs import ENVIRONMENT, altered, correct, make_run, with_loss
from scipy.stats import ttest_rel

import bench
from bench.analysis.change import time_changes
from bench.report.changes import comparison_as_json

TEN = [10.0, 10.1, 10.2, 10.3, 10.4, 10.5]
SIX = {"lenet": correct(seeds=6)}


def _kind(base, new):
    return time_changes({"lenet": base}, {"lenet": new}, in_turn=True)["lenet"].kind


@pytest.mark.parametrize(
    ("factor", "kind"),
    [(1.2, "slower"), (1.08, "level"), (1.0, "level"), (0.93, "level"), (0.8, "faster")],
)
def test_a_tenth_is_the_least_that_counts(factor, kind):
    """Six seeds a run, each clearly apart: less than 10 % is still no news."""
    assert _kind(TEN, [factor * second for second in TEN]) == kind


def test_a_large_difference_within_the_spread_is_noise():
    """The median is 20 % higher, and the seconds of the seeds overlap."""
    assert _kind([8.0, 9.0, 10.0, 14.0, 15.0, 16.0], [7.0, 9.5, 14.0, 14.8, 15.5, 17.0]) == "level"


def test_runs_one_after_the_other_are_not_tested():
    """The speed of a machine drifts: twice the time may be its own."""
    change = time_changes({"lenet": TEN}, {"lenet": [20.0] * 6})["lenet"]

    assert (change.p, change.kind) == (None, "untested")
    assert time_changes({"lenet": TEN}, {"lenet": TEN})["lenet"].kind == "level"


def test_the_p_of_times_agrees_with_scipy():
    """Student's paired t test of the logarithms, seed by seed."""
    new = [11.0, 10.9, 11.9, 11.1, 12.2, 11.3]
    found = time_changes({"lenet": TEN}, {"lenet": new}, in_turn=True)["lenet"]

    assert found.p == pytest.approx(ttest_rel(np.log(new), np.log(TEN)).pvalue)


def test_drift_of_both_is_no_change():
    """The machine gets slower by half; in turn, both runs see the same of it."""
    drift = np.linspace(1.0, 1.5, 6)
    base = (np.array(TEN) * drift).tolist()

    assert _kind(base, (np.array(TEN) * drift * 1.02).tolist()) == "level"
    assert _kind(base, (np.array(TEN) * drift * 1.2).tolist()) == "slower"


def _compared(tmp_path, models, seconds, **changed):
    base = make_run(tmp_path / "base", models)
    new = make_run(tmp_path / "new", models, seconds={"lenet": seconds}, **changed)
    return bench.compare(base, new)


def test_a_slower_model_is_no_regression_unless_it_was_tested(tmp_path):
    """Exit 5 where time is asked for, 0 where it is not; the sentence and the note say why."""
    found = _compared(tmp_path, SIX, [12.0] * 6)
    told = comparison_as_json(found)

    assert found.exit_code(["time"]) == 5
    assert found.exit_code(["accuracy", "parameters"]) == 0
    assert told["models"][0]["sentences"][1].endswith(": not tested")
    assert "times are not tested: the runs were not measured in turn" in told["notes"][0]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"environment": {"cpu": "other"}}, "cpu other instead of made"),
        ({"environment": {"cores": 8}}, "cores 8 instead of 2"),
        (
            {"environment": {"packages": {**ENVIRONMENT["packages"], "torch": "2.15"}}},
            "torch 2.15 instead of 2.14.1",
        ),
        ({"threads": 8}, "threads 8 instead of 1"),
    ],
)
def test_times_of_another_machine_are_not_compared(tmp_path, changed, words):
    """Accuracy is; a question about time is not answered, so exit 5."""
    found = _compared(tmp_path, SIX, [20.0] * 6, **changed)
    (change,) = found.changes

    assert change.time is None
    assert words in change.unanswered["time"]
    assert found.exit_code(["time"]) == 5
    assert (found.exit_code(["accuracy"]), change.accuracy.kind) == (0, "same")


def test_this_programs_own_version_is_no_other_machine(tmp_path):
    """It may be what is to be compared."""
    packages = {**ENVIRONMENT["packages"], "zoo-bench": "0.2.0"}
    found = _compared(tmp_path, SIX, [20.0] * 6, environment={"packages": packages})

    assert found.changes[0].time is not None
    assert found.differences == ("zoo-bench 0.2.0 instead of 0.1.0",)


def test_a_regression_is_told_before_what_is_open(tmp_path):
    """A loss on another machine: 3, though the question about time is open."""
    base = make_run(tmp_path / "base", SIX)
    slow = make_run(tmp_path / "slow", SIX, environment={"cpu": "other"})
    found = bench.compare(base, altered(slow, tmp_path / "new", with_loss(0.15)))

    assert found.exit_code(["accuracy", "time"]) == 3
    assert found.exit_code(["time"]) == 5


def test_times_that_were_not_measured_are_told(tmp_path):
    """Nothing is divided by zero."""
    found = _compared(tmp_path, SIX, [0.0] * 6)

    assert found.changes[0].unanswered["time"] == "no times in NEW"
