"""A network with all that a checkpoint could forget, trained, stopped and resumed."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import torch
from torch import nn

from bench.runs.progress import Progress
from bench.training.callbacks import TrialContext
from bench.training.checkpoint import Checkpoints, digest_of
from bench.training.recipe import DEFAULT
from bench.training.spec import TrialSpec
from bench.training.stop import StopRequest
from bench.training.trial import run_trial
from zoo import LENET5


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


STEPS = 12  # three epochs of four batches


def restless_spec(recipe=DEFAULT, **changes):
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


class StopAt(Progress):
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


def train_unbroken(spec, split):
    return run_trial(spec, split, Progress(shown=False))


def train_stopped(spec, split, folder, **when):
    stop = StopRequest()
    callback = StopAt(stop, **when)
    context = TrialContext(checkpoints=Checkpoints(folder), stop=stop)
    return run_trial(spec, split, callback, context)


def train_resumed(spec, split, folder):
    callback = StopAt(StopRequest())
    result = run_trial(spec, split, callback, TrialContext(checkpoints=Checkpoints(folder)))
    return result, callback.said


def require_same(one, other):
    plain = [
        [replace(epoch, train_seconds=0, data_wait_seconds=0) for epoch in result.record.history]
        for result in (one, other)
    ]
    assert plain[0] == plain[1]
    assert one.record.digest == other.record.digest
    assert np.array_equal(one.test.probabilities, other.test.probabilities)
    for first, second in (
        (one.last_weights, other.last_weights),
        (one.best_weights, other.best_weights),
    ):
        assert first.epoch == second.epoch
        assert digest_of(first.state) == digest_of(second.state)


def require_same_wherever_stopped(whole, spec, split, tmp_path, steps):
    """Stop the trial at each of `steps`, and go on with it."""
    for step in steps:
        folder = tmp_path / str(step)
        assert train_stopped(spec, split, folder, step=step).record.status == "interrupted"
        result, _ = train_resumed(spec, split, folder)

        assert result.record.resumed == 1
        require_same(whole, result)
