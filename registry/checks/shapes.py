"""Checks of shapes and sizes: nothing is computed where torch's meta device will do."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import nn

from registry.checks.kit import CHECKS
from registry.checks.subject import Subject, mode_name
from registry.errors import CheckError, format_error
from registry.verify import probe, verify

_ONE_VALUE = "Expected more than 1 value per channel"


def keeps_its_contract(subject: Subject) -> None:
    """Check that shapes and size are what is promised, and that deviations name checks."""
    verify(subject.architecture)
    known = [check.name for check in CHECKS]
    for deviation in subject.architecture.deviations:
        if deviation.check not in known:
            raise CheckError(
                seen=f"a deviation from {deviation.check!r}, which is no check",
                expected=f"one of {', '.join(known)}",
                change="correct the name, or take the deviation out",
            )


def gives_rows(subject: Subject) -> None:
    """Check that N images get (N, K), for one and two of them, in training and evaluation mode.

    Batch normalisation over maps of 1x1 raises for one image in training mode: it has no variance
    over one value. That is no failure, since no epoch of ours has a batch of one image: a last
    one is joined to the batch before.
    """
    classes = subject.architecture.contract.num_classes
    found, _ = probe(subject.architecture, _shapes, images=2)
    for mode, images, seen in found:
        if seen != str((images, classes)):
            raise CheckError(
                seen=f"{seen} for {'1 image' if images == 1 else f'{images} images'} in {mode}",
                expected=f"one tensor of logits, {(images, classes)}",
                change="keep the batch's axis (no `squeeze`, `flatten(1)` and not `flatten(0)`), "
                "and give the logits alone in both modes",
            )


def follows_the_classes(subject: Subject) -> None:
    """Check that the last layer is as wide as the classes that are asked for: 2, and 7."""
    for classes in (2, 7):
        contract = replace(subject.architecture.contract, output_shape=(classes,))
        asked = replace(subject.architecture, contract=contract)
        seen, _ = probe(asked, _shape, images=2)
        if seen != str((2, classes)):
            raise CheckError(
                seen=f"{seen} for 2 images with num_classes={classes}",
                expected=str((2, classes)),
                change="make the last layer `num_classes` wide: the data say how many there are",
            )


def _shapes(network: nn.Module, images: torch.Tensor) -> list[tuple[str, int, str]]:
    """Return mode, images and what came out, for each way of calling it."""
    found = []
    for training in (False, True):
        network.train(training)
        for count in (1, 2):
            try:
                seen = _shape(network, images[:count])
            except Exception as error:
                if training and count == 1 and _ONE_VALUE in str(error):
                    continue
                if images.device.type == "meta":
                    raise  # it may have no meta kernel; the CPU decides
                seen = format_error(error)
            found.append((mode_name(network), count, seen))
    return found


def _shape(network: nn.Module, images: torch.Tensor) -> str:
    output = network(images)
    if isinstance(output, torch.Tensor):
        return str(tuple(output.shape))
    return f"a {type(output).__name__}"
