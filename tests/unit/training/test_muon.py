from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from bench.training.muon import Muon, filter_banks, orthogonal
from bench.training.optimizer import build_optimizer
from bench.training.recipe import DEFAULT
from bench.training.schedule import apply, place_by_steps, settings

MUON = replace(DEFAULT, optimizer="muon", learning_rate=1e-3, filter_rate=0.05, weight_decay=0.01)


def _network(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 4, 3), nn.Flatten(), nn.Linear(64, 2)
    )


def _steps(network, optimizer, seeds):
    for seed in seeds:
        generator = torch.Generator().manual_seed(seed)
        images = torch.randn(6, 3, 8, 8, generator=generator)
        labels = torch.randint(2, (6,), generator=generator)
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(images), labels).backward()
        optimizer.step()
    return [each.detach().clone() for each in network.parameters()]


@pytest.mark.parametrize("shape", [(8, 27), (27, 8), (16, 16), (1, 9)])
def test_the_singular_values_come_near_one(shape):
    """Whatever they were, and the directions stay."""
    torch.manual_seed(0)
    left, _, right = torch.linalg.svd(torch.randn(shape), full_matrices=False)
    values = torch.logspace(0, -1.5, min(shape))
    found = left.T @ orthogonal(left @ torch.diag(values) @ right) @ right.T

    assert (found.diagonal() > 0.65).all()
    assert (found.diagonal() < 1.2).all()
    assert (found - torch.diag(found.diagonal())).abs().max() < 1e-4


def test_zeros_stay_zeros():
    """A filter bank whose input was zero has no step."""
    assert torch.equal(orthogonal(torch.zeros(3, 5)), torch.zeros(3, 5))


def test_filters_that_fell_silent_stay():
    """The mean of gradients that are zero from now on fades, through numbers with no square."""
    torch.manual_seed(0)
    filters = nn.Parameter(torch.randn(8, 3, 3, 3))
    optimizer = Muon([{"params": [filters], "filters": True}], lr=0.02)
    filters.grad = torch.randn_like(filters)
    optimizer.step()
    filters.grad = torch.zeros_like(filters)
    for _ in range(2000):
        before = filters.detach().clone()
        optimizer.step()

        assert filters.isfinite().all()
    assert torch.equal(filters, before)


@pytest.mark.parametrize("shape", [(8, 3, 3, 3), (40, 3, 3, 3)])
def test_filters_take_the_steps_of_torch_s_muon(shape):
    """That one rounds to bfloat16 on its way; decay and rate of tall matrices are the same."""
    torch.manual_seed(0)
    filters = nn.Parameter(torch.randn(shape))
    matrix = nn.Parameter(filters.detach().flatten(1).clone())
    ours = Muon([{"params": [filters], "weight_decay": 0.1, "filters": True}], lr=0.05)
    theirs = torch.optim.Muon([matrix], lr=0.05, weight_decay=0.1, nesterov=False)
    for _ in range(5):
        before = matrix.detach().clone()
        filters.grad = torch.randn(shape)
        matrix.grad = filters.grad.flatten(1).clone()
        ours.step()
        theirs.step()
        step = (matrix.detach() - before).norm()

        assert (filters.detach().flatten(1) - matrix.detach()).norm() < 0.05 * step
        filters.data = matrix.detach().view(shape).clone()


def test_all_else_takes_the_steps_of_torch_s_adamw():
    """To the bit, decay and all."""
    network, plain = nn.Linear(5, 3), nn.Linear(5, 3)
    plain.load_state_dict(network.state_dict())
    ours = Muon([{"params": [*network.parameters()], "weight_decay": 0.1}], lr=0.01)
    theirs = torch.optim.AdamW(plain.parameters(), lr=0.01, weight_decay=0.1, fused=True)
    for _ in range(5):
        images = torch.randn(4, 5)
        for layer, optimizer in ((network, ours), (plain, theirs)):
            optimizer.zero_grad()
            layer(images).square().sum().backward()
            optimizer.step()

    assert torch.equal(network.weight, plain.weight)
    assert torch.equal(network.bias, plain.bias)


