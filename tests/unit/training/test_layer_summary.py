from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import registry
from bench.training.layer_summary import summarise
from registry import Architecture, Contract


class Repeating(nn.Module):
    """A network that calls one layer twice and ties a third to it; its bias is frozen."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.flatten = nn.Flatten()
        self.again = nn.Linear(4, 4)
        self.tied = nn.Linear(4, 4)
        self.tied.weight = self.again.weight
        self.head = nn.Linear(4, num_classes)
        self.head.bias.requires_grad_(False)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits."""
        x = self.again(self.again(self.flatten(images)))
        return self.head(self.tied(x))


class Single(nn.Module):
    """A network that has no layers of its own."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(4, num_classes))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits."""
        return images.flatten(1) @ self.weight


class Talking(Single):
    """A network that prints when it is called."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits."""
        print("noise")  # noqa: T201
        return super().forward(images)


def architecture_of(network: type[nn.Module]) -> Architecture:
    return Architecture(
        name=network.__name__.lower(),
        constructor=f"{__name__}:{network.__name__}",
        contract=Contract(input_shape=(1, 2, 2), output_shape=(2,), parameters=0),
    )


@pytest.mark.parametrize(
    ("name", "megabytes"), [("lenet", (0.57, 175.62)), ("alexnet", (0.75, 161.44))]
)
def test_sizes_agree_with_the_chapter(name, megabytes):
    """Input and parameters in MB of 1,048,576 bytes, as the chapter prints them."""
    summary = summarise(registry.get(name))
    sizes = (summary.input_bytes / 2**20, summary.parameter_bytes / 2**20)

    assert tuple(round(size, 2) for size in sizes) == megabytes


def test_multiply_adds_are_counted_by_hand():
    """LeNet-5: two convolutions and three matrix products, biases not counted."""
    by_hand = 6 * 28 * 28 * 25 + 16 * 10 * 10 * 6 * 25 + 400 * 120 + 120 * 84 + 84 * 2

    assert summarise(registry.get("lenet5")).multiply_adds == by_hand


def test_totals_are_the_sums_of_the_layers():
    """Nothing is counted that has no row, and no row is left out of a total."""
    summary = summarise(registry.get("alexnet_2012"))

    assert sum(layer.parameters for layer in summary.layers) == summary.parameters == 62_378_344
    assert sum(layer.multiply_adds for layer in summary.layers) == summary.multiply_adds


@pytest.mark.parametrize("name", ["alexnet", "vgg11"])
def test_multiply_adds_are_half_the_flops(name):
    """The rows add up to half of what torch's counter counts without any hook."""
    architecture = registry.get(name)
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        network = architecture.build(architecture.contract.num_classes)
        network(torch.zeros(1, *architecture.contract.input_shape))
    layers = summarise(architecture).layers

    assert 2 * sum(layer.multiply_adds for layer in layers) == counter.get_total_flops()


def test_a_layer_called_twice_is_computed_twice_and_counted_once():
    """Each call has its own multiply-adds; parameters stand in the first row that has them."""
    layers = summarise(architecture_of(Repeating)).layers

    assert [(layer.name, layer.parameters, layer.multiply_adds) for layer in layers] == [
        ("flatten", 0, 0),
        ("again", 20, 16),
        ("again", 0, 16),
        ("tied", 4, 16),
        ("head", 10, 8),
    ]


def test_frozen_parameters_are_not_trainable():
    """A frozen bias is among the parameters and not among the trainable ones."""
    summary = summarise(architecture_of(Repeating))

    assert (summary.parameters, summary.trainable_parameters) == (34, 32)


def test_a_network_without_layers_is_one_row():
    """What it computes itself is not lost."""
    (layer,) = summarise(architecture_of(Single)).layers

    assert (layer.type, layer.parameters, layer.multiply_adds) == ("Single", 8, 8)


def test_a_network_that_prints_leaves_stdout_clean(capsys):
    """What a plugin says while it is walked through does not get into `zoo show --json`."""
    summarise(architecture_of(Talking))

    assert capsys.readouterr() == ("", "noise\n")
