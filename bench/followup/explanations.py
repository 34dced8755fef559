"""The explanations of one network: a heat map of each image, with what the checks say of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from bench.followup.deletion import deletion_area, random_values
from bench.followup.heat_map import choose_layer, heat_maps, method_of
from bench.followup.random_weights import randomize_weights, rank_correlation


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanations:
    """Heat maps of N images for the class that the network predicts.

    Attributes:
        method: how they are made, in words.
        maps: how much each place speaks for the class (N, h, w), before negative values are cut.
        predicted, probability: the class of each image (N,), and its probability, 0 to 1.
        left: mean probability as the pixels named by the map are deleted, the best first (N,).
        left_at_random: the same in a random order (N,).
        like_random: correlation with the map of the network with random weights (N,).
    """

    method: str
    maps: NDArray[np.float32]
    predicted: NDArray[np.int64]
    probability: NDArray[np.float32]
    left: NDArray[np.float32]
    left_at_random: NDArray[np.float32]
    like_random: NDArray[np.float32]

    def as_arrays(self) -> dict[str, NDArray[Any]]:
        """Return the values as arrays by name, to keep them."""
        names = ("maps", "predicted", "probability", "left", "left_at_random", "like_random")
        method = np.frombuffer(self.method.encode(), dtype=np.uint8)
        return {"method": method, **{name: getattr(self, name) for name in names}}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Return the explanations from their `as_arrays` form; TypeError if it is another."""
        method = arrays["method"].tobytes().decode()
        return cls(**{**arrays, "method": method})  # type: ignore[arg-type]


def explain_images(
    network: nn.Module,
    deciding: torch.Tensor,
    images: Sequence[torch.Tensor],
    update: Callable[[], object],
) -> Explanations:
    """Return the explanations of a network for N images.

    Args:
        network: in evaluation mode; its weights are lost in the end.
        deciding: a few images (M, C, H, W) that decide how the maps are made.
        images: normalised images, (C, H, W) each.
        update: called twice for each image.
    """
    layer = choose_layer(network, deciding, _answers(network, deciding).argmax(1))
    shares = torch.cat([_answers(network, image[None]) for image in images])
    classes = shares.argmax(1)
    maps, left, at_random = [], [], []
    for number, (image, label) in enumerate(zip(images, classes, strict=True)):
        (values,) = heat_maps(network, image[None], label[None], layer)
        order = random_values(values.shape[0], values.shape[1], number).to(image.device)
        left.append(deletion_area(network, image, int(label), values))
        at_random.append(deletion_area(network, image, int(label), order))
        maps.append(values.cpu().float())
        update()
    randomize_weights(network)
    like = []
    for image, label, values in zip(images, classes, maps, strict=True):
        (other,) = heat_maps(network, image[None], label[None], layer)
        like.append(rank_correlation(values, other.cpu().float()))
        update()
    return Explanations(
        method=method_of(layer),
        maps=torch.stack(maps).numpy(),
        predicted=classes.cpu().numpy(),
        probability=shares.max(1).values.cpu().float().numpy(),
        left=np.array(left, np.float32),
        left_at_random=np.array(at_random, np.float32),
        like_random=np.array(like, np.float32),
    )


def _answers(network: nn.Module, images: torch.Tensor) -> torch.Tensor:
    with torch.inference_mode():
        return torch.as_tensor(network(images).softmax(1))
