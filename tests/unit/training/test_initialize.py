from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from bench.training.initialize import TooSlowError, filters_of, fit_to_images
from bench.training.kind import normalizes
from zoo.alexnet import AlexNet2012
from zoo.lenet import LeNet5


def _images(count: int = 64, seed: int = 0) -> torch.Tensor:
    """Return smooth grey pictures (count, 1, 32, 32), each with a brightness of its own."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(count, 1, 8, 8, generator=generator)
    return F.interpolate(noise, (32, 32), mode="bilinear") + noise.mean((2, 3), keepdim=True)


def _outputs(network: nn.Module, layer: str, images: torch.Tensor) -> torch.Tensor:
    """Return what `layer` gives for `images` (M, K)."""
    kept: list[torch.Tensor] = []
    hook = network.get_submodule(layer).register_forward_hook(lambda *seen: kept.append(seen[2]))
    with torch.no_grad():
        network.eval()(images)
    hook.remove()
    return kept[0].transpose(0, 1).flatten(1).T


class Twice(nn.Module):
    """One layer that is used twice, and one that is not used at all."""

    def __init__(self) -> None:
        super().__init__()
        self.shared = nn.Linear(4, 4)
        self.idle = nn.Linear(4, 4)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the shared layer's answer to its own answer."""
        return self.shared(self.shared(images).relu())


@pytest.mark.parametrize("layer", ["conv1", "conv2", "fc1", "fc2", "fc3"])
def test_outputs_have_unit_variance(layer: str) -> None:
    """Outputs have mean 0 and variance 1 over the images, as they do not before; logits less."""
    torch.manual_seed(0)
    images, network = _images(), LeNet5()
    before = _outputs(network, layer, images).std(0)
    fit_to_images(network, images, seed=0)
    outputs = _outputs(network, layer, images)
    outputs = outputs / 0.05 if layer == "fc3" else outputs

    assert before.mean() < 0.7
    torch.testing.assert_close(outputs.std(0), torch.ones(outputs.shape[1]), atol=0.15, rtol=0)
    torch.testing.assert_close(outputs.mean(0), torch.zeros(outputs.shape[1]), atol=0.15, rtol=0)


def test_names_are_told_in_the_order_of_use() -> None:
    """What is returned are the layers, as the images reach them."""
    assert fit_to_images(LeNet5(), _images(), 0).layers == ("conv1", "conv2", "fc1", "fc2", "fc3")


def test_same_seed_gives_the_same_weights() -> None:
    """Seed and images decide all; the network's own weights before do not."""
    first, second, other = LeNet5(), LeNet5(), LeNet5()
    fit_to_images(first, _images(), seed=3)
    fit_to_images(second, _images(), seed=3)
    fit_to_images(other, _images(), seed=4)

    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(),
                                                 strict=True))  # fmt: skip
    assert not torch.equal(first.conv1.weight, other.conv1.weight)


def test_random_state_and_mode_are_as_before() -> None:
    """Nothing is drawn from the global generators, and a network in training stays in training."""
    network = nn.Sequential(
        nn.Conv2d(1, 4, 5), nn.LocalResponseNorm(2), nn.Dropout(), nn.Flatten(), nn.Linear(3136, 2)
    )
    network[1].eval()
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    told = fit_to_images(network, _images(2), seed=0)

    assert told.layers == ("0", "4")
    assert torch.equal(torch.rand(1), expected)
    assert network.training
    assert network[2].training
    assert not network[1].training


def test_network_that_normalises_keeps_its_weights() -> None:
    """Batch normalisation sees to the scale itself; such a network was designed with its own."""
    network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(3600, 2))
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}

    assert normalizes(network)
    assert fit_to_images(network, _images(), 0).layers == ()
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def test_local_response_normalisation_is_none() -> None:
    """AlexNet's local response normalisation does not keep outputs at one scale."""
    with torch.device("meta"):
        network = AlexNet2012(num_classes=2)

    assert not normalizes(network)


def test_shared_layer_is_set_once_and_an_idle_one_never() -> None:
    """A layer is set at its first use; what the images do not reach keeps its weights."""
    network = Twice()
    before = network.idle.weight.clone()

    assert fit_to_images(network, torch.randn(32, 4), 0).layers == ("shared",)
    assert torch.equal(network.idle.weight, before)


