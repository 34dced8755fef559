"""Does it learn: eight images by heart, in a bounded number of steps."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional as F

from registry.checks.subject import Subject, answers, require_logits
from registry.errors import CheckError

_IMAGES = 8
# Learning rates step by step. Growing ones meet every network's own: VGG-11 has learned after two
# steps at 3e-5, and is thrown off by 3e-4, with which LeNet-5 begins to learn.
_GROWING = tuple(min(3e-5 * 1.2**step, 3e-3) for step in range(80))
_STEADY = (1e-4,) * 60
_DROPOUTS = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout)


def learns_by_heart(subject: Subject) -> None:
    """Check that eight pictures under two labels can be learned by heart, whatever else.

    Adam, at a growing learning rate and then, from the same beginning, at a steady one, ends as
    soon as all eight are right: in training mode in two steps running, as the running means of
    batch normalisation lag behind; or in evaluation mode. Dropout layers stay off: they are there
    to hinder just this.
    """
    pictures = subject.pictures(_IMAGES).contiguous(memory_format=torch.channels_last)
    labels = torch.arange(_IMAGES) % 2
    most = 0
    for rates in (_GROWING, _STEADY):
        most = max(most, _count_learned(subject.network(), pictures, labels, rates))
        if most == _IMAGES:
            return
    raise CheckError(
        seen=f"{most} of {_IMAGES} pictures right at best, by Adam in {len(_GROWING)} steps of "
        f"growing rate, and in {len(_STEADY)} at {_STEADY[0]:g}",
        expected=f"all {_IMAGES}",
        change="look whether the logits depend on the pictures at all, whether their gradient "
        "vanishes (a softmax or sigmoid too many), and at how weights are initialised",
    )


def _count_learned(
    network: nn.Module, pictures: torch.Tensor, labels: torch.Tensor, rates: Sequence[float]
) -> int:
    """Return how many `network` has right in the end, or, if never all, at best."""
    network.to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(network.parameters(), lr=rates[0])
    most = before = 0
    for step, rate in enumerate(rates):
        logits = require_logits(_in_training(network)(pictures))
        loss, right = F.cross_entropy(logits, labels), _right(logits, labels)
        if right == before == _IMAGES or (step % 5 == 4 and _knows(network, pictures, labels)):
            return _IMAGES
        before, most = right, min(max(most, right), _IMAGES - 1)  # once might be chance
        if not math.isfinite(loss.item()):
            break
        optimizer.param_groups[0]["lr"] = rate
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return most


def _knows(network: nn.Module, pictures: torch.Tensor, labels: torch.Tensor) -> bool:
    return _right(answers(network.eval(), pictures), labels) == _IMAGES


def _in_training(network: nn.Module) -> nn.Module:
    network.train()
    for layer in network.modules():
        if isinstance(layer, _DROPOUTS):
            layer.eval()
    return network


def _right(logits: torch.Tensor, labels: torch.Tensor) -> int:
    return int((logits.argmax(1) == labels).sum())
