from __future__ import annotations

import sqlite3
from contextlib import closing

import fuzz_store
import numpy as np
import pytest
from fuzz_store import ABOUT, result, spec

from bench.runs.schema import connect
from bench.runs.store import Store
from registry.errors import RunError, StorageError


@pytest.fixture
def path(tmp_path):
    """Of a store of three trials, two of them finished."""
    made = tmp_path / "runs" / "0001-a" / "run.db"
    fuzz_store.make(made)
    return made


def _change(path, statement, *values):
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(statement, values)


def _trials(path):
    with closing(Store.open(path, read_only=True)) as store:
        return store.trials()


def test_records_come_back_as_they_were(path):
    """Floats to the last bit, names that are no UTF-8, answers, history, all of it."""
    first, second, third = _trials(path)

    for number, trial in ((0, first), (1, second)):
        assert trial.record == result(number).record
        assert np.array_equal(trial.test.probabilities, result(number).test.probabilities)
        assert np.array_equal(trial.test.labels, result(number).test.labels)
    assert third.spec == spec(2)
    assert (third.record, third.test, third.finished) == (None, None, False)


def test_what_is_known_of_the_run_comes_back(path):
    """Surrogate escapes too."""
    with closing(Store.open(path, read_only=True)) as store:
        assert store.about() == ABOUT


def test_the_plan_is_there_first(tmp_path):
    """A run that is killed before its first trial ends can be gone on with."""
    with closing(Store.create(tmp_path / "run.db", ABOUT, [spec(0), spec(1)])):
        trials = _trials(tmp_path / "run.db")

    assert [trial.spec for trial in trials] == [spec(0), spec(1)]
    assert not any(trial.finished for trial in trials)


def test_a_trial_is_kept_whole_or_not_at_all(path):
    """What fails between a trial's rows leaves the trial as it was."""
    before = _trials(path)
    doubled = result(2, history=result(2).record.history[:1] * 2)
    with closing(Store.open(path)) as store, pytest.raises(RunError, match="UNIQUE"):
        store.finish(2, doubled)

    assert [trial.record for trial in _trials(path)] == [trial.record for trial in before]


def test_an_interrupted_trial_can_end_once_more(path):
    """Its last end counts; nothing is left of the one before."""
    with closing(Store.open(path)) as store:
        store.finish(2, result(2, status="interrupted"))
        interrupted = store.trials()[2].finished
        store.finish(2, result(2))

    assert not interrupted
    assert _trials(path)[2].record == result(2).record


def test_another_version_is_refused(path):
    """The message says what to use."""
    _change(path, "PRAGMA user_version = 99")

    with pytest.raises(RunError, match=r"has records of version 99, this zoo reads version 3"):
        Store.open(path)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE trial SET record = replace(record, '0.6', '0.9')",
        "UPDATE trial SET status = 'planned'",
        "UPDATE trial SET spec = replace(spec, 'nowhere', 'elsewhere')",
        "UPDATE epoch SET record = replace(record, '0.5', '0.6')",
        "UPDATE prediction SET label = 1 - label",
        "DELETE FROM prediction WHERE image = 0",
        "DELETE FROM epoch WHERE epoch = 2",
    ],
)
def test_whatever_was_altered_is_noticed(path, statement):
    """SQLite reads it without a word; the digests tell."""
    _change(path, statement)

    with pytest.raises(RunError, match="is damaged: trial 0 was altered"):
        _trials(path)


def test_altered_facts_about_the_run_are_noticed(path):
    """They have digests, too."""
    _change(path, "UPDATE run SET value = '[4, 4]' WHERE name = 'baseline'")

    with (
        closing(Store.open(path)) as store,
        pytest.raises(RunError, match="'baseline' was altered"),
    ):
        store.about()


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM trial WHERE number = 2",
        "UPDATE trial SET number = 7 WHERE number = 2",
        "DELETE FROM run WHERE name = 'title'",
        "UPDATE run SET name = 'tidle' WHERE name = 'title'",
        "DELETE FROM run WHERE name = 'contents'",
    ],
)
def test_what_is_missing_is_noticed(path, statement):
    """A row that is gone, or under another name, has no digest that could tell."""
    _change(path, statement)

    with pytest.raises(RunError, match="is damaged: "):
        fuzz_store.content(path)


def test_no_store_is_told(tmp_path):
    """A folder without one is no run."""
    with pytest.raises(RunError, match=r"run\.db is missing; see `zoo runs`"):
        Store.open(tmp_path / "run.db")


def test_a_store_that_another_writes_is_told(path, monkeypatch):
    """It is not damaged, it is in use."""
    monkeypatch.setattr("bench.runs.schema.sqlite3.connect", _impatient)
    with (
        closing(sqlite3.connect(path, isolation_level=None)) as other,
        closing(Store.open(path)) as store,
    ):
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageError, match="locked"):
            store.finish(2, result(2))


_connect = sqlite3.connect


def _impatient(*arguments, **named):
    return _connect(*arguments, **{**named, "timeout": 0})


def test_what_is_committed_is_synced(tmp_path):
    """A trial that is said to be done is on the disk, whatever happens next."""
    with closing(connect(tmp_path / "run.db")) as database:
        (synchronous,) = database.execute("PRAGMA synchronous").fetchone()

    assert synchronous == 2  # FULL