@pytest.mark.parametrize(
    "options",
    [
        {"stride": 2, "padding": 1},
        {"dilation": 2},
        {"padding": "same"},
        {"stride": (1, 3), "padding": (2, 0)},
        {"bias": False},
    ],
)
def test_patches_are_what_the_convolution_sees(options: dict[str, object]) -> None:
    """Padding, stride and dilation are the layer's: over all places its variance is 1."""
    network = nn.Sequential(nn.Conv2d(1, 6, 3, **options), nn.Conv2d(6, 2, 3))  # type: ignore[arg-type]
    fit_to_images(network, _images(), 0)
    outputs = _outputs(network, "0", _images())

    torch.testing.assert_close(outputs.std(0), torch.ones(6), atol=0.1, rtol=0)


def test_noise_of_dropout_counts() -> None:
    """The variance of 1 is that of training, where half of the inputs are dropped."""
    network = nn.Sequential(nn.Dropout(), nn.Linear(1024, 8), nn.Linear(8, 2))
    images = _images(128).flatten(1) + 3
    fit_to_images(network, images, 0)
    torch.manual_seed(1)
    with torch.no_grad():
        dropped, whole = network[:2](images), network.eval()[:2](images)

    torch.testing.assert_close(dropped.std(0), torch.ones(8), atol=0.2, rtol=0)
    assert whole.std(0).max() < 0.9


def test_grouped_convolution_keeps_its_weights() -> None:
    """A depthwise filter sees one channel alone: there is no bank of filters to find."""
    network = nn.Sequential(nn.Conv2d(2, 2, 3, groups=2), nn.Conv2d(2, 3, 3))

    assert fit_to_images(network, torch.randn(8, 2, 9, 9), 0).layers == ("1",)


@pytest.mark.parametrize("images", [torch.zeros(4, 1, 32, 32), torch.ones(1, 1, 32, 32)])
def test_images_without_content_give_finite_weights(images: torch.Tensor) -> None:
    """Blank pictures, or a single one, have no variance to divide by."""
    network = LeNet5()
    fit_to_images(network, images, 0)

    assert all(parameter.isfinite().all() for parameter in network.parameters())


def test_filters_find_what_patches_are_made_of() -> None:
    """Patches that are each one of four patterns, or its negative, give those four alone."""
    generator = torch.Generator().manual_seed(0)
    patterns = F.normalize(torch.randn(4, 16, generator=generator))
    patterns = F.normalize(patterns - patterns.mean(1, keepdim=True))
    which = torch.randint(4, (2000,), generator=generator)
    sign = torch.randint(2, (2000, 1), generator=generator) * 2 - 1
    patches = patterns[which] * sign + 0.01 * torch.randn(2000, 16, generator=generator)
    found = filters_of(patches, 12, generator)
    alone = (patterns @ found.T).abs() / (patterns @ found.T).abs().amax(0)

    torch.testing.assert_close(found.norm(dim=1), torch.ones(12))
    assert set(alone.argmax(0).tolist()) == {0, 1, 2, 3}
    assert alone.sort(0).values[:3].median() < 0.3


def test_filters_for_which_there_is_no_time_are_only_scaled() -> None:
    """By the pace of those before, the second bank would take too long: its directions stay."""
    left = iter([9.0, 9.0, 9.0, 9.0, 0.1, 0.1, 0.1, 0.1, 0.1])
    network = nn.Sequential(nn.Conv2d(1, 4, 5), nn.ReLU(), nn.Conv2d(4, 64, 5), nn.Flatten())
    first, second = network[0].weight.clone(), network[2].weight.clone()
    found = fit_to_images(network, _images(), 0, lambda: next(left))
    outputs = _outputs(network, "2", _images())

    assert (found.layers, found.scaled) == (("0", "2"), ("2",))
    assert found.told == "filters of 1 layer only scaled, to save time"
    assert F.cosine_similarity(network[0].weight.flatten(1), first.flatten(1)).abs().min() < 0.9
    torch.testing.assert_close(
        F.cosine_similarity(network[2].weight.flatten(1), second.flatten(1)), torch.ones(64)
    )
    torch.testing.assert_close(outputs.std(0) / 0.05, torch.ones(64), atol=0.2, rtol=0)


def test_if_no_second_is_left_no_weights_change() -> None:
    """Also those of layers that were fitted before."""
    left = iter([9.0, 9.0, 9.0, 9.0, 9.0, 0.0, 0.0])
    network = LeNet5()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}

    with pytest.raises(TooSlowError):
        fit_to_images(network, _images(), 0, lambda: next(left))
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
