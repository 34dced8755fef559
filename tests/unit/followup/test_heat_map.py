from __future__ import annotations

import numpy as np
import pytest
import timm
import torch
import torchvision
from marked_corner import KINDS, SIDE, marked_images, trained

from bench.followup.deletion import deletion_area, random_values, spread_out
from bench.followup.heat_map import choose_layer, heat_maps, method_of
from bench.followup.random_weights import randomize_weights, rank_correlation
from bench.followup.spatial_layer import find_spatial_layer

captum = pytest.importorskip("captum.attr", reason="the second opinion is not installed")


def _maps(kind, images, labels):
    network = trained(kind)
    layer = choose_layer(network, images[:4], labels[:4])
    return network, layer, heat_maps(network, images, labels, layer)


@pytest.mark.parametrize("kind", KINDS)
def test_maps_name_the_corner_that_marks_the_class(kind):
    """Of a hundred images, at least nine in ten maps have most of their mass in that quarter."""
    images, labels, corners = (each[1::2] for each in marked_images(200, 2))
    network, _, maps = _maps(kind, images, labels)
    pixels = spread_out(maps.relu(), SIDE, SIDE)
    half = SIDE // 2
    quarters = pixels.view(-1, 2, half, 2, half).sum((2, 4)).flatten(1)  # (N, 4)
    share = quarters.gather(1, corners[:, None])[:, 0] / quarters.sum(1)

    assert (network(images).argmax(1) == labels).float().mean() > 0.95
    assert (share > 0.5).float().mean() >= 0.9


@pytest.mark.parametrize("kind", ["averaging", "flattening"])
def test_gradients_explain_networks_of_convolutions(kind):
    """They are as good as covering places, and take a pass each way."""
    images, labels, _ = (each[1:9:2] for each in marked_images(8, 3))

    assert choose_layer(trained(kind), images, labels) is not None


def test_places_are_covered_where_tokens_mislead():
    """After attention the gradients of the tokens do not say where the mark was."""
    images, labels, _ = (each[1:9:2] for each in marked_images(8, 3))
    network = trained("mean of tokens")
    layer = find_spatial_layer(network, images[:1])

    assert method_of(layer) == "gradients at norm, 8x8 tokens"
    assert method_of(choose_layer(network, images, labels)) == "covered places, 5x5"


@pytest.mark.parametrize(
    ("name", "side"),
    [("resnet18", 128), ("mobilenet_v2", 128), ("squeezenet1_1", 128), ("mnasnet0_5", 128),
     ("timm:mobilenetv3_small_050", 128), ("timm:convnext_atto", 128), ("timm:repvit_m0_9", 128)],
)  # fmt: skip
def test_maps_are_grad_cam_where_a_network_averages(name, side):
    """The second opinion is captum's, of the same layer; correlation over 0.95."""
    network, images, layer, ours = _of_library(name, side)
    module = network.get_submodule(layer.module)
    theirs = captum.LayerGradCam(network, module).attribute(images, 1)

    assert _correlation(ours, theirs[:, 0]) > 0.95


@pytest.mark.parametrize(("name", "side"), [("alexnet", 128), ("vgg11", 96)])
def test_maps_are_gradient_by_activation_where_it_does_not(name, side):
    """Linear layers that know each place have a gradient for each place."""
    network, images, layer, ours = _of_library(name, side)
    module = network.get_submodule(layer.module)
    theirs = captum.LayerGradientXActivation(network, module).attribute(images, 1)

    assert _correlation(ours, theirs.sum(1)) > 0.95


def _of_library(name, side):
    torch.manual_seed(0)
    library, _, model = name.rpartition(":")
    make = timm.create_model if library else torchvision.models.get_model
    network = make(model, num_classes=3).eval()
    images = torch.randn(2, 3, side, side)
    layer = find_spatial_layer(network, images[:1])
    return network, images, layer, heat_maps(network, images, torch.tensor([1, 1]), layer)


def _correlation(one, other):
    return np.corrcoef(*(each.detach().flatten().numpy() for each in (one, other)))[0, 1]


@pytest.mark.parametrize("kind", ["averaging", "linear"])
def test_maps_of_random_weights_look_different(kind):
    """What was learned is lost, so that the maps have nothing in common; a map equals itself."""
    images, labels, _ = (each[1::2] for each in marked_images(40, 2))
    _, layer, maps = _maps(kind, images, labels)
    other = KINDS[kind]()
    other.load_state_dict(trained(kind).state_dict())
    randomize_weights(other)
    found = [
        rank_correlation(*pair)
        for pair in zip(maps, heat_maps(other.eval(), images, labels, layer), strict=True)
    ]

    assert abs(np.mean(found)) < 0.3
    assert rank_correlation(maps[0], maps[0]) == pytest.approx(1)


def test_a_flat_map_is_like_no_other():
    """A correlation of it does not exist; nothing is not the same as something."""
    assert rank_correlation(torch.zeros(4, 4), torch.rand(4, 4)) == 0.0


def test_random_weights_have_the_spread_of_those_they_replace():
    """Each tensor for itself, the same each time; nothing else is the same."""
    one, two = KINDS["linear"](), KINDS["linear"]()
    two.load_state_dict(one.state_dict())
    before = [each.detach().clone() for each in one.parameters()]
    randomize_weights(one)
    randomize_weights(two)

    for old, new, again in zip(before, one.parameters(), two.parameters(), strict=True):
        assert torch.equal(new, again)
        assert not torch.isclose(old, new, atol=1e-4).all()
    assert one[1].weight.std().item() == pytest.approx(before[0].std().item(), rel=0.05)


def test_deleting_what_a_map_names_takes_the_class_away():
    """Sooner than deleting in a random order; the mark alone is enough for the network."""
    images, labels, _ = (each[1::2] for each in marked_images(20, 2))
    network, _, maps = _maps("averaging", images, labels)
    ours = [
        deletion_area(network, image, 1, each) for image, each in zip(images, maps, strict=True)
    ]
    others = [
        deletion_area(network, image, 1, random_values(8, 8, n)) for n, image in enumerate(images)
    ]

    assert np.mean(ours) < np.mean(others) - 0.3


def test_the_area_of_a_step_is_known():
    """A network that answers by one pixel: the class goes with the first tenth, or the last."""

    class First(torch.nn.Module):
        def forward(self, images):
            seen = images[:, 0, 0, 0] * 100
            return torch.stack([-seen, seen], 1)

    image, values = torch.ones(1, 10, 10), torch.zeros(10, 10)
    values[0, 0] = 1.0

    assert deletion_area(First(), image, 1, values) == pytest.approx(0.05 * 1 + 0.95 * 0.5)
    assert deletion_area(First(), image, 1, -values) == pytest.approx(0.95 * 1 + 0.05 * 0.5)
