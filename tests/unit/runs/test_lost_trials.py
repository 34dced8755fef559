"""Runs whose database lacks what was stored in it, or whose folder moves while they run."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing

import flip_store
import fuzz_store
import pytest
from fuzz_store import ABOUT, result, spec

from bench.runs.lost_trials import trials_despite_loss, whole_trials
from bench.runs.run_folder import RunFolder
from bench.runs.run_list import list_runs
from bench.runs.store import Store
from bench.runs.stored_runs import read_run
from registry.errors import RunError


@pytest.fixture
def run(tmp_path):
    """The folder of a run of three trials, two of them finished."""
    fuzz_store.make(tmp_path / "runs" / "0001-a" / "run.db")
    return tmp_path / "runs" / "0001-a"


def _forget(run, number):
    """Let the database be as if this trial had never ended."""
    with closing(Store.open(run / "run.db")) as store, store._database:
        store._database.execute("BEGIN")
        store._put(number, spec(number))


def _write_record(run, number, status="ok"):
    where = RunFolder(run).path_of(spec(number))
    where.mkdir(parents=True)
    (where / "record.json").write_text(json.dumps({"status": status}))


def test_a_database_alone_is_whole_after_each_trial(tmp_path):
    """A copy of `run.db` of a run under way has each finished trial."""
    plan = [spec(0), spec(1)]
    with closing(Store.create(tmp_path / "run.db", ABOUT, plan)) as store:
        store.finish(0, result(0))
        shutil.copy(tmp_path / "run.db", tmp_path / "copy.db")
    with closing(Store.open(tmp_path / "copy.db", read_only=True)) as copy:
        trials = copy.trials()

    assert [trial.finished for trial in trials] == [True, False]


@pytest.mark.parametrize("read", [Store.open, lambda path: read_run(str(path.parent), path)])
def test_a_lost_trial_is_told_by_name(run, read):
    """A database that forgot one is refused, with what to do."""
    _forget(run, 1)

    with pytest.raises(RunError, match=r"lacks 1 stored trial, model_1 \(seed 0\): restore run.db"):
        read(run / "run.db")


def test_an_older_copy_of_the_database_is_told(run):
    """It lacks what came after it."""
    older = (run / "run.db").read_bytes()
    with closing(Store.open(run / "run.db")) as store:
        store.finish(2, result(2))
    (run / "run.db").write_bytes(older)

    with pytest.raises(RunError, match=r"lacks 1 stored trial, model_2 \(seed 0\)"):
        Store.open(run / "run.db")


def test_a_run_of_an_earlier_version_is_held_against_its_folder(run):
    """Without a journal, the record in the trial's folder tells that it was finished."""
    _forget(run, 1)
    _write_record(run, 1)
    (run / "finished.json").unlink()
    with (
        closing(Store.open(run / "run.db")) as store,
        pytest.raises(RunError, match=r"lacks 1 stored trial, model_1"),
    ):
        whole_trials(RunFolder(run), store)


def test_a_loss_is_told_once_if_it_is_accepted(run):
    """`--inexact` says what is trained again; then the run is whole."""
    _forget(run, 1)
    _write_record(run, 1)
    told: list[str] = []
    with closing(Store.open(run / "run.db", lossy=True)) as store:
        trials_despite_loss(RunFolder(run), store, told.append)
    with closing(Store.open(run / "run.db")) as store:
        trials = whole_trials(RunFolder(run), store)

    assert "model_1 (seed 0): training again" in told[0]
    assert [trial.finished for trial in trials] == [True, False, False]


def test_a_kill_before_the_journal_is_no_loss(run):
    """The database may have more than the journal."""
    journal = (run / "finished.json").read_bytes()
    with closing(Store.open(run / "run.db")) as store:
        store.finish(2, result(2))
    (run / "finished.json").write_bytes(journal)

    assert len(read_run(str(run), run.parent).records) == 3


def test_an_altered_journal_is_refused_by_name(run):
    """It has a digest."""
    path = run / "finished.json"
    path.write_text(path.read_text().replace("model_0", "model_9"))

    with pytest.raises(RunError, match=r"finished.json is damaged: restore"):
        Store.open(run / "run.db")


@pytest.mark.parametrize(
    "statement",
    ["UPDATE trial SET record = replace(record, '0.6', '0.9')", "UPDATE trial SET seed = 7"],
)
def test_the_list_of_runs_shows_no_altered_records(run, statement):
    """The reason stands in their place."""
    with closing(sqlite3.connect(run / "run.db")) as database, database:
        database.execute(statement)
    (row,) = list_runs(run.parent)

    assert "run.db is damaged: " in row["state"]
    assert "finished" not in row


@pytest.mark.parametrize("logged", [True, False])
def test_flipped_bits_are_refused_or_change_nothing(logged):
    """Of database, log and journal; `flip_store.py 400` flips more."""
    counts = flip_store.flip_store(60, seed=1, logged=logged)

    assert counts.total() == 61
    assert sum(n for name, n in counts.items() if name.endswith("refused")) > 10


@pytest.mark.parametrize(
    ("status", "error", "finished"),
    [
        ("killed", "its process was killed by SIGKILL", False),
        ("killed", "its process was killed by SIGTERM", False),
        ("out-of-memory", "the kernel killed its process for lack of memory", False),
        ("killed", "its process was killed by SIGSEGV", True),
        ("out-of-memory", "MemoryError", True),
    ],
)
def test_a_trial_killed_from_outside_is_tried_again(run, status, error, finished):
    """A crash of its own, or its own lack of memory, is a result."""
    with closing(Store.open(run / "run.db")) as store:
        store.finish(2, result(2, status=status, error=error))
        trial = store.trials()[2]

    assert trial.finished is finished


def test_a_renamed_folder_is_told_with_its_new_name(run):
    """What is stored after that is in the renamed folder, and none is made in its place."""
    folder, there = RunFolder(run), run.with_name("renamed")
    with folder.held(), closing(Store.open(run / "run.db")) as store:
        run.rename(there)
        store.finish(2, result(2))
        with pytest.raises(RunError, match=r"was renamed during the run: .*--resume .*renamed`"):
            folder.trial(spec(2))

    assert not run.exists()
    assert len(read_run(str(there), there.parent).records) == 3


def test_a_removed_folder_is_told(run):
    """It is not made again."""
    folder = RunFolder(run)
    with folder.held():
        shutil.rmtree(run)
        with pytest.raises(RunError, match="was moved or removed during the run"):
            folder.trial(spec(2))

    assert not run.exists()
