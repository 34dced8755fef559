from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
from contextlib import closing
from types import SimpleNamespace

import pytest
from drawn_folder import draw_folder

import bench
from bench.report.page import vega as draw
from bench.runs.run_folder import RunFolder
from bench.runs.store import Store
from registry.errors import RunError


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The results of a run of two seeds, its page drawn."""
    folder = tmp_path_factory.mktemp("trained")
    given = {"progress": False, "epochs": 1, "runs": folder / "runs", "isolate": False}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(draw, "FILE_FORMS", ("svg",))  # PNG takes twice as long
        return bench.run(["lenet5"], draw_folder(folder / "drawn"), seeds=(0, 1), **given)


@pytest.fixture
def made(trained, tmp_path):
    """The folder of that run and its page, copied into a runs folder of the test's own."""
    folder = tmp_path / "runs" / trained.folder.name
    shutil.copytree(trained.folder, folder)
    return SimpleNamespace(folder=folder, page=folder / trained.page.name)


@pytest.fixture
def zoo(zoo, tmp_path):
    """Run `zoo` with arguments and the test's runs folder; return exit code, stdout, stderr."""
    return lambda *arguments: zoo(*arguments, "--runs-dir", tmp_path / "runs")


def _contents(folder):
    made_from_records = (".csv", ".json", ".md", ".png", ".svg", ".html")
    return {
        path: path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.suffix in made_from_records and path.name != "test-images.png"
    }


@pytest.mark.pages
def test_tables_made_again_are_the_same(made, zoo, monkeypatch):
    """Tables, figures and the page with its pictures come from the records, byte for byte."""
    monkeypatch.setattr(draw, "FILE_FORMS", ("svg",))
    before = _contents(made.folder)
    for path in before:
        path.unlink()
    code, out, _ = zoo("report", 1)

    assert code == 0
    assert made.page in before
    assert out.strip() == str(made.folder)
    assert _contents(made.folder) == before
    assert len(before) >= 14


@pytest.mark.pages
def test_the_page_of_a_real_run_has_its_photographs(made):
    """The pictures are kept while it runs, with what the data has: counts, parts, duplicates."""
    page = made.page.read_text(encoding="utf-8")
    with closing(Store.open(made.folder / "run.db", read_only=True)) as store:
        about, kept = store.about(), store.thumbnails.names()

    assert kept == set(about["split"]["test"])
    assert about["manifest"]["parts"]["test"] == [2, 2]
    assert about["manifest"]["classes"] == {"cat": 12, "dog": 12}
    assert page.count("<img src=") >= 4


def test_the_page_is_shown_in_a_browser(made, zoo, monkeypatch):
    """`--open` hands the page's address over; where there is no browser, a line says so."""
    opened = []
    monkeypatch.setattr("webbrowser.open", lambda address: opened.append(address) or False)
    code, out, err = zoo("report", 1, "--open")

    assert code == 0
    assert out.strip() == str(made.folder)
    assert opened == [made.page.resolve().as_uri()]
    assert "no browser found" in err


def test_runs_are_listed(made, zoo):
    """Name, how far each has come, and what it compares."""
    _, out, _ = zoo("runs", "--json")
    (row,) = json.loads(out)

    assert (row["name"], row["state"], row["trials"], row["finished"]) == (
        "0001-lenet5",
        "done",
        2,
        2,
    )
    assert "0001-lenet5" in zoo("runs")[1]


def test_a_run_is_shown_from_its_records(made, zoo):
    """The table is the one that was printed; a number, a name and a path mean the same run."""
    shown = {zoo("runs", "show", name)[1] for name in (1, "0001", "0001-lenet5", made.folder)}

    assert len(shown) == 1
    assert re.search(r"lenet5 .* to [\d.]+ +2 ", shown.pop())  # seeds


def test_a_run_is_removed_when_that_is_confirmed(made, zoo, monkeypatch):
    """Where nobody can be asked, --yes is needed."""
    monkeypatch.setattr("sys.stdin", open(os.devnull))  # noqa: PTH123, SIM115
    refused, _, err = zoo("runs", "rm", 1)
    there = made.folder.exists()
    removed, out, _ = zoo("runs", "rm", 1, "--yes")

    assert (refused, there, removed) == (2, True, 0)
    assert "needs --yes" in err
    assert out.startswith("removed ")
    assert not made.folder.exists()


def test_an_unknown_run_is_one_line(made, zoo):
    """It says where was looked, and what lists the runs."""
    code, _, err = zoo("runs", "show", "7")

    assert code == 2
    assert "no run '7' here or in" in err


def test_a_run_in_use_is_left_alone(made, zoo):
    """The second one is told who holds it; no file is touched."""
    folder = RunFolder(made.folder)
    with folder.held():
        before = {path: path.stat().st_mtime_ns for path in made.folder.rglob("*")}
        results = [zoo("report", 1), zoo("bench", "--resume", 1), zoo("runs", "rm", 1, "--yes")]
        after = {path: path.stat().st_mtime_ns for path in made.folder.rglob("*")}

    assert [code for code, _, _ in results] == [2, 2, 2]
    assert all(f"is in use by process {os.getpid()} on" in err for _, _, err in results)
    assert after == before


def test_altered_records_are_found_out(made, zoo):
    """SQLite itself notices no changed figure."""
    database = sqlite3.connect(made.folder / "run.db")
    with database:
        database.execute("UPDATE prediction SET label = 1 - label WHERE trial = 1 AND image = 0")
    database.close()
    code, _, err = zoo("runs", "show", 1)

    assert code == 2
    assert "run.db is damaged: trial 1 was altered" in err


def test_records_of_another_version_are_refused(made, zoo):
    """One line says which, and what to do; the list of runs goes on without it."""
    database = sqlite3.connect(made.folder / "run.db")
    database.execute("PRAGMA user_version = 99")
    database.close()

    assert "has records of version 99, this zoo reads version 3" in zoo("runs", "show", 1)[2]
    assert zoo("runs")[0] == 0


def test_a_path_names_a_run_wherever_it_is(made, tmp_path):
    """A run folder that was moved is found by its path, and is no run of the old place."""
    moved = made.folder.rename(tmp_path / "moved")

    assert RunFolder.find(str(moved), tmp_path / "runs").path == moved
    with pytest.raises(RunError, match="no run '1'"):
        RunFolder.find("1", tmp_path / "runs")


def test_what_a_kill_has_left_is_removed(made, zoo):
    """Checkpoints of a trial that is done, and halves of files, go when the run is taken up."""
    trial = made.folder / "lenet5" / "seed-0"
    (trial / "checkpoints").mkdir()
    left = [trial / "checkpoints" / "1-1.pt", trial / ".0123456789abcdef.partial"]
    for path in left:
        path.write_bytes(b"left")
    code, _, _ = zoo("bench", "--resume", 1)

    assert code == 0
    assert not any(path.exists() for path in left)
    assert not (trial / "checkpoints").exists()
