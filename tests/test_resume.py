from __future__ import annotations

import random
import shutil
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from conftest import draw_folder
from torch import nn

from bench.checkpoint import Cadence, Checkpoints, digest_of
from bench.data.check import check
from bench.data.find import find
from bench.data.split import as_plain, split_of, stratified_split
from bench.progress import Progress
from bench.recipe import DEFAULT, TEXTBOOK
from bench.record import TrialSpec
from bench.stop import StopRequest
from bench.trial import run_trial
from bench.watcher import Service
from zoo import LENET5

pytestmark = pytest.mark.usefixtures("hastened_runs")


class Restless(nn.Module):
    """A network with all that a checkpoint could forget: dropout, running means, random numbers."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.drop = nn.Dropout(0.3)
        self.fc = nn.Linear(4 * 10 * 10, num_classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits; in training, noise from every generator is added."""
        features = self.drop(self.norm(self.conv(images)).relu())
        if self.training:
            features = features * (1 + 0.01 * random.random() + 0.01 * np.random.rand())
        return self.fc(features.flatten(1))


_STEPS = 12  # three epochs of four batches


def _spec(recipe=DEFAULT, **changes):
    contract = replace(LENET5.contract, input_shape=(1, 12, 12), parameters=40 + 8 + 802)
    architecture = replace(
        LENET5, name="restless", constructor=f"{__name__}:Restless", contract=contract
    )
    options = {
        "model": "restless",
        "architecture": architecture,
        "origin": "here",
        "recipe": replace(recipe, epochs=3, batch_size=4),
        "classes": ("cat", "dog"),
        "split_fingerprint": "",
        "seed": 3,
        "threads": 1,
    }
    return TrialSpec(**options | changes)


class _StopAt(Progress):
    """Asks for a stop after so many steps, or when a phase begins."""

    def __init__(self, stop, step=None, phase=None):
        super().__init__(shown=False)
        self._stop, self._left, self._phase = stop, step, phase
        self.said = []

    def say(self, text):
        self.said.append(text)

    def on_batch(self, spec):
        if self._left is not None:
            self._left -= 1
            if self._left == 0:
                self._stop.request()

    def on_phase(self, record):
        if record.phase == self._phase and len(record.history) >= 2:
            self._stop.request()


@pytest.fixture(scope="module")
def split(tmp_path_factory):
    """16 images to train, 4 to validate, 4 to test."""
    return stratified_split(check(find(draw_folder(tmp_path_factory.mktemp("resume") / "drawn"))))


@pytest.fixture(scope="module")
def unbroken(split):
    """What comes of a trial that nothing stops, done once for each specification."""
    return cache(lambda spec: _unbroken(spec, split))


def _unbroken(spec, split):
    return run_trial(spec, split, Progress(shown=False))


def _stopped(spec, split, folder, **when):
    stop = StopRequest()
    watcher = _StopAt(stop, **when)
    service = Service(checkpoints=Checkpoints(folder), stop=stop)
    return run_trial(spec, split, watcher, service)


def _gone_on(spec, split, folder):
    watcher = _StopAt(StopRequest())
    result = run_trial(spec, split, watcher, Service(checkpoints=Checkpoints(folder)))
    return result, watcher.said


def _require_same(one, other):
    plain = [
        [replace(epoch, train_seconds=0, data_wait_seconds=0) for epoch in result.record.history]
        for result in (one, other)
    ]
    assert plain[0] == plain[1]
    assert one.record.digest == other.record.digest
    assert torch.equal(one.test.probabilities, other.test.probabilities)
    for first, second in (
        (one.last_weights, other.last_weights),
        (one.best_weights, other.best_weights),
    ):
        assert first.epoch == second.epoch
        assert digest_of(first.state) == digest_of(second.state)


def _require_same_wherever_stopped(whole, spec, split, tmp_path, steps):
    """Stop the trial at each of `steps`, and go on with it."""
    for step in steps:
        folder = tmp_path / str(step)
        assert _stopped(spec, split, folder, step=step).record.status == "interrupted"
        result, _ = _gone_on(spec, split, folder)

        assert result.record.resumed == 1
        _require_same(whole, result)


@pytest.mark.parametrize("recipe", [DEFAULT, TEXTBOOK], ids=lambda recipe: recipe.name)
def test_a_trial_stopped_at_any_step_ends_like_an_unbroken_one(split, unbroken, tmp_path, recipe):
    """Weights, optimiser, history, best epoch and answers are the same, bit for bit."""
    spec = _spec(recipe)
    _require_same_wherever_stopped(unbroken(spec), spec, split, tmp_path, range(1, _STEPS + 1))


