from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch import nn
from torchvision.models import vgg11

import registry

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
    from bench.summary import summarise

    layers = {layer.name: layer for layer in summarise(registry.get(name)).layers}

    for layer, shape, parameters in expected:
        assert (layers[layer].output_shape, layers[layer].parameters) == (shape, parameters)


def _equal_vggs() -> tuple[nn.Module, nn.Module, torch.Tensor]:
    """Return our VGG-11, torchvision's with the same weights, and an image for both."""
    reference = vgg11(num_classes=2).eval()
    ours = registry.get("vgg11").build(num_classes=2).eval()
    ours.load_state_dict(dict(zip(ours.state_dict(), reference.state_dict().values(), strict=True)))
    return ours, reference, torch.rand(1, 3, 224, 224)


def test_vgg_gives_what_torchvisions_gives():
    """With the same weights the answers are the same, though the code is another."""
    ours, reference, images = _equal_vggs()

    with torch.inference_mode():
        assert torch.allclose(ours(images), reference(images), atol=1e-5)


def test_vgg_with_one_bias_moved_gives_something_else():
    """The comparison with torchvision can fail: a bias of the last layer shows in the answer."""
    ours, reference, images = _equal_vggs()
    with torch.inference_mode():
        ours.classifier[-1].bias += 1e-3

        assert not torch.allclose(ours(images), reference(images), atol=1e-5)


def test_only_the_default_lenet_has_a_relu_between_its_linear_layers():
    """As printed, the two linear layers follow each other."""
    from bench.summary import summarise

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


@pytest.mark.parametrize(("module", "imports_torch"), [("zoo", False), ("zoo.lenet", True)])
def test_only_the_networks_import_torch(module, imports_torch):
    """The zoo's table of contents can be read before torch is there."""
    code = f"import sys, {module}; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == str(imports_torch)
