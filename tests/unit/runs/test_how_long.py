"""Whole runs of a budget, or stopped by validation: what their tables and files say."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path

import pytest
from hastened import hastened

import bench
from bench.runs.execute import resume
from bench.runs.progress import Progress
from bench.training.weights import read_metadata
from registry.errors import RunError


def _run(folder, drawn, **options):
    fixed = {"progress": False, "runs": folder / "runs", "isolate": False, "batch_size": 4,
             "threads": 1, "layout": "contiguous"}  # fmt: skip
    return bench.run(["lenet5"], drawn, **fixed | options)


@pytest.fixture
def timed(tmp_path, drawn, monkeypatch):
    """The results of a run of a fifth of a second, with its page; charts are empty on that."""
    page = "bench.report.page"
    drawn_empty = nullcontext(lambda jobs: [b"<svg/>" for _ in jobs])
    monkeypatch.setattr(f"{page}.vega.FILE_FORMS", ())
    monkeypatch.setattr(f"{page}.write.renderer", lambda: drawn_empty)
    monkeypatch.setattr(f"{page}.vega.kept_library", lambda: "//")
    return _run(tmp_path, drawn, budget="0.2s", target="1%", recipe="textbook")


@pytest.fixture
def timed_in_haste(tmp_path, drawn):
    """Those of a run of a twentieth, undrawn."""
    with hastened():
        return _run(tmp_path, drawn, budget="0.05s", target="1%", recipe="textbook")


@pytest.mark.pages
def test_a_run_of_a_budget_says_so(timed):
    """In title, rows, JSON and on the page; the steps made are recorded."""
    told = json.loads((timed.folder / "comparison.json").read_text())
    page = Path(timed.page).read_text(encoding="utf-8")
    row, trial = told["rows"][0], told["trials"][0]

    assert "0.2 s of training" in told["title"]
    assert (row["budget_seconds"], row["epochs"]) == (0.2, None)
    assert row["steps_trained"] == trial["steps"] > 0
    assert trial["train_seconds"] + trial["initialization_seconds"] >= 0.2
    assert row["target_reached"] == 1
    assert "0.2 s" in page
    assert "the number of steps depends on the machine" in page


def test_a_budget_reaches_another_process(tmp_path, drawn):
    """Records and messages have no number of epochs."""
    with hastened():
        results = _run(tmp_path, drawn, budget="0.05s", isolate=True)

    assert [record.status for record in results.records] == ["ok"]


def _unfinished(results):
    """Forget the record of the one trial, as if it had never been begun."""
    import sqlite3

    from bench.runs.store import Store

    spec = results.records[0].spec
    with sqlite3.connect(results.folder / "run.db") as database:
        about = {name: json.loads(value)
                 for name, value in database.execute("SELECT name, value FROM run")}  # fmt: skip
    (results.folder / "run.db").unlink()
    about.pop("contents", None)
    Store.create(results.folder / "run.db", about, [spec]).close()


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"epochs": 2}, "a resumed run keeps its length, 0.05 s a model, and never mixes epochs"),
        ({"target": "80%"}, "a resumed run keeps its target"),
    ],
)
def test_a_run_goes_on_as_it_began(timed_in_haste, changes, why):
    """With --inexact, too: no table has both."""
    _unfinished(timed_in_haste)
    folder = timed_in_haste.folder

    with pytest.raises(RunError, match=why):
        resume(str(folder), folder.parent, changes, Progress(shown=False), inexact=True)


def test_a_run_with_patience_saves_what_it_tested(tmp_path, drawn):
    """The weights' file names the best epoch; the title says by what it was chosen."""
    with hastened():
        results = _run(tmp_path, drawn, epochs=4, patience=1)
    (record,) = results.records
    saved = results.folder / "lenet5" / "seed-0"

    assert "at most 4 epochs, stopped by validation accuracy" in results.title
    assert results.frame["selection"][0] == "validation accuracy"
    assert read_metadata(saved / "weights.safetensors").epoch == record.tested_epoch
    assert not (saved / "weights-best.safetensors").exists()


def test_epochs_and_a_budget_are_one_clear_error(tmp_path, drawn, zoo):
    """Exit 2, on one line."""
    code, out, err = zoo(
        "bench", "lenet5", "--data", drawn, "--epochs", 2, "--budget", "60s", "--no-isolate"
    )

    assert (code, out) == (2, "")
    assert "--epochs and --budget both set the training length: pass one of them" in err
