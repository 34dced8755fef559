"""LeNet-5, and the chapter's larger network of the same shape."""

from __future__ import annotations

import torch
from torch import nn


class LeNet5(nn.Module):
    """LeNet-5 for grey images of 32x32.

    Source: LeCun, Bottou, Bengio, Haffner 1998, "Gradient-based learning applied to document
    recognition", with max pooling, ReLU and logits.
    """

    def __init__(self, num_classes: int = 2) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, kernel_size=5)  # (N, 6, 28, 28)
        self.relu1 = nn.ReLU()
        self.pool1 = nn.MaxPool2d(2)  # (N, 6, 14, 14)
        self.conv2 = nn.Conv2d(6, 16, kernel_size=5)  # (N, 16, 10, 10)
        self.relu2 = nn.ReLU()
        self.pool2 = nn.MaxPool2d(2)  # (N, 16, 5, 5)
        self.flatten = nn.Flatten()  # (N, 400)
        self.fc1 = nn.Linear(400, 120)
        self.relu3 = nn.ReLU()
        self.fc2 = nn.Linear(120, 84)
        self.relu4 = nn.ReLU()
        self.fc3 = nn.Linear(84, num_classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits (N, K) of grey images (N, 1, 32, 32)."""
        x = self.pool1(self.relu1(self.conv1(images)))
        x = self.flatten(self.pool2(self.relu2(self.conv2(x))))
        x = self.relu4(self.fc2(self.relu3(self.fc1(x))))
        logits: torch.Tensor = self.fc3(x)
        return logits


class LeNet(nn.Module):
    """The chapter's LeNet for colour images of 224x224, with logits and a ReLU after `fc1`."""

    def __init__(self, num_classes: int = 2) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, kernel_size=5)  # (N, 16, 220, 220)
        self.relu1 = nn.ReLU()
        self.pool1 = nn.MaxPool2d(2)  # (N, 16, 110, 110)
        self.conv2 = nn.Conv2d(16, 32, kernel_size=5)  # (N, 32, 106, 106)
        self.relu2 = nn.ReLU()
        self.pool2 = nn.MaxPool2d(2)  # (N, 32, 53, 53)
        self.flatten = nn.Flatten()  # (N, 89888)
        self.fc1 = nn.Linear(32 * 53 * 53, 512)
        self.relu3 = nn.ReLU()
        self.fc2 = nn.Linear(512, num_classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits (N, K) of images (N, 3, 224, 224)."""
        x = self.pool1(self.relu1(self.conv1(images)))
        x = self.flatten(self.pool2(self.relu2(self.conv2(x))))
        logits: torch.Tensor = self.fc2(self.relu3(self.fc1(x)))
        return logits


class LeNetAsPrinted(nn.Module):
    """The chapter's LeNet as it is printed: two layers in a row, and probabilities for logits.

    Without a ReLU, `fc1` and `fc2` are one linear map; with a softmax before the cross-entropy,
    which applies its own, the gradient nearly vanishes. Kept to show what the chapter got.
    """

    def __init__(self, num_classes: int = 2) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, kernel_size=5)  # (N, 16, 220, 220)
        self.relu1 = nn.ReLU()
        self.pool1 = nn.MaxPool2d(2)  # (N, 16, 110, 110)
        self.conv2 = nn.Conv2d(16, 32, kernel_size=5)  # (N, 32, 106, 106)
        self.relu2 = nn.ReLU()
        self.pool2 = nn.MaxPool2d(2)  # (N, 32, 53, 53)
        self.flatten = nn.Flatten()  # (N, 89888)
        self.fc1 = nn.Linear(32 * 53 * 53, 512)
        self.fc2 = nn.Linear(512, num_classes)
        self.softmax = nn.Softmax(dim=1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return probabilities (N, K) of images (N, 3, 224, 224)."""
        x = self.pool1(self.relu1(self.conv1(images)))
        x = self.flatten(self.pool2(self.relu2(self.conv2(x))))
        probabilities: torch.Tensor = self.softmax(self.fc2(self.fc1(x)))
        return probabilities
