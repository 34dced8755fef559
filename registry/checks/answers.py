"""Checks of a network's output: shapes, on the meta device where possible, and logits."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import torch
from torch import nn

from registry.checks.kit import CHECKS
from registry.checks.subject import Subject, answers, mode_name
from registry.errors import CheckError, UnsuitableError, format_error
from registry.parameters import nothing_hidden, rounds_to_8_bits, steady
from registry.verify import probe, verify

_ONE_VALUE = "Expected more than 1 value per channel"
_8_BITS = 0.1  # of the largest logit; small networks, quantised dynamically, were 0.05 apart
_PUSHES = 8  # of two logits each: chance keeps all within 0 and 1 once in 65,000 times


def keeps_its_contract(subject: Subject) -> None:
    """Check that shapes and size match the contract, and that deviations name checks."""
    verify(subject.architecture)
    known = [check.name for check in CHECKS]
    for deviation in subject.architecture.deviations:
        if deviation.check not in known:
            raise CheckError(
                seen=f"a deviation from {deviation.check!r}, which is not a check",
                expected=f"one of {', '.join(known)}",
                change="correct the name, or remove the deviation",
            )


def gives_rows(subject: Subject) -> None:
    """Check that N images give (N, K), for one and two images, in training and evaluation mode.

    Batch normalisation over maps of 1x1 raises for one image in training mode: one value has no
    variance. That is no failure: training never has a batch of one image, because a single last
    image joins the batch before.
    """
    classes = subject.architecture.contract.num_classes
    try:
        found, _ = probe(subject.architecture, _shapes, images=2)
    except UnsuitableError as error:
        raise CheckError(
            seen=str(error),
            expected="the parameters that the constructor made, and no others",
            change="make, name and freeze all layers in the constructor",
        ) from error
    for mode, images, seen in found:
        if seen != str((images, classes)):
            raise CheckError(
                seen=f"{seen} for {'1 image' if images == 1 else f'{images} images'} in {mode}",
                expected=f"one tensor of logits, {(images, classes)}",
                change="keep the batch axis (no `squeeze`; `flatten(1)`, not `flatten(0)`), "
                "and return only the logits in both modes",
            )


def follows_the_classes(subject: Subject) -> None:
    """Check that the last layer has one output for each class: 2, and 7."""
    for classes in (2, 7):
        contract = replace(subject.architecture.contract, output_shape=(classes,))
        asked = replace(subject.architecture, contract=contract)
        seen, _ = probe(asked, _shape, images=2)
        if seen != str((2, classes)):
            raise CheckError(
                seen=f"{seen} for 2 images with num_classes={classes}",
                expected=str((2, classes)),
                change="make the last layer `num_classes` wide: the data set the number of classes",
            )


def _shapes(network: nn.Module, images: torch.Tensor) -> list[tuple[str, int, str]]:
    """Return mode, number of images and output shape, for each way of calling it."""
    found = []
    for training, count in product((False, True), (1, 2)):
        network.train(training)
        try:
            with steady(network), nothing_hidden(network):
                seen = _shape(network, images[:count])
        except UnsuitableError:
            raise
        except Exception as error:
            if training and count == 1 and _ONE_VALUE in str(error):
                continue
            if images.device.type == "meta":
                raise  # perhaps it has no meta kernel; the CPU decides
            seen = format_error(error)
        found.append((mode_name(network), count, seen))
    return found


def _shape(network: nn.Module, images: torch.Tensor) -> str:
    output = network(images)
    if isinstance(output, torch.Tensor):
        return str(tuple(output.shape))
    return f"a {type(output).__name__}"


def takes_the_least(subject: Subject) -> None:
    """Check the smallest input: one image, all of one level.

    A network only gets inputs of its contract's size. So the smallest input is one image without
    contrast. It reveals a division by a standard deviation of 0, or by that of a batch of one.
    """
    blank = torch.zeros(1, *subject.architecture.contract.input_shape)
    found = answers(subject.network(), blank)
    _require_finite(
        found,
        "one blank image in evaluation mode",
        "add a small number to the divisor: a blank image has a standard deviation of 0",
    )


def is_finite(subject: Subject) -> None:
    """Check that images of any level give finite numbers, in both modes."""
    pictures = torch.cat([subject.pictures(2), subject.harsh_pictures(2)])
    network = subject.network()
    for training in (False, True):
        network.train(training)
        _require_finite(
            answers(network, pictures),
            f"images of the darkest and brightest levels in {mode_name(network)}",
            "look for a logarithm, root, power or quotient of 0, negative or large numbers",
        )


def gives_logits(subject: Subject) -> None:
    """Check that the outputs are no probabilities: the loss applies its own softmax.

    Positive rows that sum to 1 come from a softmax. Outputs between 0 and 1 come from a sigmoid,
    or from chance. So the weights are changed at random until an output leaves that range; that of
    a sigmoid never does. Log-probabilities are valid logits: log-softmax does not change them.
    """
    network, pictures = subject.network(), subject.pictures(2)
    for training in (False, True):
        network.train(training)
        found = answers(network, pictures)
        if found.min() >= 0 and bool(((found.sum(1) - 1).abs() < 1e-4).all()):
            _not_logits(f"positive rows that sum to 1 in {mode_name(network)}", "softmax")
    if _stays_between_0_and_1(network.eval(), pictures):
        _not_logits("outputs between 0 and 1 for any weights", "sigmoid")


def ignores_neighbours(subject: Subject) -> None:
    """Check that an image's logits do not depend on the rest of its batch, in evaluation mode.

    All batches have the same size, so that the same kernels compute them. Layers that round to 8
    bits share one scale for the batch, so that their rounding depends on it.
    """
    network, pictures = subject.network(), subject.pictures(3)
    alone, again = answers(network, pictures), answers(network, pictures)
    if apart := _largest_difference(alone, again):
        raise CheckError(
            seen=f"logits that differ by {apart:.2g} for the same batch, run twice",
            expected="the same logits, in evaluation mode",
            change="use no random numbers there: `F.dropout(x, training=self.training)`",
        )
    others = answers(network, torch.cat([pictures[:1], subject.harsh_pictures(2)]))
    moved = answers(network, pictures.flip(0)).flip(0)
    coarse = _8_BITS * max(float(each.abs().max()) for each in (alone, others))
    least = coarse if rounds_to_8_bits(network) else 0.0
    apart = max(
        _largest_difference(alone[:1], others[:1], least),
        _largest_difference(alone, moved, least),
    )
    if apart:
        raise CheckError(
            seen=f"logits of an image that differ by {apart:.2g} if the rest of its batch changes",
            expected="the same logits, in evaluation mode",
            change="take no mean, maximum or norm over the batch axis (0) in evaluation mode",
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
        change=f"remove the {function} from `forward`: the loss has its own, and two of them "
        "nearly remove the gradient",
    )


def _stays_between_0_and_1(network: nn.Module, pictures: torch.Tensor) -> bool:
    """Return whether all outputs stay between 0 and 1 under random changes of the weights."""
    generator = torch.Generator().manual_seed(0)
    for push in range(_PUSHES):
        found = answers(network, pictures)
        if not bool(found.isfinite().all()):  # pushed too far, and never out of the range before
            break
        if not bool(((found >= 0) & (found <= 1)).all()):
            return False
        with torch.no_grad():
            for weights in network.parameters():
                if weights.is_floating_point():
                    noise = torch.randn(weights.shape, generator=generator)
                    weights.add_(noise * 0.02 * 2**push)
    return True


def _largest_difference(one: torch.Tensor, other: torch.Tensor, least: float = 0.0) -> float:
    """Return the largest difference; 0.0 if it is no more than `least`, or rounding explains it."""
    difference = float((one - other).abs().max())
    allowed = max(least, 1e-4 * max(float(one.abs().max()), 1e-6))
    return 0.0 if difference <= allowed else difference