def test_a_trial_goes_on_on_another_machine(split, unbroken, tmp_path):
    """With nothing but the place that both reach, it ends like an unbroken one, bit for bit."""
    spec, place, stop = _spec(), str(tmp_path / "place"), StopRequest()
    one, other = (Checkpoints(tmp_path / name, place) for name in ("one", "other"))
    run_trial(spec, split, _StopAt(stop, step=6), Service(checkpoints=one, stop=stop))
    shutil.rmtree(tmp_path / "one")
    result = run_trial(spec, split, Progress(shown=False), Service(checkpoints=other))

    assert result.record.resumed == 1
    _require_same(unbroken(spec), result)


@pytest.mark.parametrize("forgotten", ["set_random_state", "Steps.load"])
def test_a_checkpoint_that_forgets_is_found_out(split, unbroken, tmp_path, monkeypatch, forgotten):
    """Without the random numbers, or without the optimiser, the end is another one."""
    spec = _spec()
    _stopped(spec, split, tmp_path / "c", step=6)
    monkeypatch.setattr(f"bench.training.{forgotten}", lambda *_: None)
    result, _ = _gone_on(spec, split, tmp_path / "c")

    assert result.record.digest != unbroken(spec).record.digest


@pytest.mark.parametrize("phase", ["validate", "train", "test", "inference"])
def test_a_trial_stopped_outside_of_a_step_ends_like_an_unbroken_one(
    split, unbroken, tmp_path, phase
):
    """Between the steps, in validation, test and timing there is a place to go on from, too."""
    spec = _spec()
    folder = tmp_path / "checkpoints"
    when = {"phase": phase} if phase != "test" else {"step": _STEPS}
    _stopped(spec, split, folder, **when)
    result, _ = _gone_on(spec, split, folder)

    _require_same(unbroken(spec), result)


def test_a_trial_stopped_again_and_again_ends_like_an_unbroken_one(split, unbroken, tmp_path):
    """Each process may do two steps only."""
    spec = _spec()
    folder = tmp_path / "checkpoints"
    stops = 0
    while _stopped(spec, split, folder, step=2).record.status == "interrupted":
        stops += 1
    result, _ = _gone_on(spec, split, folder)

    assert stops == _STEPS / 2
    _require_same(unbroken(spec), result)


def test_times_add_up_over_processes(split, tmp_path):
    """The seconds before the stop are not forgotten."""
    spec = _spec()
    before = _stopped(spec, split, tmp_path / "c", step=6).record
    after, _ = _gone_on(spec, split, tmp_path / "c")

    assert after.record.train_seconds > before.train_seconds > 0
    assert after.record.startup_seconds > before.startup_seconds
    assert before.checkpoint_seconds > 0


def test_a_checkpoint_of_another_task_is_not_used(split, unbroken, tmp_path):
    """Another recipe begins anew, and that is said."""
    _stopped(_spec(), split, tmp_path / "c", step=6)
    other = _spec(TEXTBOOK)
    result, said = _gone_on(other, split, tmp_path / "c")

    assert result.record.resumed == 0
    assert "its checkpoint is of another task" in " ".join(said)
    _require_same(unbroken(other), result)


def test_a_damaged_checkpoint_falls_back_to_the_one_before(split, unbroken, tmp_path):
    """That is said, and the end is the same."""
    spec = _spec()
    folder = tmp_path / "c"
    stop = StopRequest()
    service = Service(checkpoints=Checkpoints(folder), stop=stop, cadence=Cadence(steps=2))
    run_trial(spec, split, _StopAt(stop, step=7), service)
    newest = max(folder.glob("*.pt"))
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 1
    newest.write_bytes(content)
    result, said = _gone_on(spec, split, folder)

    assert "is damaged: not what was written): going back to the one before" in " ".join(said)
    assert result.record.resumed == 1
    _require_same(unbroken(spec), result)


def test_without_room_for_a_checkpoint_training_goes_on(split, tmp_path, monkeypatch):
    """A full disk costs the checkpoint, not the trial; it is said."""

    def full(path, text):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("bench.checkpoint.write_text", full)
    watcher = _StopAt(StopRequest())
    checkpoints = Checkpoints(tmp_path / "c")
    service = Service(checkpoints=checkpoints, cadence=Cadence(steps=1))
    result = run_trial(_spec(), split, watcher, service)

    assert result.record.status == "ok"
    assert "no checkpoint could be written: OSError: [Errno 28]" in watcher.said[0]
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
        digests.append(_unbroken(_spec(), split).record.digest)

    assert digests[0] == digests[1]
