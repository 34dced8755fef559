from __future__ import annotations

import pytest
import torch
from torch import nn
from torchvision import models

from registry.errors import ConstructionError
from zoo import family_torchvision
from zoo.transfer import freeze_but, load_but_head


def _network(classes: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(4, classes),
    )  # fmt: skip


def test_all_but_the_head_is_loaded():
    """What has another shape is the head, and stays as it was built."""
    trained, network = _network(1000), _network(2)
    before = network[4].weight.clone()
    heads = load_but_head(network, trained.state_dict())

    assert heads == (network[4],)
    assert torch.equal(network[0].weight, trained[0].weight)
    assert torch.equal(network[4].weight, before)


def test_weights_of_another_network_are_refused():
    """One tensor that is missing is told by its name."""
    state = _network(1000).state_dict()
    del state["0.weight"]

    with pytest.raises(ConstructionError, match=r"the trained weights lack 0\.weight"):
        load_but_head(_network(2), state)


def test_a_frozen_backbone_stays_as_it_is():
    """Neither its parameters nor its batch normalisation change; the head is trained."""
    network = _network(2)
    freeze_but(network, network[4])
    optimizer = torch.optim.SGD([p for p in network.parameters() if p.requires_grad], lr=1.0)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    network.train()(torch.randn(8, 3, 8, 8)).square().sum().backward()
    optimizer.step()
    changed = {name for name, value in network.state_dict().items()
               if not torch.equal(value, before[name])}  # fmt: skip

    assert changed == {"4.weight", "4.bias"}


def test_a_network_that_is_not_frozen_changes_everywhere():
    """So the test above could fail."""
    network = _network(2)
    optimizer = torch.optim.SGD(network.parameters(), lr=1.0)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    network.train()(torch.randn(8, 3, 8, 8)).square().sum().backward()
    optimizer.step()

    assert not torch.equal(network[0].weight, before["0.weight"])
    assert not torch.equal(network[1].running_mean, before["1.running_mean"])


@pytest.mark.parametrize("frozen", [False, True])
def test_torchvisions_trained_weights_take_two_classes(monkeypatch, frozen):
    """They are loaded but for the head; nothing is fetched here, the weights are made."""
    trained = models.squeezenet1_1(weights=None).state_dict()
    weights = models.SqueezeNet1_1_Weights
    monkeypatch.setattr(weights, "get_state_dict", lambda *_, **__: trained)
    network = family_torchvision.build(
        num_classes=2, member="squeezenet1_1", pretrained=True, frozen=frozen
    )
    trainable = [name for name, value in network.named_parameters() if value.requires_grad]

    assert torch.equal(network.features[0].weight, trained["features.0.weight"])
    assert network(torch.zeros(1, 3, 64, 64)).shape == (1, 2)
    assert (trainable == ["classifier.1.weight", "classifier.1.bias"]) is frozen
