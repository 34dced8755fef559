"""Trials whose statistics of batch normalisation are new for each evaluation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from drawn_folder import draw_folder
from restless import (
    STEPS,
    Restless,
    StopAt,
    require_same,
    require_same_wherever_stopped,
    restless_spec,
    train_resumed,
    train_unbroken,
)
from torch import nn

from bench.data.check import check
from bench.data.find import find
from bench.data.loader import Batch
from bench.data.pixel_source import DirectPixels
from bench.data.split import stratified_split
from bench.training.batch_statistics import refresh_statistics
from bench.training.callbacks import TrialContext
from bench.training.checkpoint import Checkpoints, digest_of
from bench.training.recipe import DEFAULT, FINETUNE, TEXTBOOK
from bench.training.schedule import TrainingPosition
from bench.training.stop import StopRequest
from bench.training.train_state import TrainState
from bench.training.trial import run_trial
from bench.training.trial_batches import TrialBatches

_CPU = torch.device("cpu")
_EARLIER = replace(TEXTBOOK, fresh_statistics=True, learning_rate=0.5)
_AVERAGED, _PATIENT = replace(_EARLIER, ema_decay=0.9), replace(_EARLIER, patience=1)
_HEAD = frozenset({"2.weight", "2.bias"})


class Late(nn.Module):
    """A network that learns at once, and whose running means are far behind."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(3, momentum=0.01)
        self.fc = nn.Linear(3, num_classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits of the mean colour."""
        return self.fc(self.norm(5 + 0.1 * images.mean((2, 3))))


class Counting(nn.Module):
    """A network without batch normalisation, which counts its passes."""

    passes = 0

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.fc = nn.Linear(3 * 8 * 8, num_classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits."""
        Counting.passes += 1
        return self.fc(images.flatten(1))


@pytest.fixture(scope="module")
def colours(tmp_path_factory):
    """56 images to train, 12 to validate, 12 to test, which differ by their colour."""
    folder = draw_folder(tmp_path_factory.mktemp("colours") / "drawn", each=40)
    return stratified_split(check(find(folder)))


def _spec(kind, parameters, **recipe):
    spec = restless_spec(TEXTBOOK)
    contract = replace(spec.architecture.contract, input_shape=(3, 8, 8), parameters=parameters)
    architecture = replace(
        spec.architecture, name="net", constructor=f"{__name__}:{kind.__name__}", contract=contract
    )
    recipe = replace(spec.recipe, batch_size=8, learning_rate=0.1, **recipe)
    return replace(spec, architecture=architecture, recipe=recipe)


def _seen(spec, split):
    batches = TrialBatches(
        spec=spec,
        split=split,
        source=DirectPixels(),
        device=_CPU,
        precision=torch.float32,
        layout="channels_last",
        recipe=spec.recipe,
        training_shapes=((1, 8, 8),),
    )
    return batches, batches.seen()


def _fine_tuning(split, **changes):
    recipe = replace(FINETUNE, fresh_statistics=True, frozen_share=0.5, **changes)
    spec = restless_spec(recipe)
    network = nn.Sequential(nn.BatchNorm2d(1), nn.Flatten(), nn.Linear(144, 2))
    return TrainState(
        network,
        spec.recipe,
        device=_CPU,
        precision=torch.float32,
        phases=None,
        head=_HEAD,
        seen=_seen(spec, split)[1],
    )


def _batch():
    return Batch(images=torch.randn(4, 1, 12, 12), labels=torch.arange(4) % 2)


def _place(done):
    return lambda: TrainingPosition(done=done, peak=3, end=10)


def test_a_network_with_late_running_means_learns(colours):
    """At chance by them, however well it trains; with fresh statistics it is right."""
    late, fresh = (
        train_unbroken(_spec(Late, 14, fresh_statistics=each), colours).record
        for each in (False, True)
    )

    assert min(each.history[-1].train_accuracy for each in (late, fresh)) > 0.9
    assert (late.test_accuracy, late.last.validation_accuracy) == (0.5, 0.5)
    assert (fresh.test_accuracy, fresh.last.validation_accuracy) == (1.0, 1.0)


@pytest.mark.parametrize("decay", [0.0, 0.9])
def test_a_network_trains_on_with_its_own_statistics(split, decay):
    """Those of the validation, of its own weights or of their mean, are gone after it."""
    state = _fine_tuning(split, ema_decay=decay)
    state.epoch([_batch()], place=_place(6))
    own = digest_of(state.network.state_dict())
    with state.evaluated():
        state.refresh()
        inside = digest_of(state.network.state_dict())

    assert digest_of(state.network.state_dict()) == own != inside


def test_the_images_are_training_images_seen_as_in_the_test(split, monkeypatch):
    """Some of each class, the same each time, whatever random numbers were drawn."""
    monkeypatch.setattr("bench.training.trial_batches.IMAGES", 6)
    batches, seen = _seen(restless_spec(), split)
    found = list(seen.epoch())
    torch.manual_seed(5)
    np.random.seed(5)
    again = list(_seen(restless_spec(), split)[1].epoch())
    images, labels = (torch.cat([getattr(each, name) for each in found])
                      for name in ("images", "labels"))  # fmt: skip
    trained = batches.first_of(split.train)

    assert images.shape == (6, 1, 12, 12)
    assert labels.tolist().count(0) == 3
    assert all(any(torch.equal(image, each) for each in trained) for image in images)
    assert torch.equal(images, torch.cat([each.images for each in again]))
    assert all(map(torch.equal, [e.images for e in found], [e.images for e in seen.epoch()]))


@pytest.mark.parametrize("recipe", [_EARLIER, _AVERAGED, _PATIENT])
def test_what_is_tested_and_saved_has_fresh_statistics(split, recipe):
    """Those of its own weights, also of their mean and of an earlier epoch."""
    spec = restless_spec(recipe)
    result = train_unbroken(spec, split)
    _, seen = _seen(spec, split)

    for weights in (result.last_weights, result.best_weights):
        network = Restless(2)
        network.load_state_dict(weights.state)
        refresh_statistics(network, seen.epoch(), device=_CPU)
        for name, value in network.state_dict().items():
            assert torch.allclose(value, weights.state[name], rtol=1e-6), name


def test_training_is_the_same_with_and_without(split):
    """The same steps, and other answers."""
    specs = [restless_spec(replace(DEFAULT, fresh_statistics=each)) for each in (False, True)]
    without, fresh = (train_unbroken(spec, split) for spec in specs)
    losses = [[e.train_loss for e in each.record.history] for each in (without, fresh)]

    assert losses[0] == losses[1]
    assert without.test.loss != fresh.test.loss
    assert specs[0].task_id != specs[1].task_id


def test_without_batch_normalisation_there_is_no_pass_more(colours):
    """And not a bit is another one."""
    passes, digests = [], []
    for fresh in (False, True):
        Counting.passes = 0
        result = train_unbroken(_spec(Counting, 386, fresh_statistics=fresh), colours)
        passes.append(Counting.passes)
        digests.append(result.record.digest)

    assert passes[0] == passes[1] > 0
    assert digests[0] == digests[1]


def test_a_trial_stopped_at_any_step_ends_the_same(split, tmp_path):
    """Also when an earlier epoch than the last, which is tested, was the best one."""
    spec = restless_spec(_EARLIER)
    whole = train_unbroken(spec, split)

    assert whole.best_weights.epoch < whole.last_weights.epoch
    require_same_wherever_stopped(whole, spec, split, tmp_path, range(1, STEPS + 1, 2))


@pytest.mark.parametrize("call", [1, 3, 4])
def test_a_trial_stopped_in_a_refresh_ends_the_same(split, tmp_path, monkeypatch, call):
    """Before the first validation, the last one, and the test."""
    spec, stop, calls = restless_spec(_EARLIER), StopRequest(), []
    whole = train_unbroken(spec, split)
    context = TrialContext(checkpoints=Checkpoints(tmp_path / "c"), stop=stop)

    def stopping(*batches, **how):
        refresh_statistics(*batches, **how)
        calls.append(how)
        if len(calls) == call:
            stop.request()

    monkeypatch.setattr("bench.training.train_state.refresh_statistics", stopping)
    stopped = run_trial(spec, split, StopAt(stop), context).record
    result, _ = train_resumed(spec, split, tmp_path / "c")

    assert (stopped.status, result.record.resumed) == ("interrupted", 1)
    require_same(whole, result)


def test_a_frozen_backbone_keeps_its_statistics(split):
    """Also in a process that only validates; after the thaw they are new."""
    first, second = _fine_tuning(split), _fine_tuning(split)
    first.epoch([_batch()], place=_place(4))
    second.load(first.state())
    kept = []
    for state in (first, second):
        state.refresh()
        kept.append(state.network[0].running_mean.item())
    second.epoch([_batch()], place=_place(5))
    second.refresh()

    assert kept == [0, 0]
    assert second.network[0].running_mean.item() != 0
