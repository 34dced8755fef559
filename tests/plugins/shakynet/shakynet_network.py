"""A network whose answers hang on everything that a checkpoint must hold."""

import os
import random
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn


_MEETING = "SHAKY_MEETING"  # a folder in which two processes meet before either trains


def _meet():
    folder = Path(os.environ[_MEETING])
    (folder / str(os.getpid())).touch()
    while len(list(folder.iterdir())) < 2:
        time.sleep(0.01)


class ShakyNet(nn.Sequential):
    """Logits (N, K) of images (N, 3, 32, 32), shaken by every generator there is.

    It draws in training and in evaluation, says when it turns from one to the other, and is
    slow enough to be hit in either.
    """

    def __init__(self, num_classes):
        super().__init__(
            nn.Conv2d(3, 8, 3, stride=2),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.Dropout(0.3),
            nn.AdaptiveAvgPool2d(4),
            nn.Flatten(),
            nn.Linear(128, num_classes),
        )

    def train(self, mode=True):
        if mode and _MEETING in os.environ:
            _meet()
        if mode != self.training:
            print("shaky trains" if mode else "shaky evaluates", file=sys.stderr, flush=True)
        return super().train(mode)

    def forward(self, images):
        time.sleep(0.03)
        shaken = random.random() + float(np.random.random()) + torch.rand(1, device=images.device)
        return super().forward(images) * (1 + 0.1 * shaken)
