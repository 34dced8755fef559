"""Small networks that break one promise of the kit each, and keep all the others."""

from __future__ import annotations

import contextlib
import os
import socket

import torch
from torch import nn
from torch.nn import functional as F

from registry import Architecture, Contract

_INPUT = (3, 16, 16)
_FEATURES = 4 * 16


class Honest(nn.Module):
    """A network that keeps all promises: batch normalisation, dropout, two layers."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, kernel_size=3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.drop = nn.Dropout()
        self.fc = nn.Linear(_FEATURES, num_classes)

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """Return features (N, F) of images (N, 3, 16, 16)."""
        return F.adaptive_avg_pool2d(F.relu(self.norm(self.conv(images))), 4).flatten(1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits (N, K)."""
        return self.fc(self.drop(self.features(images)))


class Heavier(Honest):
    """Has more parameters than its contract promises."""

    def __init__(self, num_classes: int) -> None:
        super().__init__(num_classes)
        self.shift = nn.Parameter(torch.zeros(num_classes))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits (N, K), shifted."""
        return super().forward(images) + self.shift


class Squeezing(Honest):
    """Loses the batch's axis where there is one image."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits (N, K), or (K,)."""
        return super().forward(images).squeeze(0)


class TwoHeaded(Honest):
    """Gives more than logits, but only in training mode."""

    def forward(self, images: torch.Tensor):
        """Return logits (N, K), with features in training mode."""
        logits = super().forward(images)
        return (logits, self.features(images)) if self.training else logits


class Deaf(Honest):
    """Has two classes, however many are asked for."""

    def __init__(self, num_classes: int) -> None:
        super().__init__(num_classes=2)


class Standardising(Honest):
    """Divides each picture by its deviation, which a blank one has not."""

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """Return features of standardised images."""
        return super().features(images / images.std((1, 2, 3), keepdim=True))


class Logarithmic(Honest):
    """Takes the logarithm of levels, which the darkest ones have not."""

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """Return features of logarithms."""
        return super().features(torch.log(images + 2))


class Softmaxed(Honest):
    """Gives probabilities."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return probabilities (N, K)."""
        return super().forward(images).softmax(1)


class SoftmaxedLater(Honest):
    """Gives probabilities in evaluation mode alone."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits (N, K), or probabilities."""
        logits = super().forward(images)
        return logits if self.training else logits.softmax(1)


class Sigmoid(Honest):
    """Gives a probability for each class by itself."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return probabilities (N, K)."""
        return super().forward(images).sigmoid()


class Idle(Honest):
    """Has a layer that is not used."""

    def __init__(self, num_classes: int) -> None:
        super().__init__(num_classes)
        self.spare = nn.Linear(2, 1)


class Frozen(Honest):
    """Has a layer that is not trained."""

    def __init__(self, num_classes: int) -> None:
        super().__init__(num_classes)
        self.conv.requires_grad_(False)


class Multiplied(Honest):
    """Has a parameter that counts for nothing, though it is used."""

    def __init__(self, num_classes: int) -> None:
        super().__init__(num_classes)
        self.spare = nn.Parameter(torch.ones(1))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits (N, K)."""
        return super().forward(images) + 0 * self.spare


class Paired(nn.BatchNorm1d):
    """A batch normalisation of two images whose rounding errors are none."""

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return what is left without what both images have, in training mode."""
        return features - features.flip(0) if self.training else super().forward(features)


class Shifted(Honest):
    """Has a bias that batch normalisation takes away again, of one value an image.

    It is honest: many a network has one behind a convolution.
    """

    def __init__(self, num_classes: int) -> None:
        super().__init__(num_classes)
        self.squeeze = nn.Linear(_FEATURES, 1)
        self.last = Paired(1, affine=False)

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """Return features, with one of all of them added to each."""
        features = super().features(images)
        return features + self.last(self.squeeze(features))


