"""The running mean of weights, and what is tested and saved of it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
import torch
from restless import (
    STEPS,
    require_same,
    require_same_wherever_stopped,
    restless_spec,
    train_resumed,
    train_stopped,
    train_unbroken,
)
from torch import nn

from bench.training.checkpoint import digest_of
from bench.training.recipe import DEFAULT
from bench.training.weight_averaging import WeightAverage

_AVERAGED = replace(DEFAULT, ema_decay=0.9)


def _network():
    return nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))


def _wander(network, generator):
    for tensor in network.state_dict().values():
        if tensor.is_floating_point():
            tensor.copy_(torch.randn(tensor.shape, generator=generator))
        else:
            tensor.add_(1)


def test_a_step_counts_less_by_the_same_share_each_step():
    """The mean of n weights with shares of 0.9 ** (n - 1) to 1, buffers too."""
    network, generator = _network(), torch.Generator().manual_seed(0)
    average, seen = WeightAverage(network, 0.9), []
    for _ in range(5):
        _wander(network, generator)
        average.update()
        seen.append({name: each.clone() for name, each in network.state_dict().items()})
    shares = torch.tensor([0.9**back for back in range(4, -1, -1)])
    shares /= shares.sum()

    with average.in_place():
        inside = {name: each.clone() for name, each in network.state_dict().items()}
    for name, each in inside.items():
        values = torch.stack([before[name].float() for before in seen])
        expected = (values * shares.view(-1, *[1] * (values.ndim - 1))).sum(0)
        if each.is_floating_point():
            torch.testing.assert_close(each, expected)
    assert inside["1.num_batches_tracked"] == 5


def test_a_network_has_its_own_weights_again():
    """Bit for bit, though validation fails within."""
    network, generator = _network(), torch.Generator().manual_seed(0)
    average = WeightAverage(network, 0.9)
    for _ in range(3):
        _wander(network, generator)
        average.update()
    own = digest_of(network.state_dict())

    with average.in_place():
        inside = digest_of(network.state_dict())
    with suppress(ValueError), average.in_place():
        raise ValueError
    assert digest_of(network.state_dict()) == own != inside


def test_an_averaged_trial_stopped_at_any_step_ends_like_an_unbroken_one(split, tmp_path):
    """The mean is in the checkpoint."""
    spec, steps = restless_spec(_AVERAGED), range(1, STEPS + 1, 3)
    require_same_wherever_stopped(train_unbroken(spec, split), spec, split, tmp_path, steps)


@pytest.mark.parametrize("phase", ["validate", "inference"])
def test_an_averaged_trial_stopped_outside_of_a_step_ends_the_same(split, tmp_path, phase):
    """The network's own weights are saved, not the mean that it has while it is validated."""
    spec = restless_spec(_AVERAGED)
    train_stopped(spec, split, tmp_path / "c", phase=phase)
    result, _ = train_resumed(spec, split, tmp_path / "c")

    require_same(train_unbroken(spec, split), result)


def test_a_checkpoint_that_forgets_the_mean_is_found_out(split, tmp_path, monkeypatch):
    """The liar: the steps before are not in it."""
    spec = restless_spec(_AVERAGED)
    train_stopped(spec, split, tmp_path / "c", step=6)
    monkeypatch.setattr("bench.training.weight_averaging.WeightAverage.load", lambda *_: None)
    result, _ = train_resumed(spec, split, tmp_path / "c")

    assert result.record.digest != train_unbroken(spec, split).record.digest


def test_the_mean_is_what_is_validated_tested_and_saved(split):
    """Not the last weights, which train on as they would without it."""
    plain, averaged = (train_unbroken(restless_spec(each), split) for each in (DEFAULT, _AVERAGED))
    losses = [[e.train_loss for e in each.record.history] for each in (plain, averaged)]
    validated = [[e.validation_loss for e in each.record.history] for each in (plain, averaged)]

    assert losses[0] == losses[1]
    assert validated[0] != validated[1]
    assert digest_of(plain.last_weights.state) != digest_of(averaged.last_weights.state)
    assert not np.array_equal(plain.test.probabilities, averaged.test.probabilities)
