from __future__ import annotations

import hashlib
import json
import pickle
from pathlib import Path

import pytest
import torch
from fuzz_checkpoint import state

from bench.training.checkpoint import Cadence, Checkpoints, Schedule, digest_of
from registry.errors import RunError


def _load(folder):
    said = []
    return Checkpoints(folder).load(said.append), said


def _point_to(folder: Path, content: bytes) -> None:
    """Make `content` the only checkpoint, with a true digest."""
    (folder / "1-1.pt").write_bytes(content)
    kept = [{"file": "1-1.pt", "sha256": hashlib.sha256(content).hexdigest()}]
    own = hashlib.sha256(json.dumps(kept).encode()).hexdigest()
    (folder / "last.json").write_text(json.dumps({"kept": kept, "sha256": own}))


def test_what_was_saved_is_loaded(tmp_path):
    """Bit for bit, and nothing is said."""
    Checkpoints(tmp_path).save(state(1))
    found, said = _load(tmp_path)

    assert digest_of(found) == digest_of({"version": 1, **state(1)})
    assert said == []


def test_two_are_kept(tmp_path):
    """After three there are the newest, the one before, and the pointer."""
    for number in (1, 2, 3):
        Checkpoints(tmp_path).save(state(number))
    newest = max(tmp_path.glob("*.pt"))
    newest.write_bytes(newest.read_bytes()[:-1])
    found, said = _load(tmp_path)

    assert len([*tmp_path.iterdir()]) == 3
    assert found["position"]["epoch"] == 2
    assert "damaged" in said[0]


def test_none_is_none(tmp_path):
    """A trial that was never saved begins anew, and that is not worth a word."""
    assert _load(tmp_path / "nothing") == (None, [])


def test_a_command_in_a_checkpoint_is_not_run(tmp_path):
    """A pickle that would run one, with true digests, is refused."""

    class Command:
        def __reduce__(self):
            return Path.touch, (tmp_path / "run",)

    for content in (pickle.dumps(Command()), _saved_by_torch(tmp_path, Command())):
        _point_to(tmp_path, content)
        found, said = _load(tmp_path)

        assert found is None
        assert "it is not a checkpoint" in said[0]
        assert not (tmp_path / "run").exists()


def _saved_by_torch(folder: Path, value: object) -> bytes:
    torch.save({"version": 1, "task": value}, folder / "forged")
    return (folder / "forged").read_bytes()


@pytest.mark.parametrize("name", ["../1-1.pt", "/etc/passwd", "", "a/b.pt"])
def test_a_pointer_that_leads_elsewhere_is_refused(tmp_path, name):
    """It names files beside it, and no others."""
    kept = [{"file": name, "sha256": "0" * 64}]
    own = hashlib.sha256(json.dumps(kept).encode()).hexdigest()
    (tmp_path / "last.json").write_text(json.dumps({"kept": kept, "sha256": own}))
    found, said = _load(tmp_path)

    assert found is None
    assert "not a checkpoint name" in said[0]


def test_another_version_is_refused(tmp_path):
    """What another program wrote is not gone on from."""
    torch.save({"version": 99}, tmp_path / "forged")
    _point_to(tmp_path, (tmp_path / "forged").read_bytes())

    assert "its version is not 1" in _load(tmp_path)[1][0]


def test_clearing_leaves_no_folder(tmp_path):
    """A trial that has ended keeps no checkpoint."""
    checkpoints = Checkpoints(tmp_path / "checkpoints")
    checkpoints.save(state(1))
    checkpoints.clear()

    assert [*tmp_path.iterdir()] == []


def test_equal_states_have_equal_digests():
    """One bit, one name or one type more is another."""
    assert digest_of(state(1)) == digest_of(state(1))
    assert digest_of(state(1)) != digest_of(state(2))
    assert digest_of({"a": torch.zeros(2)}) != digest_of({"a": torch.zeros(2).double()})
    assert digest_of({"a": torch.zeros(2)}) != digest_of({"b": torch.zeros(2)})


@pytest.mark.parametrize(
    ("text", "seconds", "steps"),
    [("60s", 60, None), ("5m", 300, None), ("200", None, 200), ("never", None, None)],
)
def test_cadences(text, seconds, steps):
    """Seconds, minutes, steps, or never."""
    found = Cadence.parse(text)

    assert (found.seconds, found.steps, found.saves) == (seconds, steps, text != "never")


@pytest.mark.parametrize("text", ["", "0s", "-1", "1h", "1.5s", "often", "s"])
def test_what_is_no_cadence_is_refused(text):
    """The message says what is."""
    with pytest.raises(RunError, match="takes seconds"):
        Cadence.parse(text)


def test_steps_are_counted_from_the_last():
    """Every third step is followed by a checkpoint."""
    schedule = Schedule(Cadence(steps=3))
    due = []
    for _ in range(6):
        due.append(schedule.due())
        if due[-1]:
            schedule.saved(0.1)

    assert due == [False, False, True] * 2


def test_checkpoints_take_a_fiftieth_of_the_time_at_most(monkeypatch):
    """After one that took 2 s none is due for 100 s, though every 60 s was asked for."""
    now = [0.0]
    monkeypatch.setattr("bench.training.checkpoint.time.monotonic", lambda: now[0])
    schedule = Schedule(Cadence(seconds=60))
    found = []
    for now[0] in (59.0, 60.0):
        found.append(schedule.due())
    schedule.saved(2.0)
    for now[0] in (159.0, 160.0):
        found.append(schedule.due())

    assert found == [False, True, False, True]
