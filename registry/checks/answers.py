"""Checks of what a network answers."""

from __future__ import annotations

import torch
from torch import nn

from registry.checks.subject import Subject, answers, mode_name
from registry.errors import CheckError

_PUSHES = 8  # of two logits each: chance leaves all of them within 0 and 1 once in 65,000 times


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
