"""Runs that are taken up again, by the command and with what has changed meanwhile."""

from __future__ import annotations

import errno
import hashlib
import json
import shutil
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
from drawn_folder import draw_folder
from endings import differences, ending
from paths import PLUGINS
from zoo_process import ZooProcess

import bench
from bench.runs.execute import resume
from bench.runs.progress import Progress
from bench.runs.run_folder import RunFolder
from bench.training.checkpoint import Checkpoints
from registry.errors import StorageError

_MADE_AGAIN = (".csv", ".json", ".md", ".png")
_GRID = "test-images.png"  # needs the images, which a report does without


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory):
    """A folder with drawn images, others, and a run that was interrupted in its second model."""
    folder = tmp_path_factory.mktemp("resume")
    draw_folder(folder / "drawn")
    draw_folder(folder / "others", each=10)
    fixed = "--epochs 4 --batch-size 4 --threads 1 --memory-format contiguous --checkpoint-every 1"
    zoo = _begin(folder, "bench", "lenet5", "shaky", "--data", "drawn", *fixed.split())
    while zoo.running and not any("shaky (seed 0) epoch 1/" in line for line in zoo.lines):
        time.sleep(0.005)
    zoo.hit(signal.SIGTERM)
    assert zoo.wait() == 143, zoo.lines
    return folder


@pytest.fixture
def place(interrupted, tmp_path):
    """A copy of it, to be gone on with."""
    return shutil.copytree(interrupted, tmp_path / "place")


def _begin(folder: Path, *arguments: object) -> ZooProcess:
    plugins, cache = [PLUGINS / "shakynet"], folder / "cache"
    return ZooProcess(arguments, cwd=folder, plugins=plugins, cache=cache)


def _run(place: Path) -> Path:
    (folder,) = (place / "runs").iterdir()
    return folder