def test_filters_that_see_all_channels_are_muon_s_but_the_last():
    """Not one filter a channel, not the way back up, not what answers."""
    network = nn.Sequential(
        nn.Conv2d(3, 8, 3),
        nn.Conv2d(8, 8, 3, groups=8),
        nn.Conv2d(8, 4, 1, bias=False),
        nn.ConvTranspose2d(4, 4, 3),
        nn.Linear(4, 4),
        nn.Conv2d(4, 2, 1),
    )
    banks = filter_banks(network)

    assert [id(each) for each in banks] == [id(network[0].weight), id(network[2].weight)]
    assert filter_banks(nn.Flatten()) == []


def test_the_filters_have_a_rate_of_their_own():
    """At the peak each has the recipe's; the last group is the filters'."""
    optimizer = build_optimizer(_network(), MUON)
    apply(optimizer, settings(MUON, place_by_steps(MUON, 29, 100)))
    first, *_, last = optimizer.param_groups

    assert (first["lr"], first["filters"]) == (pytest.approx(1e-3), False)
    assert (last["lr"], last["filters"]) == (pytest.approx(0.05), True)
    assert [each.ndim for each in last["params"]] == [4, 4]


def test_a_constant_rate_has_the_usual_momenta():
    """0.9 for AdamW, 0.95 for Muon."""
    groups = build_optimizer(_network(), replace(MUON, schedule="constant")).param_groups

    assert [group["betas"] for group in groups] == [(0.9, 0.999), (0.9, 0.999), (0.95, 0.999)]


def test_a_backbone_s_filters_have_their_share():
    """Of the filters' rate, as all else of it."""
    recipe = replace(MUON, backbone_rate=0.1)
    optimizer = build_optimizer(_network(), recipe, frozenset({"4.weight", "4.bias"}))
    apply(optimizer, settings(recipe, place_by_steps(recipe, 29, 100)))

    assert optimizer.param_groups[0]["lr"] == pytest.approx(1e-3)
    assert optimizer.param_groups[-1]["lr"] == pytest.approx(0.005)


def test_a_loaded_state_goes_on_as_if_it_had_not_been_kept():
    """To the bit."""
    whole = _steps(network := _network(), build_optimizer(network, MUON), range(6))
    network = _network()
    optimizer = build_optimizer(network, MUON)
    _steps(network, optimizer, range(3))
    kept, weights = optimizer.state_dict(), network.state_dict()
    other = _network(seed=1)
    other.load_state_dict(weights)
    gone_on = build_optimizer(other, MUON)
    gone_on.load_state_dict(kept)

    for found, expected in zip(_steps(other, gone_on, range(3, 6)), whole, strict=True):
        assert torch.equal(found, expected)


def test_the_layout_in_memory_changes_no_step():
    """But by rounding."""
    plain = _steps(network := _network(), build_optimizer(network, MUON), range(3))
    last = _network().to(memory_format=torch.channels_last)
    for found, expected in zip(
        _steps(last, build_optimizer(last, MUON), range(3)), plain, strict=True
    ):
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-4)


def test_what_has_no_gradient_stays():
    """A frozen filter bank, and a layer that was not used."""
    network = _network()
    network[0].weight.requires_grad_(False)
    before = network[0].weight.clone()
    optimizer = build_optimizer(network, MUON)
    _steps(network, optimizer, range(2))
    network.zero_grad()
    optimizer.step()

    assert torch.equal(network[0].weight, before)


def test_it_learns():
    """Eight images by heart."""
    network = _network()
    optimizer = build_optimizer(network, replace(MUON, learning_rate=3e-3))
    images = torch.randn(8, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    losses = []
    for _ in range(60):
        loss = nn.functional.cross_entropy(network(images), torch.arange(8) % 2)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())

    assert losses[0] > 0.5
    assert losses[-1] < 0.1
