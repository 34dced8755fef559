"""Two runs whose seeds are trained in turn, with made trainings."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest
from made_runs import correct, make_run

import bench
from bench.runs import in_turn
from bench.runs.in_turn import Side, train_against, train_in_turn
from bench.runs.store import Store
from registry.errors import RunError

_SIX = {"lenet": correct(seeds=6)}


class _Program:
    """Stands for `zoo bench`: notes each command; the new side takes twice as long."""

    def __init__(self, runs, exit_code=0):
        self.runs, self.exit_code, self.commands = runs, exit_code, []

    def __call__(self, command, folder):
        self.commands.append((command, folder))
        if "--config" in command and not self.exit_code:
            new = len(list(self.runs.iterdir())) > 0
            seconds = [(20.0 if new else 10.0) + seed for seed in range(6)]
            name = f"000{2 if new else 1}-made"
            make_run(self.runs / name, _SIX, seconds={"lenet": seconds})
        return self.exit_code


@pytest.fixture
def program(tmp_path, monkeypatch):
    """What is started instead of `zoo bench`."""
    (tmp_path / "runs").mkdir()
    made = _Program(tmp_path / "runs")
    monkeypatch.setattr(in_turn, "run_command", made)
    return made


def _sides(tmp_path):
    old = Side(config=tmp_path / "old", models=("lenet",), python="old", folder=Path("before"))
    return old, Side(config=tmp_path / "new.json", models=("lenet",), python="new")


def _train(program, tmp_path, seeds=range(6)):
    return train_in_turn(*_sides(tmp_path), tuple(seeds), program.runs)


def test_seeds_are_trained_in_turn(program, tmp_path):
    """Every second time the new side is the first, so that neither is always the later one."""
    _train(program, tmp_path, range(3))

    assert [command[0] for command, _ in program.commands] == [
        "old", "new", "new", "old", "old", "new"
    ]  # fmt: skip
    assert [command[-1] for command, _ in program.commands] == ["0,"] * 2 + ["0,1"] * 2 + [
        "0,1,2"
    ] * 2
    assert {folder for command, folder in program.commands if command[0] == "old"} == {
        Path("before")
    }


def test_times_of_both_runs_are_tested(program, tmp_path):
    """Twice as long is slower; a comparison with any other run says nothing of time."""
    old, new = _train(program, tmp_path)
    other = make_run(tmp_path / "other", _SIX, seconds={"lenet": [20.0] * 6})

    assert bench.compare(old, new).changes[0].time.kind == "slower"
    assert bench.compare(old, other).changes[0].time.kind == "untested"


def test_a_seed_that_was_added_later_is_not_in_turn(program, tmp_path):
    """The run has six seeds; only four are known to be in turn."""
    old, new = _train(program, tmp_path)
    for folder in (old, new):
        with closing(Store.open(folder / "run.db")) as store:
            store.tell("in_turn", store.about()["in_turn"] | {"seeds": [0, 1, 2, 3]})

    assert bench.compare(old, new).changes[0].time.kind == "untested"


def test_a_run_that_ends_without_results_ends_both(program, tmp_path):
    """Its own message says why."""
    program.exit_code = 2

    with pytest.raises(RunError, match=r"`zoo bench --config .*` ended with exit code 2: see abov"):
        _train(program, tmp_path)


def test_one_seed_is_too_few(program, tmp_path):
    """Nothing is trained: a single pair says nothing of noise."""
    with pytest.raises(RunError, match=r"add --seeds 6"):
        _train(program, tmp_path, [0])

    assert program.commands == []


def test_options_change_the_new_side_alone(program, tmp_path, monkeypatch):
    """The old side has the run's own file, the new one a file with the new options."""
    run = tmp_path / "runs" / "0007-lenet"
    run.mkdir()
    (run / "run.db").write_bytes(b"")
    (run / "config.json").write_text(json.dumps({"models": ["lenet"], "epochs": 3, "seeds": 2}))
    found = []

    def keep(old, new, seeds, runs):
        found.extend([old.config, json.loads(new.config.read_text())["request"], seeds])
        return run, run

    monkeypatch.setattr(in_turn, "train_in_turn", keep)
    train_against("7", tmp_path / "runs", {"epochs": 5}, python="old", folder=None)

    assert (found[0], found[1]["epochs"], found[2]) == (run, 5, (0, 1))
