from __future__ import annotations

import pytest
import timm
import torch
import torchvision
from marked_corner import KINDS
from torch import nn

from bench.followup.spatial_layer import SpatialLayer, find_spatial_layer


def _found(network, shape=(3, 32, 32)):
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():  # some heads start as zeros, on which no place has an effect
        for parameter in network.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) / 50)
    return find_spatial_layer(network.eval(), torch.randn(1, *shape, generator=generator))


@pytest.mark.parametrize(
    ("kind", "module", "axes", "grid"),
    [
        ("averaging", "3", "NCHW", (8, 8)),
        ("flattening", "5", "NCHW", (5, 5)),
        ("class token", "blocks.1.norm1", "NTC", (8, 8)),
        ("mean of tokens", "norm", "NTC", (8, 8)),
    ],
)
def test_the_last_layer_with_places_is_found(kind, module, axes, grid):
    """Of tokens it is the last on which the logits depend: a class token takes none of the rest."""
    found = _found(KINDS[kind]())

    assert found == SpatialLayer(module=module, call=0, axes=axes, grid=grid)


def test_a_network_of_linear_layers_has_no_places():
    """The liar: nothing in it has a grid."""
    assert _found(KINDS["linear"]()) is None


@pytest.mark.parametrize(
    ("name", "axes", "grid"),
    [
        ("resnet18", "NCHW", (4, 4)),  # 2x2 at its end: too coarse
        ("squeezenet1_1", "NCHW", (5, 5)),
        ("swin_t", "NCHW", (4, 4)),
    ],
)
def test_layers_of_torchvision_are_found(name, axes, grid):
    """Grids of at least four places a side are preferred."""
    side = {"resnet18": 64, "squeezenet1_1": 95, "swin_t": 128}[name]
    found = _found(torchvision.models.get_model(name, num_classes=2), (3, side, side))

    assert (found.axes, found.grid) == (axes, grid)


@pytest.mark.parametrize(
    ("name", "tokens"),
    [("vit_tiny_patch16_224", True), ("deit_tiny_distilled_patch16_224", True),
     ("mixer_s32_224", True), ("mobilenetv3_small_050", False)],
)  # fmt: skip
def test_layers_of_timm_are_found(name, tokens):
    """Tokens of a class and of distillation are no places."""
    size = {} if name.startswith("mobile") else {"img_size": 128}
    found = _found(timm.create_model(name, num_classes=2, **size), (3, 128, 128))

    assert (found.axes == "NTC") is tokens
    assert found.grid[0] == found.grid[1] >= 4


def test_places_follow_the_shape_of_the_input():
    """A square in a tall input is none of its grids, such as attention of token to token."""

    class Tall(nn.Module):
        def __init__(self):
            super().__init__()
            self.patches = nn.Conv2d(3, 8, 8, 8)
            self.mixed = nn.Identity()
            self.head = nn.Linear(8, 2)

        def forward(self, images):
            tokens = self.patches(images).flatten(2).transpose(1, 2)
            mixed = self.mixed((tokens @ tokens.transpose(1, 2)).softmax(-1)[:, None])[:, 0]
            return self.head((mixed @ tokens).mean(1))

    found = _found(Tall(), (3, 64, 32))

    assert (found.module, found.grid) == ("patches", (8, 4))


def test_tokens_are_read_as_a_grid():
    """Those before the grid are left out; rows come one after the other."""
    layer = SpatialLayer(module="x", call=0, axes="NTC", grid=(2, 3))
    tokens = torch.arange(8.0).view(1, 8, 1)

    assert layer.read(tokens)[0, 0].tolist() == [[2.0, 3.0, 4.0], [5.0, 6.0, 7.0]]
