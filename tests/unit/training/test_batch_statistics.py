"""Statistics of batch normalisation are replaced by those of some batches, and nothing else is."""

from __future__ import annotations

from contextlib import suppress

import pytest
import torch
from torch import nn

from bench.data.loader import Batch
from bench.training.batch_statistics import keep_statistics, refresh_statistics
from bench.training.checkpoint import digest_of

_CPU = torch.device("cpu")


class Dropping(nn.BatchNorm1d):
    """A normalisation with a layer within, as timm has them."""

    def __init__(self, width: int) -> None:
        super().__init__(width)
        self.drop = nn.Dropout(0.9)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return normalised images, some of which are dropped in training."""
        return self.drop(super().forward(images))


class Written(nn.Sequential):
    """A network with a forward of its own: torch 2.9 compiles no other."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return what its layers do."""
        return super().forward(images)


def _batches(*sizes):
    generator = torch.Generator().manual_seed(0)
    return [
        Batch(images=3 + torch.randn(size, 2, generator=generator), labels=torch.arange(size) % 2)
        for size in sizes
    ]


def _refresh(network, batches):
    refresh_statistics(network, batches, device=_CPU)


def test_statistics_are_the_mean_of_all_batches():
    """Each batch counts alike, whatever the momentum was and the statistics were."""
    network, batches = nn.BatchNorm1d(2, momentum=0.01), _batches(4, 4, 4)
    network.running_mean.fill_(100)
    _refresh(network, batches)

    images = torch.stack([batch.images for batch in batches])
    torch.testing.assert_close(network.running_mean, images.mean((0, 1)))
    torch.testing.assert_close(network.running_var, images.var(1).mean(0))


def test_all_else_is_as_it_was():
    """Modes, momentum, counts and gradients; training goes on as before."""
    network = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2, momentum=0.3), nn.Dropout(0.5))
    network(_batches(4)[0].images).sum().backward()
    network[2].eval()
    gradient, weights = network[0].weight.grad.clone(), network[0].weight.clone()
    _refresh(network, _batches(4, 4))

    assert [module.training for module in network.modules()] == [True, True, True, False]
    assert (network[1].momentum, int(network[1].num_batches_tracked)) == (0.3, 1)
    assert torch.equal(network[0].weight.grad, gradient)
    assert torch.equal(network[0].weight, weights)


def test_nothing_is_dropped():
    """Not by a layer within a normalisation either, and no random number is drawn."""
    network, batches = nn.Sequential(Dropping(2), nn.BatchNorm1d(2)), _batches(50)
    before = torch.get_rng_state()
    _refresh(network, batches)

    assert network[1].running_var.tolist() == pytest.approx([1, 1], abs=0.03)
    assert torch.equal(torch.get_rng_state(), before)


def test_layers_in_evaluation_mode_keep_their_statistics():
    """They were trained with these; without another layer no batch is made."""

    def none():
        raise AssertionError
        yield

    network = nn.Sequential(nn.BatchNorm1d(2), nn.BatchNorm1d(2))
    network[0].eval()
    _refresh(network, _batches(8))
    _refresh(network.eval(), none())
    _refresh(nn.Sequential(nn.Linear(2, 2), nn.LayerNorm(2)), none())

    assert network[0].running_mean.tolist() == [0, 0]
    assert network[1].running_mean.tolist() != [0, 0]


def test_a_layer_that_is_not_reached_keeps_its_statistics():
    """Such as those of a second head, which answers in training alone."""
    network = nn.Sequential(nn.BatchNorm1d(2))
    network[0].unused = nn.BatchNorm1d(2)
    network[0].unused.running_mean.fill_(7)
    _refresh(network, _batches(8))

    assert network[0].unused.running_mean.tolist() == [7, 7]


def test_a_network_has_its_own_statistics_again():
    """Bit for bit, though validation fails within."""
    network = nn.Sequential(nn.BatchNorm1d(2))
    network(_batches(4)[0].images)
    own = digest_of(network.state_dict())
    with suppress(ValueError), keep_statistics(network):
        _refresh(network, _batches(8))
        inside = digest_of(network.state_dict())
        raise ValueError

    assert digest_of(network.state_dict()) == own != inside


def test_a_compiled_network_is_not_compiled_again():
    """These few passes are not worth it."""
    compiled = []

    def backend(graph, images):
        compiled.append(graph)
        return graph.forward

    network, batches = Written(nn.BatchNorm1d(2)), _batches(4)
    network.compile(backend=backend, dynamic=False)
    network(batches[0].images)
    before = len(compiled)
    _refresh(network, batches)

    assert len(compiled) == before > 0
    assert network[0].running_mean.tolist() == pytest.approx(batches[0].images.mean(0).tolist())
