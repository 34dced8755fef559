from __future__ import annotations

import random
import shutil
from functools import cache

import numpy as np
import pytest
import torch
from restless import (
    STEPS,
    StopAt,
    require_same,
    require_same_wherever_stopped,
    restless_spec,
    train_resumed,
    train_stopped,
    train_unbroken,
)

from bench.data.split import as_plain, split_of
from bench.runs.progress import Progress
from bench.training.callbacks import TrialContext
from bench.training.checkpoint import Cadence, Checkpoints
from bench.training.recipe import DEFAULT, TEXTBOOK
from bench.training.stop import StopRequest
from bench.training.trial import run_trial

pytestmark = pytest.mark.usefixtures("hastened_runs")


@pytest.fixture(scope="module")
def unbroken(split):
    """What comes of a trial that nothing stops, done once for each specification."""
    return cache(lambda spec: train_unbroken(spec, split))


@pytest.mark.parametrize("recipe", [DEFAULT, TEXTBOOK], ids=lambda recipe: recipe.name)
def test_a_trial_stopped_at_any_step_ends_like_an_unbroken_one(split, unbroken, tmp_path, recipe):
    """Weights, optimiser, history, best epoch and answers are the same, bit for bit."""
    spec = restless_spec(recipe)
    require_same_wherever_stopped(unbroken(spec), spec, split, tmp_path, range(1, STEPS + 1))


def test_a_trial_goes_on_on_another_machine(split, unbroken, tmp_path):
    """With nothing but the place that both reach, it ends like an unbroken one, bit for bit."""
    spec, place, stop = restless_spec(), str(tmp_path / "place"), StopRequest()
    one, other = (Checkpoints(tmp_path / name, place) for name in ("one", "other"))
    run_trial(spec, split, StopAt(stop, step=6), TrialContext(checkpoints=one, stop=stop))
    shutil.rmtree(tmp_path / "one")
    result = run_trial(spec, split, Progress(shown=False), TrialContext(checkpoints=other))

    assert result.record.resumed == 1
    require_same(unbroken(spec), result)


@pytest.mark.parametrize("forgotten", ["set_random_state", "TrainState.load"])
def test_a_checkpoint_that_forgets_is_found_out(split, unbroken, tmp_path, monkeypatch, forgotten):
    """Without the random numbers, or without the optimiser, the end is another one."""
    spec = restless_spec()
    train_stopped(spec, split, tmp_path / "c", step=6)
    monkeypatch.setattr(f"bench.training.loop.{forgotten}", lambda *_: None)
    result, _ = train_resumed(spec, split, tmp_path / "c")

    assert result.record.digest != unbroken(spec).record.digest


@pytest.mark.parametrize("phase", ["validate", "train", "test", "inference"])
def test_a_trial_stopped_outside_of_a_step_ends_like_an_unbroken_one(
    split, unbroken, tmp_path, phase
):
    """Between the steps, in validation, test and timing there is a place to go on from, too."""
    spec = restless_spec()
    folder = tmp_path / "checkpoints"
    when = {"phase": phase} if phase != "test" else {"step": STEPS}
    train_stopped(spec, split, folder, **when)
    result, _ = train_resumed(spec, split, folder)

    require_same(unbroken(spec), result)


def test_a_trial_stopped_again_and_again_ends_like_an_unbroken_one(split, unbroken, tmp_path):
    """Each process may do two steps only."""
    spec = restless_spec()
    folder = tmp_path / "checkpoints"
    stops = 0
    while train_stopped(spec, split, folder, step=2).record.status == "interrupted":
        stops += 1
    result, _ = train_resumed(spec, split, folder)

    assert stops == STEPS / 2
    require_same(unbroken(spec), result)


def test_times_add_up_over_processes(split, tmp_path):
    """The seconds before the stop are not forgotten."""
    spec = restless_spec()
    before = train_stopped(spec, split, tmp_path / "c", step=6).record
    after, _ = train_resumed(spec, split, tmp_path / "c")

    assert after.record.train_seconds > before.train_seconds > 0
    assert after.record.startup_seconds > before.startup_seconds
    assert before.checkpoint_seconds > 0


@pytest.mark.parametrize(("text", "kept"), [("100", 1), ("never", 0)])
def test_never_keeps_no_checkpoint_at_a_stop(split, tmp_path, text, kept):
    """It can be ten times as large as the trial is worth; the trial starts again."""
    folder, stop = tmp_path / "c", StopRequest()
    cadence = Cadence.parse(text)
    context = TrialContext(checkpoints=Checkpoints(folder), stop=stop, cadence=cadence)
    result = run_trial(restless_spec(), split, StopAt(stop, step=3), context)

    assert result.record.status == "interrupted"
    assert len(list(folder.glob("*.pt"))) == kept


def test_a_checkpoint_of_another_task_is_not_used(split, unbroken, tmp_path):
    """Another recipe begins anew, and that is said."""
    train_stopped(restless_spec(), split, tmp_path / "c", step=6)
    other = restless_spec(TEXTBOOK)
    result, said = train_resumed(other, split, tmp_path / "c")

    assert result.record.resumed == 0
    assert "ignoring a checkpoint of a different task" in " ".join(said)
    require_same(unbroken(other), result)


def test_a_damaged_checkpoint_falls_back_to_the_one_before(split, unbroken, tmp_path):
    """That is said, and the end is the same."""
    spec = restless_spec()
    folder = tmp_path / "c"
    stop = StopRequest()
    context = TrialContext(checkpoints=Checkpoints(folder), stop=stop, cadence=Cadence(steps=2))
    run_trial(spec, split, StopAt(stop, step=7), context)
    newest = max(folder.glob("*.pt"))
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 1
    newest.write_bytes(content)
    result, said = train_resumed(spec, split, folder)

    assert "is damaged: its SHA-256 differs): trying the previous one" in " ".join(said)
    assert result.record.resumed == 1
    require_same(unbroken(spec), result)


def test_without_room_for_a_checkpoint_training_goes_on(split, tmp_path, monkeypatch):
    """A full disk costs the checkpoint, not the trial; it is said."""

    def full(path, text):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("bench.training.checkpoint.write_text", full)
    callback = StopAt(StopRequest())
    checkpoints = Checkpoints(tmp_path / "c")
    context = TrialContext(checkpoints=checkpoints, cadence=Cadence(steps=1))
    result = run_trial(restless_spec(), split, callback, context)

    assert result.record.status == "ok"
    assert "cannot write a checkpoint: OSError: [Errno 28]" in callback.said[0]
    assert list((tmp_path / "c").iterdir()) == []


def test_a_split_reaches_another_process_as_it_is(split):
    """Paths, labels, names, digests and facts are the same after JSON."""
    assert split_of(as_plain(split)) == split
    assert split_of(as_plain(split)).fingerprint == split.fingerprint


@pytest.mark.parametrize(
    ("text", "cadence"),
    [
        ("60s", Cadence(seconds=60)),
        ("5m", Cadence(seconds=300)),
        ("200", Cadence(steps=200)),
        ("never", Cadence()),
    ],
)
def test_a_cadence_is_seconds_minutes_or_steps(text, cadence):
    """What is typed is what is meant."""
    assert Cadence.parse(text) == cadence


def test_the_seed_decides_what_a_network_draws_from_any_generator(split):
    """Whatever was drawn from torch's, NumPy's and Python's before it: the numbers are the same."""
    digests = []
    for before in (1, 2):
        torch.manual_seed(before)
        np.random.seed(before)
        random.seed(before)
        digests.append(train_unbroken(restless_spec(), split).record.digest)

    assert digests[0] == digests[1]
