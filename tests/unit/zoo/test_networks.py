from __future__ import annotations

import math
import subprocess
import sys

import pytest
import torch
from torch import nn
from torchvision.models import vgg11

import registry
from zoo import vgg

LENET = [
    ("conv1", (16, 220, 220), 1_216),
    ("pool1", (16, 110, 110), 0),
    ("conv2", (32, 106, 106), 12_832),
    ("pool2", (32, 53, 53), 0),
    ("fc1", (512,), 46_023_168),
    ("fc2", (2,), 1_026),
]
ALEXNET = [
    ("features.0", (64, 63, 63), 23_296),
    ("features.2", (64, 31, 31), 0),
    ("features.3", (192, 31, 31), 307_392),
    ("features.5", (192, 15, 15), 0),
    ("features.6", (384, 15, 15), 663_936),
    ("features.8", (256, 15, 15), 884_992),
    ("features.10", (256, 15, 15), 590_080),
    ("features.12", (256, 7, 7), 0),
    ("avgpool", (256, 6, 6), 0),
    ("classifier.1", (4096,), 37_752_832),
    ("classifier.4", (512,), 2_097_664),
    ("classifier.6", (2,), 1_026),
]


PARAMETERS = {
    "lenet5": 61_026,
    "lenet": 46_038_242,
    "lenet_as_printed": 46_038_242,
    "alexnet": 42_321_218,
    "alexnet_2012": 62_378_344,
    "vgg11": 128_774_530,
    "vgg13": 128_959_042,
    "vgg16": 134_268_738,
    "vgg19": 139_578_434,
}


@pytest.mark.parametrize(("name", "parameters"), PARAMETERS.items())
def test_every_built_in_has_the_size_of_its_source(name, parameters):
    """Counted on what is built, not read off the contract."""
    architecture = registry.get(name)
    with torch.device("meta"):
        network = architecture.build(architecture.contract.num_classes)

    assert sum(parameter.numel() for parameter in network.parameters()) == parameters


def test_a_further_class_changes_the_size():
    """The count of two classes is not that of three: each class has a row in the last layer."""
    with torch.device("meta"):
        network = registry.get("lenet5").build(num_classes=3)

    assert sum(parameter.numel() for parameter in network.parameters()) == 61_026 + 84 + 1


@pytest.mark.parametrize(("name", "expected"), [("lenet", LENET), ("alexnet", ALEXNET)])
def test_layers_agree_with_the_chapter(name, expected):
    """Shapes and parameters are those that the chapter prints, to the last figure."""
    from bench.training.layer_summary import summarise

    layers = {layer.name: layer for layer in summarise(registry.get(name)).layers}

    for layer, shape, parameters in expected:
        assert (layers[layer].output_shape, layers[layer].parameters) == (shape, parameters)


def test_vgg_gives_what_torchvisions_gives():
    """With the same weights the answers are the same, though the code is another.

    The liar beside it: a bias of the last layer that is moved shows in the answer.
    """
    reference = vgg11(num_classes=2, init_weights=False).eval()
    with torch.device("meta"):
        ours = registry.get("vgg11").build(num_classes=2).eval()
    weights = dict(zip(ours.state_dict(), reference.state_dict().values(), strict=True))
    for each in weights.values():
        if each.dim() > 1:
            each *= math.sqrt(6)  # He's variance: the pictures reach the last layer
    ours.load_state_dict(weights, assign=True)
    images = torch.rand(2, 3, 224, 224)
    with torch.inference_mode():
        expected, found = reference(images), ours(images)
        ours.classifier[-1].bias += 1e-3
        moved = ours(images)

    assert (expected[0] - expected[1]).abs().max() > 1e-3
    assert torch.allclose(found, expected, atol=1e-5)
    assert not torch.allclose(moved, expected, atol=1e-5)


def test_only_the_default_lenet_has_a_relu_between_its_linear_layers():
    """As printed, the two linear layers follow each other."""
    from bench.training.layer_summary import summarise

    types = {
        name: [layer.type for layer in summarise(registry.get(name)).layers][-3:]
        for name in ("lenet", "lenet_as_printed")
    }

    assert types["lenet"] == ["Linear", "ReLU", "Linear"]
    assert types["lenet_as_printed"] == ["Linear", "Linear", "Softmax"]


def test_normalisation_has_the_papers_constants():
    """An activation a becomes a / (2 + 1e-4 * sum of five neighbours' squares) ** 0.75."""
    with torch.device("meta"):
        norm = registry.get("alexnet_2012").build(num_classes=2).features[2]
    activations = torch.full((1, 5, 1, 1), 100.0)
    expected = 100 / (2 + 1e-4 * 5 * 100**2) ** 0.75

    assert norm(activations)[0, 2].item() == pytest.approx(expected)
    assert norm(activations)[0, 0].item() > expected  # an outer channel has two neighbours fewer


@pytest.mark.parametrize(("name", "sums_to_one"), [("lenet", False), ("lenet_as_printed", True)])
def test_only_the_printed_lenet_returns_probabilities(name, sums_to_one):
    """The default network returns logits; the printed one applies a softmax."""
    torch.manual_seed(0)
    network = registry.get(name).build(num_classes=2)
    with torch.inference_mode():
        rows = network(torch.rand(2, 3, 224, 224)).sum(1)

    assert torch.allclose(rows, torch.ones(2), atol=1e-5) is sums_to_one


@pytest.mark.parametrize(("module", "needs_torch"), [("zoo", False), ("zoo.lenet", True)])
def test_only_the_networks_need_torch(module, needs_torch):
    """The zoo's table of contents can be read where there is no torch."""
    code = f"import sys; sys.modules['torch'] = None; import {module}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert ("import of torch halted" in done.stderr) is needs_torch, done.stderr
    assert bool(done.returncode) is needs_torch


def test_vgg_begins_with_kaimings_fan_out():
    """A 3x3 convolution's weights vary by 2 in nine times its outputs (He et al. 2015)."""
    torch.manual_seed(0)
    convolution = nn.Conv2d(64, 256, kernel_size=3)
    vgg._initialise(convolution)

    assert convolution.weight.var().item() == pytest.approx(2 / (9 * 256), rel=0.05)
    assert not convolution.bias.any()
