"""The command that adds the seeds which a verdict lacks."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace

import numpy as np
import pytest
from made_run import alike, make_run

from bench.analysis.sequential import Look
from bench.analysis.until_clear import Outcome
from bench.report.advice import advice, advised, seed_seconds
from bench.report.repeat_command import run_path
from bench.runs.stored_runs import read_run
from zoo.cli.app import main
from zoo.cli.runs import print_ending


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
    """Resuming does not try it again; its options are those of the run, so no path is told."""
    results = _results(tmp_path, seeds=2)
    records = [r if r.model != "lenet" else replace(r, status="failed") for r in results.records]
    command = ("/bin/zoo", "bench", "--data", "/home/me/pets", "--seeds", "2")
    failed = replace(results, records=tuple(records), command=command)

    assert advice(failed) == (
        f"after mending lenet, a new run: zoo bench --config '{results.folder}'"
    )
    assert advised(failed, "runs/1").command == "zoo bench --config runs/1"


def test_a_tie_is_followed_by_looks_of_a_new_run(tmp_path):
    """More seeds for the old one would find differences by chance."""
    results = _results(tmp_path, seeds=2, models=("a", "b"), change=alike)

    assert advice(results).endswith(
        f" may tell: zoo bench --config '{results.folder}' --until-clear"
    )
    assert advice(replace(results, command=())) == ""  # of a notebook, whose networks are in it


def test_the_advice_after_a_tie_runs_as_written(tmp_path, monkeypatch):
    """The run has two seeds, from wherever they came; nobody is asked to leave them out."""
    results = _results(tmp_path, seeds=2, models=("a", "b"), change=alike)
    request = {"models": ["lenet", "alexnet"], "seeds": [0, 1], "epochs": 2}
    (results.folder / "config.json").write_text(json.dumps({"request": request}))
    asked = []
    monkeypatch.setattr("zoo.cli.bench.run_and_show", lambda given, *_, **__: asked.append(given))
    monkeypatch.setattr("sys.argv", shlex.split(advised(results).command))
    with pytest.raises(SystemExit):
        main()

    assert asked == [{"models": ("lenet", "alexnet"), "epochs": 2, "until_clear": True}]


def test_one_model_needs_no_verdict(tmp_path):
    """Nor does it have one."""
    assert advice(_results(tmp_path, models=("lenet5",))) == ""


def test_an_unfinished_run_is_resumed_first(tmp_path):
    """Then the seeds that it lacks are those of its own plan."""
    results = _results(tmp_path, change=lambda number, result: result if number else None)

    assert advice(results) == ""


def test_the_terminal_has_the_advice_below_the_ending(tmp_path, capsys):
    """Of a run that adds seeds until it is clear: who won, then what to do with that."""
    results = replace(_results(tmp_path, seeds=3, models=("a", "b")), synthetic=True)
    look = Look(endings={("a", "b"): "better"}, going_on=())
    models, pairwise = results.pairwise.standings.order, results.pairwise
    outcome = Outcome(found=look, number=1, points=2.0, models=models, pairwise=pairwise)
    print_ending(replace(results, outcome=outcome))
    first, second = capsys.readouterr().out.splitlines()

    assert first.startswith("a is better than b")
    assert second == (
        "drawings are only a demonstration; for your own images: "
        f"zoo bench --models {' '.join(models)} --data YOUR-FOLDER"
    )


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ((), "runs/1"),
        (("--runs-dir", "tries"), "tries/1"),
        (("--runs-dir=tries/new",), "tries/new/1"),
        (("--runs-dir", "/home/me/tries"), "1"),
        (("--runs-dir", "../tries"), "1"),
    ],
)
def test_a_page_calls_a_run_from_where_it_was_begun(given, path):
    """And says no path that names the user."""
    assert run_path(("zoo", "bench", "lenet", *given), "1") == path


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
