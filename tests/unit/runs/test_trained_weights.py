"""Which weights a run's number, name, folder, trial or file stand for."""

from __future__ import annotations

import pytest

from bench.runs.trained_weights import find_weights, turn_of
from registry.errors import RunError


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """A folder of two runs: one with three seeds, one with two folds."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "elsewhere"
    trials = ["0001-net/net/seed-0", "0001-net/net/seed-2", "0001-net/net/seed-10"]
    trials += [f"0002-net/net/seed-0/fold-{fold}" for fold in (1, 2)]
    for trial in trials:
        (folder / trial).mkdir(parents=True)
        (folder / trial / "weights.safetensors").write_bytes(b"weights")
    for run in folder.iterdir():
        (run / "run.db").write_bytes(b"")
    return folder


@pytest.mark.parametrize("spelling", ["2", "0002", "0002-net", "elsewhere/0002-net"])
def test_a_run_is_found_like_in_other_commands(runs, spelling):
    """By number, by name in the folder for runs, or by path."""
    weights = [path.resolve() for path in find_weights(spelling, runs)]
    trials = [path.parent.relative_to(runs).as_posix() for path in weights]

    assert trials == ["0002-net/net/seed-0/fold-1", "0002-net/net/seed-0/fold-2"]


@pytest.mark.parametrize(
    "spelling",
    ["elsewhere/0001-net/net/seed-2", "0001-net/net/seed-2/weights.safetensors"],
)
def test_a_trial_and_a_file_are_found(runs, spelling):
    """By path, or by path in the folder for runs."""
    (path,) = find_weights(spelling, runs)

    assert path.resolve() == runs / "0001-net" / "net" / "seed-2" / "weights.safetensors"


def test_a_run_wins_over_a_folder_of_that_name(runs, tmp_path):
    """As `zoo runs show 1` does; weights in `./1` are named by `./1/...`."""
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "weights.safetensors").write_bytes(b"weights")

    assert len(find_weights("1", runs)) == 3


def test_seeds_are_in_numeric_order(runs):
    """Seed 10 comes last."""
    assert [turn_of(path) for path in find_weights("1", runs)] == [(0, None), (2, None), (10, None)]


def test_seed_and_fold_are_read_from_the_place(runs, tmp_path):
    """A file elsewhere has neither."""
    assert turn_of(find_weights("2", runs)[1]) == (0, 2)
    assert turn_of(tmp_path / "weights.safetensors") == (None, None)


def test_several_runs_are_refused(runs):
    """Two networks of seed 0 could not be told apart in a table."""
    with pytest.raises(RunError, match=r"several runs, \S+/0001-net and \S+/0002-net: name one"):
        find_weights(runs)


@pytest.mark.parametrize(
    ("spelling", "message"),
    [
        ("7", r"no run '7' here or in elsewhere: `zoo runs` lists"),
        ("3", r"no weights in elsewhere/0003-net: each trial that finishes leaves them there"),
        ("empty", r"no weights in empty: name a run by its number or folder"),
        ("x" * 300, r"File name too long"),
    ],
)
def test_no_weights_says_what_to_do(runs, tmp_path, spelling, message):
    """No such run, a run of which no trial has finished, and a folder of something else."""
    (runs / "0003-net").mkdir()
    (runs / "0003-net" / "run.db").write_bytes(b"")
    (tmp_path / "empty").mkdir()

    with pytest.raises(RunError, match=message):
        find_weights(spelling, runs.relative_to(tmp_path))
