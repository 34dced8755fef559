from collections import namedtuple

import torch
from torch import nn
from torch.nn import functional as F

GoogLeNetOutputs = namedtuple("GoogLeNetOutputs", ["logits", "aux_logits2", "aux_logits1"])


class GoogLeNet(nn.Module):
    """A named tuple with two auxiliary classifiers in training, logits in evaluation."""

    input_shape = (3, 32, 32)

    def __init__(self, num_classes=1000, aux_logits=True):
        super().__init__()
        self.aux_logits = aux_logits
        self.conv1 = nn.Conv2d(3, 16, 3, 2)
        self.conv2 = nn.Conv2d(16, 16, 3)
        self.aux1 = nn.Linear(16, num_classes) if aux_logits else None
        self.aux2 = nn.Linear(16, num_classes) if aux_logits else None
        self.fc = nn.Linear(16, num_classes)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        aux1 = self.aux1(x.mean((2, 3))) if self.aux1 is not None and self.training else None
        x = F.relu(self.conv2(x))
        aux2 = self.aux2(x.mean((2, 3))) if self.aux2 is not None and self.training else None
        x = self.fc(x.mean((2, 3)))
        if self.training and self.aux_logits:
            return GoogLeNetOutputs(x, aux2, aux1)
        return x


class ListNet(GoogLeNet):
    """A list of the outputs of every exit, in both modes."""

    def __init__(self, num_classes):
        super().__init__(num_classes, aux_logits=False)
        self.exit = nn.Linear(16, num_classes)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        early = self.exit(x.mean((2, 3)))
        return [early, self.fc(F.relu(self.conv2(x)).mean((2, 3)))]
