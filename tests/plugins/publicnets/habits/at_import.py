import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(1234)
WEIGHTS = torch.randn(16, 3, 3, 3)  # initialised when the file is imported


class AtImport(nn.Module):
    """First weights that were drawn when the file was imported, after a seed."""

    input_shape = (3, 32, 32)

    def __init__(self, num_classes):
        super().__init__()
        self.weight = nn.Parameter(WEIGHTS * 0.2)
        self.fc = nn.Linear(16 * 16 * 16, num_classes)

    def forward(self, x):
        return self.fc(F.relu(F.conv2d(x, self.weight, stride=2, padding=1)).flatten(1))