class Reluctant(Shifted):
    """Has a parameter, beside such a bias, that counts in evaluation mode alone."""

    def __init__(self, num_classes: int) -> None:
        super().__init__(num_classes)
        self.spare = nn.Parameter(torch.ones(1))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits (N, K)."""
        return super().forward(images) * self.spare ** (0 if self.training else 1)


class Moody(Honest):
    """Has other weights each time, whatever the seed."""

    def __init__(self, num_classes: int) -> None:
        super().__init__(num_classes)
        own = torch.Generator()
        own.manual_seed(int.from_bytes(os.urandom(6)))
        if self.fc.weight.device.type == "cpu":
            with torch.no_grad():  # little enough that no other check is in doubt
                noise = torch.randn(self.fc.weight.shape, generator=own)
                self.fc.weight.add_(1e-3 * noise)


class Sociable(Honest):
    """Subtracts the mean of the batch in evaluation mode, too."""

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """Return features, the batch's mean taken away."""
        features = super().features(images)
        return features - features.mean(0, keepdim=True) / 2


class Restless(Honest):
    """Draws in evaluation mode, too: a dropout that is never off."""

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """Return features, each picture's scaled by chance."""
        features = super().features(images)
        return features * (1 + 0.1 * torch.rand(len(features), 1, device=features.device))


class Forgetful(Honest):
    """Computes with a random tensor that its state_dict does not hold."""

    def __init__(self, num_classes: int) -> None:
        super().__init__(num_classes)
        self.scale = 0.5 + torch.rand(_FEATURES)

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """Return features, each scaled."""
        return super().features(images) * self.scale


class Talkative(Honest):
    """Has more than tensors in its state_dict."""

    def get_extra_state(self) -> object:
        """Return something else."""
        return {"made": "today"}

    def set_extra_state(self, state: object) -> None:
        """Take it back."""


class Calling(Honest):
    """Reaches for a network while it is built, and goes on without."""

    def __init__(self, num_classes: int) -> None:
        super().__init__(num_classes)
        with contextlib.suppress(OSError):  # on this machine: there is no network in the tests
            socket.create_connection(("127.0.0.1", 9), timeout=0.1).close()


class CallingLater(Honest):
    """Looks a name up while it is run."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits (N, K)."""
        with contextlib.suppress(OSError):
            socket.getaddrinfo("127.0.0.1", 9)
        return super().forward(images)


class Meddling(Honest):
    """Sets the number of threads for everybody."""

    def __init__(self, num_classes: int) -> None:
        super().__init__(num_classes)
        torch.set_num_threads(torch.get_num_threads() + 1)


class Blind(nn.Module):
    """Sees nothing of a picture but how bright it is."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.fc = nn.Linear(1, num_classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits (N, K)."""
        return self.fc(images.mean((1, 2, 3))[:, None])


_EXTRA = {"Idle": 3, "Multiplied": 1, "Shifted": _FEATURES + 1, "Reluctant": _FEATURES + 2}


def architecture(kind: str, module: str = __name__) -> Architecture:
    """Return the architecture of the network `kind`."""
    parameters = 4 if kind == "Blind" else 112 + 8 + 2 * _FEATURES + 2 + _EXTRA.get(kind, 0)
    return Architecture(
        name=kind.lower(),
        constructor=f"{module}:{kind}",
        contract=Contract(input_shape=_INPUT, output_shape=(2,), parameters=parameters),
    )


LIARS = {
    "Heavier": "contract",
    "Squeezing": "shapes",
    "Deaf": "head",
    "Standardising": "smallest",
    "Logarithmic": "finite",
    "Softmaxed": "logits",
    "SoftmaxedLater": "logits",
    "Sigmoid": "logits",
    "Idle": "gradients",
    "Frozen": "gradients",
    "Multiplied": "gradients",
    "Reluctant": "gradients",
    "Moody": "seed",
    "Sociable": "neighbours",
    "Forgetful": "state",
    "Talkative": "state",
    "Calling": "offline",
    "CallingLater": "offline",
    "Meddling": "globals",
    "Blind": "learns",
}
