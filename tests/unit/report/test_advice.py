"""The command that adds the seeds which a verdict lacks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made_run import make_run

from bench.report.advice import advice, seed_seconds
from bench.runs.stored_runs import read_run


def _results(tmp_path, **changes):
    folder = make_run(tmp_path / "my runs", pictures=False, **{"seeds": 1} | changes)
    return read_run(str(folder), folder.parent)


def test_one_seed_is_followed_by_looks(tmp_path):
    """The command has the run, and the least and the most time by that of the trials."""
    results = _results(tmp_path)

    assert advice(results) == (
        f"2 to 11 more seeds: zoo bench --resume '{results.folder}' --until-clear, 2 min to 11 min"
    )


def test_a_run_with_a_verdict_needs_no_advice(tmp_path):
    """Nor does one model."""
    assert advice(_results(tmp_path, seeds=2)) == ""
    assert advice(_results(tmp_path / "one", models=("lenet5",))) == ""


def test_an_unfinished_run_is_resumed_first(tmp_path):
    """Then the seeds that it lacks are those of its own plan."""
    results = _results(tmp_path, change=lambda number, result: result if number else None)

    assert advice(results) == ""


def test_seeds_in_a_list_stay_in_it(tmp_path):
    """A run of the seed 7 gets the seed after it."""
    results = _results(tmp_path)
    records = tuple(replace(r, spec=replace(r.spec, seed=7)) for r in results.records)

    assert "1 more seed: zoo bench " in advice(replace(results, records=records))
    assert "--seeds 7,8, about" in advice(replace(results, records=records))


@pytest.mark.parametrize(("jobs", "share"), [(1, 1), (2, 2)])
def test_a_seed_takes_what_it_took(tmp_path, jobs, share):
    """The means of the models add up; trials at a time share the seconds."""
    records = [replace(each, jobs=jobs) for each in _results(tmp_path).records]
    pace = np.array([1.4, 1.4**2, 1.4**3])
    least = (8 * pace + 1.5 + 0.65 * pace).sum() / share

    assert least < seed_seconds(records) < 1.05 * least
    assert seed_seconds(records, ["lenet5"]) < seed_seconds(records) / 3
