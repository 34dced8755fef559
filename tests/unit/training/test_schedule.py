"""The rate of a step as a function of how much of the training is done."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, OneCycleLR, SequentialLR

from bench.training.optimizer import build_optimizer
from bench.training.recipe import DEFAULT, TEXTBOOK
from bench.training.schedule import apply, place_by_seconds, place_by_steps, settings

ADAMW = replace(DEFAULT, learning_rate=3e-4)
SGD = replace(TEXTBOOK, schedule="one_cycle")


def _set_by_torch(recipe, steps):
    optimizer = build_optimizer(nn.Linear(2, 2), recipe)
    theirs = OneCycleLR(
        optimizer, max_lr=recipe.learning_rate, total_steps=steps, pct_start=recipe.warmup
    )
    for _ in range(steps):
        group = optimizer.param_groups[0]
        yield group["lr"], group["betas"][0] if "betas" in group else group["momentum"]
        optimizer.step()
        theirs.step()


def _set_by_us(recipe, steps):
    for step in range(steps):
        found = settings(recipe, place_by_steps(recipe, step, steps))
        yield found.learning_rate, found.momentum


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 7, 10, 100, 433])
@pytest.mark.parametrize(
    "recipe", [DEFAULT, SGD, replace(DEFAULT, warmup=0.05, learning_rate=0.0123)]
)
def test_one_cycle_by_steps_is_that_of_torch(recipe, steps):
    """Rate and momentum of every step are equal bit for bit."""
    assert list(_set_by_us(recipe, steps)) == list(_set_by_torch(recipe, steps))


def test_another_warm_up_is_not_that_of_torch():
    """The liar: a share of rising steps that differs a little."""
    other = list(_set_by_us(replace(DEFAULT, warmup=0.31), 100))

    assert other != list(_set_by_torch(DEFAULT, 100))


def test_a_schedule_by_seconds_is_that_of_the_same_share():
    """From the first rate to the peak at the share of the warm-up, and down to nearly nothing."""
    spent = (0.0, 18.0, 60.0, 61.5)
    rates = [settings(ADAMW, place_by_seconds(ADAMW, each, 60.0)) for each in spent]

    assert [each.learning_rate for each in rates] == pytest.approx(
        [3e-4 / 25, 3e-4, 3e-4 / 25 / 1e4, 3e-4 / 25 / 1e4], rel=1e-9
    )
    assert [each.momentum for each in rates] == pytest.approx([0.95, 0.85, 0.95, 0.95])


def test_a_cosine_rises_along_a_line_and_falls_along_half_a_cosine():
    """The rates that torch's linear warm-up and cosine annealing give; momentum is the recipe's."""
    recipe = replace(ADAMW, schedule="cosine", warmup=0.2)
    found = [settings(recipe, place_by_seconds(recipe, each, 100.0)) for each in range(101)]
    optimizer = build_optimizer(nn.Linear(2, 2), recipe)
    rising = LinearLR(optimizer, start_factor=1 / 25, total_iters=20)
    falling = CosineAnnealingLR(optimizer, T_max=80, eta_min=3e-4 / 25 / 1e4)
    theirs = SequentialLR(optimizer, [rising, falling], milestones=[20])
    rates = []
    for _ in range(101):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        theirs.step()

    assert [each.learning_rate for each in found] == pytest.approx(rates, rel=1e-6)
    assert {each.momentum for each in found} == {None}


@pytest.mark.parametrize("schedule", ["one_cycle", "cosine"])
@pytest.mark.parametrize("warmup", [0.0, 0.1, 1.0])
def test_no_share_of_warm_up_divides_by_zero(schedule, warmup):
    """Where nothing rises, nothing falls, or the peak is the first step."""
    recipe = replace(ADAMW, schedule=schedule, warmup=warmup)
    for steps in (1, 10):
        for step in range(steps):
            assert settings(recipe, place_by_steps(recipe, step, steps)).learning_rate <= 3e-4
    for spent in (0.0, 1.0, 2.0):
        assert settings(recipe, place_by_seconds(recipe, spent, 2.0)).learning_rate <= 3e-4


def test_a_constant_rate_leaves_the_momentum_alone():
    """What the recipe says stays."""
    optimizer = build_optimizer(nn.Linear(2, 2), TEXTBOOK)
    apply(optimizer, settings(TEXTBOOK, place_by_steps(TEXTBOOK, 3, 9)))

    assert (optimizer.param_groups[0]["lr"], optimizer.param_groups[0]["momentum"]) == (1e-3, 0.9)


def _network():
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(2, 2))


@pytest.mark.parametrize("optimizer", ["adamw", "sgd", "muon"])
def test_weight_decay_leaves_biases_and_gains_alone(optimizer):
    """Without a gradient, weights shrink; what has one axis stays as it was."""
    recipe = replace(ADAMW, optimizer=optimizer, weight_decay=0.5, learning_rate=0.1)
    network = _network()
    before = {name: parameter.clone() for name, parameter in network.named_parameters()}
    for parameter in network.parameters():
        parameter.grad = torch.zeros_like(parameter)
    build_optimizer(network, recipe).step()
    changed = [n for n, p in network.named_parameters() if not torch.equal(p, before[n])]

    assert changed == ["0.weight", "3.weight"]


def test_a_recipe_without_decay_has_one_group_of_parameters():
    """Textbook is trained as it was."""
    (group,) = build_optimizer(_network(), TEXTBOOK).param_groups

    assert (len(group["params"]), group["weight_decay"]) == (6, 0.0)
