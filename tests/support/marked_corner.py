"""Images whose class is marked by a red corner, and networks of several kinds that learn it."""

from __future__ import annotations

from functools import cache

import torch
from torch import nn
from torch.nn import functional as F

SIDE, MARK = 32, 8  # pixels
RED = torch.tensor([2.0, 0.0, 0.0]).view(3, 1, 1)


def marked_images(count, seed):
    """Return noise (N, 3, 32, 32), labels (N,) and corners (N,); odd images have a red corner."""
    generator = torch.Generator().manual_seed(seed)
    images = torch.randn(count, 3, SIDE, SIDE, generator=generator) / 2
    corners = torch.randint(4, (count,), generator=generator)
    for image, corner in zip(images[1::2], corners[1::2].tolist(), strict=True):
        top, left = ((SIDE - MARK) * each for each in divmod(corner, 2))
        image[:, top : top + MARK, left : left + MARK] += RED
    return images, torch.arange(count) % 2, corners


class Tokens(nn.Module):
    """A small transformer; the class token answers, or the mean of the others."""

    def __init__(self, *, mean=False):
        super().__init__()
        self.mean = mean
        self.patches = nn.Conv2d(3, 32, 4, 4)
        self.own = nn.Parameter(torch.zeros(1, 1, 32))
        self.places = nn.Parameter(torch.randn(1, 65, 32) / 50)
        layer = (32, 4, 64, 0.0)
        self.blocks = nn.Sequential(
            *(
                nn.TransformerEncoderLayer(*layer, batch_first=True, norm_first=True)
                for _ in range(2)
            )
        )
        self.norm = nn.LayerNorm(32)
        self.head = nn.Linear(32, 2)

    def forward(self, images):
        """Return logits (N, 2)."""
        tokens = self.patches(images).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.own.expand(len(tokens), -1, -1), tokens], 1) + self.places
        tokens = self.norm(self.blocks(tokens))
        return self.head(tokens[:, 1:].mean(1) if self.mean else tokens[:, 0])


def averaging():
    """Return a network that averages over places before its last layer."""
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, 2, 1), nn.ReLU(), nn.Conv2d(16, 16, 3, 2, 1), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 2),
    )  # fmt: skip


def flattening():
    """Return a network in the manner of LeNet."""
    return nn.Sequential(
        nn.Conv2d(3, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(),
        nn.MaxPool2d(2), nn.Flatten(), nn.Linear(400, 64), nn.ReLU(), nn.Linear(64, 2),
    )  # fmt: skip


def without_places():
    """Return a network of linear layers."""
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * SIDE**2, 64), nn.ReLU(), nn.Linear(64, 2))


KINDS = {
    "averaging": averaging,
    "flattening": flattening,
    "linear": without_places,
    "class token": Tokens,
    "mean of tokens": lambda: Tokens(mean=True),
}


@cache
def trained(kind):
    """Return a network of `kind` that has learned the mark; it is shared: do not change it."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = KINDS[kind]()
        optimizer = torch.optim.Adam(network.parameters(), 3e-3)
        images, labels, _ = marked_images(256, 1)
        for _ in range(60):
            some = torch.randint(256, (32,))
            optimizer.zero_grad()
            F.cross_entropy(network(images[some]), labels[some]).backward()
            optimizer.step()
    return network.eval()
