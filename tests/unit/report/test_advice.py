"""The command that adds the seeds which a verdict lacks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made_run import alike, make_run

from bench.report.advice import advice, advised, seed_seconds
from bench.runs.stored_runs import read_run


def _results(tmp_path, **changes):
    folder = make_run(tmp_path / "my runs", pictures=False, **{"seeds": 1} | changes)
    return read_run(str(folder), folder.parent)


def test_one_seed_is_followed_by_looks(tmp_path):
    """The command has the run, and the least and the most time by that of the trials."""
    results = _results(tmp_path)

    assert advice(results) == (
        "for a verdict, 2 to 11 more seeds, 2 min to 11 min: "
        f"zoo bench --resume '{results.folder}' --until-clear"
    )


def test_a_sure_verdict_is_used_if_weights_were_kept(tmp_path):
    """Without them nothing is left to do."""
    results = _results(tmp_path, seeds=6)
    before = advice(results)
    kept = results.folder / "lenet" / "seed-0" / "weights.safetensors"
    kept.parent.mkdir(parents=True)
    kept.touch()

    assert before == ""
    assert advice(results).endswith(f"weights: zoo predict PHOTO --run '{results.folder}'")


def test_a_verdict_that_is_only_just_one_gets_twice_the_seeds(tmp_path):
    """More seeds narrow its interval; a clear one gets none."""
    results = _results(tmp_path, seeds=2, models=("a", "b"))

    assert "for a surer verdict, 2 more seeds, about " in advice(results)
    assert advice(results).endswith(" --seeds 4")


def test_drawings_are_followed_by_images(tmp_path):
    """No verdict on drawings is of use."""
    results = replace(_results(tmp_path, seeds=6), synthetic=True)
    models = " ".join(results.pairwise.standings.order)

    assert advice(results).endswith(f": zoo bench --models {models} --data YOUR-FOLDER")


def test_a_failed_model_is_trained_by_a_new_run(tmp_path):
    """Resuming does not try it again; the terminal has whole paths, a page has none."""
    results = _results(tmp_path, seeds=2)
    records = [r if r.model != "lenet" else replace(r, status="failed") for r in results.records]
    command = ("/bin/zoo", "bench", "--data", "/home/me/pets", "--seeds", "2")
    failed = replace(results, records=tuple(records), command=command)

    assert advice(failed) == (
        "after mending lenet, a new run: zoo bench --data /home/me/pets --seeds 2"
    )
    assert advised(failed, "1").command == "zoo bench --data pets --seeds 2"


def test_a_tie_is_followed_by_looks_of_a_new_run(tmp_path):
    """More seeds for the old one would find differences by chance."""
    results = _results(tmp_path, seeds=2, models=("a", "b"), change=alike)
    tied = replace(results, command=("zoo", "bench", "a", "b", "--seeds", "2", "--epochs", "1"))

    assert advice(tied).endswith(" may tell: zoo bench a b --epochs 1 --until-clear")


def test_one_model_needs_no_verdict(tmp_path):
    """Nor does it have one."""
    assert advice(_results(tmp_path, models=("lenet5",))) == ""


def test_an_unfinished_run_is_resumed_first(tmp_path):
    """Then the seeds that it lacks are those of its own plan."""
    results = _results(tmp_path, change=lambda number, result: result if number else None)

    assert advice(results) == ""


def test_seeds_in_a_list_stay_in_it(tmp_path):
    """A run of the seed 7 gets the seed after it."""
    results = _results(tmp_path)
    records = tuple(replace(r, spec=replace(r.spec, seed=7)) for r in results.records)

    assert "1 more seed, about " in advice(replace(results, records=records))
    assert advice(replace(results, records=records)).endswith(" --seeds 7,8")


@pytest.mark.parametrize(("jobs", "share"), [(1, 1), (2, 2)])
def test_a_seed_takes_what_it_took(tmp_path, jobs, share):
    """The means of the models add up; trials at a time share the seconds."""
    records = [replace(each, jobs=jobs) for each in _results(tmp_path).records]
    pace = np.array([1.4, 1.4**2, 1.4**3])
    least = (8 * pace + 1.5 + 0.65 * pace).sum() / share

    assert least < seed_seconds(records) < 1.05 * least
    assert seed_seconds(records, ["lenet5"]) < seed_seconds(records) / 3