def _state(folder: Path) -> dict[str, tuple[int, int]]:
    """Return sizes and times of all files but the lock, which only says that it was asked for."""
    return {
        str(path): (path.stat().st_size, path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "lock"
    }


def test_a_second_on_one_folder_is_refused(place):
    """It ends with exit code 2, names the holder, and touches nothing."""
    folder = RunFolder(_run(place))
    with folder.held():
        before = _state(folder.path)
        zoo = _begin(place, "bench", "--resume", folder.path)
        code = zoo.wait()
        after = _state(folder.path)

    assert code == 2
    assert "in use by process " in zoo.lines[-1]
    assert after == before


def test_what_has_changed_is_named_and_refused(place):
    """Threads, recipe, images and versions: exit code 5, each by name, and nothing is trained."""
    folder = _run(place)
    _pretend_torch_was(folder / "run.db", "1.0.0")
    before = _state(folder)
    changes = ["--threads", 2, "--epochs", 9, "--data", "others"]
    zoo = _begin(place, "bench", "--resume", folder, *changes)
    code = zoo.wait()
    told = zoo.lines[-1]

    assert code == 5
    assert "threads 2 instead of 1" in told
    assert "epochs 9 instead of 4" in told
    assert "different images or a different split: Cat/cat." in told
    assert "instead of 1.0.0" in told
    assert {name for name in _state(folder) if name not in before} == set()
    assert not any("epoch" in line and "validation" in line for line in zoo.lines)


def test_inexact_goes_on_and_marks_the_rows(place):
    """What was finished keeps its row; what is done now says what it was done with."""
    folder = _run(place)
    zoo = _begin(place, "bench", "--resume", folder, "--threads", 2, "--inexact", "--json")
    code = zoo.wait()
    rows = {row["model"]: row for row in json.loads(zoo.output)["rows"]}

    assert code == 0, zoo.lines
    assert rows["lenet5"]["marks"] == ""
    assert "threads 2 instead of 1" in rows["shaky"]["marks"]


def _pretend_torch_was(path: Path, version: str) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        (text,) = database.execute("SELECT value FROM run WHERE name = 'environment'").fetchone()
        environment = json.loads(text)
        environment["packages"]["torch"] = version
        told = json.dumps(environment)
        values = (told, hashlib.sha256(f"environment\n{told}".encode()).hexdigest())
        database.execute("UPDATE run SET value = ?, sha256 = ? WHERE name = 'environment'", values)


@pytest.fixture
def done(drawn, tmp_path):
    """The folder of a run of one model that is done."""
    options = {"progress": False, "epochs": 1, "isolate": False, "runs": tmp_path / "runs"}
    return bench.run(["lenet5"], drawn, **options).folder


def test_what_a_kill_came_before_is_made_when_it_is_gone_on_with(done):
    """A trial that was kept, and whose tables and pictures were not yet written, gets them."""
    before = ending(done)
    for path in (done / "lenet5" / "seed-0").glob("*.*[!s]"):
        path.unlink()
    lost = differences(before, ending(done))
    resume(str(done), done.parent, {}, Progress(shown=False))

    assert "lenet5 seed-0 predictions.csv" in lost
    assert differences(before, ending(done)) == []


def test_checkpoints_that_outlived_their_trial_are_removed(done):
    """A kill between a trial's record and their removal leaves nothing for good."""
    before = ending(done)
    Checkpoints(done / "lenet5" / "seed-0" / "checkpoints").save({"task": "done"})
    resume(str(done), done.parent, {}, Progress(shown=False))

    assert differences(before, ending(done)) == []


def test_without_the_images_the_rest_is_made(done, drawn, capsys):
    """The grid of photographs can't be drawn then; that is said, and the tables are there."""
    trial = done / "lenet5" / "seed-0"
    (trial / _GRID).unlink()
    (trial / "predictions.csv").unlink()
    drawn.rename(drawn.with_name("gone"))
    results = resume(str(done), done.parent, {}, Progress())

    assert results.exit_code == 0
    assert "cannot draw the test images" in capsys.readouterr().err
    assert (trial / "predictions.csv").is_file()


def test_a_report_is_the_same_each_time(done, monkeypatch, capsys):
    """Every table and figure that `zoo report` makes is byte for byte what it was."""
    before = _contents(done)
    assert _zoo(monkeypatch, "report", done) == 0
    first = _contents(done)
    assert _zoo(monkeypatch, "report", done) == 0

    assert len(first) >= 10
    assert first == before
    assert _contents(done) == first


def _contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path): path.read_bytes()
        for path in folder.rglob("*")
        if path.suffix in _MADE_AGAIN and path.name != _GRID
    }


def test_runs_are_listed_shown_and_removed(done, monkeypatch, capsys):
    """`zoo runs` names it, `show` prints its table, `rm` asks for `--yes` where none can answer."""
    runs = ("--runs-dir", done.parent)
    assert _zoo(monkeypatch, "runs", *runs) == 0
    listed = capsys.readouterr().out
    assert _zoo(monkeypatch, "runs", "show", "1", *runs) == 0
    shown = capsys.readouterr().out
    refused = _zoo(monkeypatch, "runs", "rm", "1", *runs)
    there = done.is_dir()
    removed = _zoo(monkeypatch, "runs", "rm", "1", "--yes", *runs)

    assert done.name in listed
    assert "61.0 k" in shown
    assert (refused, there) == (2, True)
    assert (removed, done.exists()) == (0, False)


def _zoo(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    from zoo.cli.app import main

    monkeypatch.setenv("COLUMNS", "150")
    monkeypatch.setattr("sys.argv", ["zoo", *map(str, arguments)])
    try:
        main()
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def test_a_full_disk_is_told_when_a_run_is_taken_up(done, monkeypatch):
    """One line that says how to go on, and no traceback."""

    def full(*given):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("bench.runs.execute.report", full)
    with pytest.raises(
        StorageError, match=r"No space left on device: free disk space, then run `zoo bench"
    ):
        resume(str(done), done.parent, {}, Progress(shown=False))
