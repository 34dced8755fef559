"""The answer to one picture, by which a changed network is noticed."""

from __future__ import annotations

import threading

import pytest
import torch
from fuzz_weights import Tiny
from torch import nn
from torch.nn import functional as F

from bench.training.sample_answer import is_alike, sample_answer
from zoo import LENET5

_SHAPE = (1, 4, 4)


class Uncertain(nn.Module):
    """A network with dropout in evaluation mode, too."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits (N, 2)."""
        return F.dropout(images).flatten(2).sum(2)[:, :2]


class Failing(nn.Module):
    """A network that answers no single image."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return nothing."""
        raise SystemError("no single image")


class Locked(Tiny):
    """A network that cannot be copied."""

    def __init__(self, num_classes: int) -> None:
        super().__init__(num_classes)
        self.lock = threading.Lock()


class Infinite(Uncertain):
    """A network without finite logits."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits (N, 2)."""
        return images.flatten(1)[:, :2] / 0


@pytest.mark.parametrize("network", [Uncertain(), Failing(), Locked(2), Infinite()])
def test_a_network_without_a_certain_answer_has_none(network):
    """Random, failing, not to be copied, or not finite: its training is not lost for that."""
    assert sample_answer(network, _SHAPE) is None


def test_an_answer_leaves_the_network_as_it_is():
    """Its mode, its numbers' type and its running means: training may go on."""
    network = Tiny(2).double().train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    found = sample_answer(network, _SHAPE)

    assert found is not None
    assert network.training
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, before[name])
        assert tensor.dtype is before[name].dtype


def test_an_answer_is_that_of_the_given_weights():
    """A network has the last weights, and a file the best."""
    one, other = Tiny(2), Tiny(2)

    assert sample_answer(one, _SHAPE, other.state_dict()) == sample_answer(other, _SHAPE)
    assert sample_answer(one, _SHAPE) != sample_answer(other, _SHAPE)


def test_the_answer_is_alike_with_another_memory_format():
    """As on another machine; another activation gives another one."""
    network = LENET5.build(num_classes=2)
    shape = LENET5.contract.input_shape
    first = sample_answer(network, shape)
    network.double().to(memory_format=torch.channels_last)
    other = sample_answer(network, shape)
    network.relu4 = nn.Tanh()
    changed = sample_answer(network, shape)

    assert is_alike(first, other)
    assert not is_alike(first, changed)


@pytest.mark.parametrize(
    ("now", "alike"),
    [
        ((10.0, 0.009), True),
        ((10.009, 0.0), True),
        ((10.0, 0.011), False),
        ((10.0,), False),
        ((10.0, 0.0, 0.0), False),
    ],
)
def test_answers_may_differ_by_a_thousandth_of_the_largest_logit(now, alike):
    """Whichever logit differs; another number of logits is another network."""
    assert is_alike((10.0, 0.0), now) is alike
