"""What stands between the chapter's LeNet as it is printed and ours, and a SqueezeNet amended."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import nn
from torchvision import models

from registry.architecture import Architecture
from zoo import LENET_AS_PRINTED
from zoo.lenet import LeNetAsPrinted


class LeNetWithLogits(LeNetAsPrinted):
    """The printed LeNet without its softmax; `fc1` and `fc2` are still one linear map."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits (N, K) of images (N, 3, 224, 224)."""
        x = self.pool1(self.relu1(self.conv1(images)))
        x = self.flatten(self.pool2(self.relu2(self.conv2(x))))
        logits: torch.Tensor = self.fc2(self.fc1(x))
        return logits


def squeezenet_with_logits(num_classes: int) -> nn.Module:
    """Return torchvision's SqueezeNet 1.1 without the ReLU after its last convolution."""
    network = models.squeezenet1_1(num_classes=num_classes)
    network.classifier[2] = nn.Identity()
    return network


def amended(squeezenet: Architecture) -> Architecture:
    """Return torchvision's SqueezeNet 1.1 as `squeezenet_with_logits` builds it."""
    return replace(
        squeezenet,
        name="squeezenet1_1_with_logits",
        constructor=f"{__name__}:squeezenet_with_logits",
        arguments=(),
        weights="",
    )


# under one name, so that `bench.compare` takes them for one model that changes
PRINTED: Architecture = replace(LENET_AS_PRINTED, name="lenet", deviations=())
LOGITS: Architecture = replace(PRINTED, constructor=f"{__name__}:LeNetWithLogits")
