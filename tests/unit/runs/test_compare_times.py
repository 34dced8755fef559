from __future__ import annotations

import pytest
from made_runs import ENVIRONMENT, altered, correct, make_run, with_loss
from scipy.stats import mannwhitneyu

import bench
from bench.analysis.change import TimeChange, time_changes
from bench.analysis.stats.paired import least_rank_sum_p, rank_sum_p

TEN = [10.0, 10.1, 10.2, 10.3, 10.4, 10.5]
ONE = {"lenet": correct(seeds=1)}
SIX = {"lenet": correct(seeds=6)}


def _kind(base, new):
    return time_changes({"lenet": base}, {"lenet": new})["lenet"].kind


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


@pytest.mark.parametrize(("factor", "kind"), [(1.2, "level"), (1.3, "slower"), (0.7, "faster")])
@pytest.mark.parametrize("seeds", [1, 3])
def test_few_seeds_need_a_quarter(seeds, factor, kind):
    """Three against three can't pass 0.05 by the rank sums, so the threshold is higher."""
    assert _kind(TEN[:seeds], [factor * second for second in TEN[:seeds]]) == kind


def test_more_models_need_more_seeds():
    """Four seeds do for one model; with two, Holm's first step is out of reach."""
    base, new = {"a": TEN[:4], "b": TEN[:4]}, {"a": [12.0] * 4, "b": [10.1] * 4}

    assert time_changes({"a": base["a"]}, {"a": new["a"]})["a"].p is not None
    assert time_changes(base, new)["a"] == TimeChange(base=tuple(TEN[:4]), new=(12.0,) * 4, p=None)


@pytest.mark.parametrize(("first", "second"), [(1, 1), (3, 3), (4, 4), (6, 3)])
def test_the_least_p_is_that_of_samples_apart(first, second):
    """As scipy finds it for samples that do not overlap."""
    apart = mannwhitneyu(range(first), range(10, 10 + second), method="exact").pvalue

    assert least_rank_sum_p(first, second) == pytest.approx(apart)
    assert rank_sum_p(range(first), range(10, 10 + second)) == pytest.approx(apart)


def _compared(tmp_path, models, seconds, **changed):
    base = make_run(tmp_path / "base", models)
    new = make_run(tmp_path / "new", models, seconds={"lenet": seconds}, **changed)
    return bench.compare(base, new)


@pytest.mark.parametrize(("models", "seconds"), [(SIX, [12.0] * 6), (ONE, [13.0])])
def test_a_slower_model_is_a_regression_of_time_alone(tmp_path, models, seconds):
    """Exit 3 where time is asked for, 0 where it is not."""
    found = _compared(tmp_path, models, seconds)

    assert found.exit_code(["time"]) == 3
    assert found.exit_code(["accuracy", "parameters"]) == 0


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

    assert found.exit_code(["time"]) == 3
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
