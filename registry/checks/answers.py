"""Checks of what a network answers: shapes, on the meta device where that will do, and logits."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import nn

from registry.checks.kit import CHECKS
from registry.checks.subject import Subject, answers, mode_name
from registry.errors import CheckError, format_error
from registry.verify import probe, verify

_ONE_VALUE = "Expected more than 1 value per channel"
_PUSHES = 8  # of two logits each: chance leaves all of them within 0 and 1 once in 65,000 times


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


def takes_the_least(subject: Subject) -> None:
    """Check the least that a network can be given: one picture, all of one level.

    A contract names one size of input, and nothing else is ever given to its network; so the
    smallest input is a batch of one picture without any contrast. Dividing by a deviation of 0,
    or by the deviation of a batch of one, shows here.
    """
    blank = torch.zeros(1, *subject.architecture.contract.input_shape)
    found = answers(subject.network(), blank)
    _require_finite(
        found,
        "one blank picture in evaluation mode",
        "add a small number to what you divide by: a blank picture has a deviation of 0",
    )


def is_finite(subject: Subject) -> None:
    """Check that pictures of any level give finite numbers, in both modes."""
    pictures = torch.cat([subject.pictures(2), subject.harsh_pictures(2)])
    network = subject.network()
    for training in (False, True):
        network.train(training)
        _require_finite(
            answers(network, pictures),
            f"pictures of the darkest and brightest levels in {mode_name(network)}",
            "look for a logarithm, root, power or quotient of what can be 0, negative or large",
        )


def gives_logits(subject: Subject) -> None:
    """Check that the outputs are no probabilities: the loss applies its own softmax.

    Rows that are positive and sum to 1 come from a softmax. Outputs within 0 and 1 may come from
    a sigmoid, or from chance; so the weights are pushed about until an output leaves that range,
    which that of a sigmoid never does. Log-probabilities are logits like others, their own
    log-softmax being themselves.
    """
    network, pictures = subject.network(), subject.pictures(2)
    for training in (False, True):
        network.train(training)
        found = answers(network, pictures)
        if found.min() >= 0 and bool(((found.sum(1) - 1).abs() < 1e-4).all()):
            _not_logits(f"rows that are positive and sum to 1 in {mode_name(network)}", "softmax")
    if _stays_between_0_and_1(network.eval(), pictures):
        _not_logits("outputs between 0 and 1 whatever the weights are", "sigmoid")


def ignores_neighbours(subject: Subject) -> None:
    """Check that one image's logits do not depend on the others of its batch, in evaluation mode.

    Compared are batches of one size, which the same kernels compute.
    """
    network, pictures = subject.network(), subject.pictures(3)
    alone, again = answers(network, pictures), answers(network, pictures)
    if apart := _largest_difference(alone, again):
        raise CheckError(
            seen=f"logits {apart:.2g} apart for the same batch given twice",
            expected="the same logits, in evaluation mode",
            change="draw nothing there: `F.dropout(x, training=self.training)`",
        )
    strangers = torch.cat([pictures[:1], subject.harsh_pictures(2)])
    moved = answers(network, pictures.flip(0)).flip(0)
    apart = max(
        _largest_difference(alone[:1], answers(network, strangers)[:1]),
        _largest_difference(alone, moved),
    )
    if apart:
        raise CheckError(
            seen=f"logits of one image {apart:.2g} apart when the others of its batch change",
            expected="the same logits, in evaluation mode",
            change="take no mean, maximum or norm over the batch's axis (0) but in training mode",
        )


def _require_finite(found: torch.Tensor, what: str, change: str) -> None:
    bad = int((~found.isfinite()).sum())
    if bad:
        kind = "NaN" if bool(found.isnan().any()) else "inf"
        raise CheckError(
            seen=f"{bad} of {found.numel()} outputs are not finite ({kind}) for {what}",
            expected="finite numbers",
            change=change,
        )


def _not_logits(seen: str, function: str) -> None:
    raise CheckError(
        seen=seen,
        expected="logits, of any sign and size",
        change=f"take the {function} out of `forward`: the loss has its own, and twice of it "
        "nearly ends the gradient",
    )


def _stays_between_0_and_1(network: nn.Module, pictures: torch.Tensor) -> bool:
    """Say whether no push of the weights moves an output out of 0 to 1."""
    generator = torch.Generator().manual_seed(0)
    for _ in range(_PUSHES):
        found = answers(network, pictures)
        if not bool(((found >= 0) & (found <= 1)).all()):
            return False
        with torch.no_grad():
            for weights in network.parameters():
                if weights.is_floating_point():
                    weights.add_(torch.randn(weights.shape, generator=generator) * 0.02)
    return True


def _largest_difference(one: torch.Tensor, other: torch.Tensor) -> float:
    """Return the largest difference, or 0.0 where it is within what rounding does."""
    difference = float((one - other).abs().max())
    allowed = 1e-4 * max(float(one.abs().max()), 1e-6)
    return 0.0 if difference <= allowed else difference
