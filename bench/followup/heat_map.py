"""Heat maps: how much each place of an image speaks for a class, in a network of any kind."""

from __future__ import annotations

from functools import partial
from statistics import mean

import torch
from torch import nn

from bench.followup.deletion import deletion_area
from bench.followup.spatial_layer import SpatialLayer, find_spatial_layer, watching

_CELLS = 5  # places a side that are covered, one after the other
_AS_GOOD = 0.05  # of the probability that is left on average


def heat_maps(
    network: nn.Module, images: torch.Tensor, classes: torch.Tensor, layer: SpatialLayer | None
) -> torch.Tensor:
    """Return how much each place speaks for a class, or below 0 against it (N, h, w).

    Args:
        network: in evaluation mode.
        images: normalised images (N, C, H, W).
        classes: the class of each image (N,).
        layer: from `find_spatial_layer`; None: places are covered, one after the other.
    """
    if layer is None:
        return _by_occlusion(network, images, classes)
    return _by_gradient(network, images, classes, layer)


def choose_layer(
    network: nn.Module, images: torch.Tensor, classes: torch.Tensor
) -> SpatialLayer | None:
    """Return the layer whose gradients explain `network`; None if covering places does it better.

    Better is what leaves less of the class's probability as its best pixels are deleted. In
    transformers attention mixes the places, so that gradients of the last tokens often mislead.

    Args:
        network: in evaluation mode.
        images: a few normalised images (N, C, H, W) to decide on.
        classes: the class of each image (N,).
    """
    layer = find_spatial_layer(network, images[:1])
    if layer is None:
        return None
    left = [
        mean(map(partial(deletion_area, network), images, classes.tolist(), maps))
        for maps in (heat_maps(network, images, classes, each) for each in (layer, None))
    ]
    return layer if left[0] <= left[1] + _AS_GOOD else None


def method_of(layer: SpatialLayer | None) -> str:
    """Return in a few words how the maps are made."""
    if layer is None:
        return f"covered places, {_CELLS}x{_CELLS}"
    places = "x".join(map(str, layer.grid))
    return f"gradients at {layer.module}, {places} {'tokens' if layer.axes == 'NTC' else 'places'}"


def _by_gradient(
    network: nn.Module, images: torch.Tensor, classes: torch.Tensor, layer: SpatialLayer
) -> torch.Tensor:
    """Return the layer's channels weighted by their gradients, place by place, before the ReLU.

    It is Grad-CAM where the network itself averages over places. Where it does not, as in AlexNet,
    a mean gradient would name wrong places. The score is the logit.
    Sources: R. Selvaraju et al. 2017, Grad-CAM, arXiv:1610.02391; R. Draelos, L. Carin 2020,
    HiResCAM, arXiv:2011.08891.
    """
    outputs: list[torch.Tensor] = []

    def note(module: str, call: int, output: torch.Tensor) -> None:
        if (module, call) == (layer.module, layer.call):
            outputs.append(output)

    with torch.enable_grad(), watching(network, note):
        logits = network(images.detach().requires_grad_())
        score = logits.gather(1, classes[:, None]).sum()
    (gradient,) = torch.autograd.grad(score, outputs)
    return (layer.read(gradient) * layer.read(outputs[0].detach())).sum(dim=1)


def _by_occlusion(network: nn.Module, images: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
    """Return by how much the logit falls as a square around each place becomes the mean colour.

    Source: M. Zeiler, R. Fergus 2014, arXiv:1311.2901. The squares overlap by half.
    """
    with torch.inference_mode():
        return torch.stack([_fall(network, *each) for each in zip(images, classes, strict=True)])


def _fall(network: nn.Module, image: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
    height, width = image.shape[1:]
    here = image.device
    rows, columns = (torch.arange(side, device=here)[None] for side in (height, width))
    centres = (torch.arange(_CELLS, device=here) + 0.5)[:, None]
    in_row = (rows - centres * height / _CELLS).abs() <= height / _CELLS  # (cells, H)
    in_column = (columns - centres * width / _CELLS).abs() <= width / _CELLS  # (cells, W)
    covers = (in_row[:, None, :, None] & in_column[None, :, None, :]).flatten(0, 1)
    covered = torch.where(covers[:, None], image.new_zeros(()), image)
    answers: torch.Tensor = network(torch.cat([image[None], covered]))[:, label]
    return (answers[0] - answers[1:]).view(_CELLS, _CELLS)
