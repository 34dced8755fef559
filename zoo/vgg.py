"""VGG in four depths."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

# Convolutions of each of the five blocks; a pool ends a block.
_WIDTHS = (64, 128, 256, 512, 512)
_DEPTHS = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}


class VGG(nn.Module):
    """A stack of 3x3 convolutions in five blocks, then three fully connected layers.

    Source: Simonyan and Zisserman 2015, "Very deep convolutional networks for large-scale image
    recognition"; convolutions start from Kaiming's normal distribution (He et al. 2015).
    """

    def __init__(self, depth: int, num_classes: int = 2) -> None:
        super().__init__()
        self.features = nn.Sequential(*_blocks(depth))  # (N, 512, 7, 7)
        self.flatten = nn.Flatten()  # (N, 25088)
        self.classifier = nn.Sequential(
            nn.Linear(512 * 7 * 7, 4096),
            nn.ReLU(inplace=True),
            nn.Dropout(),
            nn.Linear(4096, 4096),
            nn.ReLU(inplace=True),
            nn.Dropout(),
            nn.Linear(4096, num_classes),
        )
        self.apply(_initialise)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits (N, K) of images (N, 3, 224, 224)."""
        logits: torch.Tensor = self.classifier(self.flatten(self.features(images)))
        return logits


def vgg11(num_classes: int = 2) -> VGG:
    """Return configuration A, eight convolutions."""
    return VGG(11, num_classes)


def vgg13(num_classes: int = 2) -> VGG:
    """Return configuration B, ten convolutions."""
    return VGG(13, num_classes)


def vgg16(num_classes: int = 2) -> VGG:
    """Return configuration D, thirteen convolutions."""
    return VGG(16, num_classes)


def vgg19(num_classes: int = 2) -> VGG:
    """Return configuration E, sixteen convolutions."""
    return VGG(19, num_classes)


def _blocks(depth: int) -> Iterator[nn.Module]:
    channels = 3
    for width, convolutions in zip(_WIDTHS, _DEPTHS[depth], strict=True):
        for _ in range(convolutions):
            yield nn.Conv2d(channels, width, kernel_size=3, padding=1)
            yield nn.ReLU(inplace=True)
            channels = width
        yield nn.MaxPool2d(2)  # 224 -> 112 -> 56 -> 28 -> 14 -> 7


def _initialise(layer: nn.Module) -> None:
    if isinstance(layer, nn.Conv2d):
        nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    elif isinstance(layer, nn.Linear):
        nn.init.normal_(layer.weight, std=0.01)
    else:
        return
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
