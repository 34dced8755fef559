"""Checks of a network's parameters: whether they learn, repeat, and can be kept."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import torch
from torch import nn
from torch.nn import functional as F

from registry.checks.subject import Subject, answers, require_logits
from registry.errors import CheckError, format_error

_STEPS = 4
_IMAGES = 8
# Learning rates step by step. Growing ones meet every network's own: VGG-11 has learned after two
# steps at 3e-5, and is thrown off by 3e-4, with which LeNet-5 begins to learn.
_GROWING = tuple(min(3e-5 * 1.2**step, 3e-3) for step in range(80))
_STEADY = (1e-4,) * 60
_DROPOUTS = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout)


def trains_every_parameter(subject: Subject) -> None:
    """Check that a few steps of training give each parameter a gradient that is finite, not zero.

    Several steps, because a branch that begins at zero passes a gradient on only after the first,
    and because a layer may be left out of a step by chance. A bias that batch normalisation takes
    away again, as behind many a convolution, has a gradient of rounding errors; over two values
    there may be not even these, and it is enough that it has one where running means are used.
    """
    network = subject.network().train()
    waiting = dict(network.named_parameters())
    frozen = [name for name, each in waiting.items() if not each.requires_grad]
    if frozen:
        raise _idle(frozen, "are frozen (requires_grad is False)")
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01)
    for step in range(_STEPS):
        _differentiate(network, subject.pictures(2, seed=step))
        _require_finite(network)
        waiting = {name: each for name, each in waiting.items() if not _has_gradient(each)}
        if not waiting:
            return
        optimizer.step()
    unused = [name for name, each in waiting.items() if each.grad is None]
    if unused:
        raise _idle(unused, "get no gradient: the logits do not depend on them")
    idle = _idle_without_batches(network, subject.pictures(2), waiting)
    if idle:
        raise _idle(idle, f"have a gradient of exactly 0 in {_STEPS} steps")


def repeats_its_weights(subject: Subject) -> None:
    """Check that the same seed gives the same weights, of torch, NumPy and Python alike."""
    one, other = subject.network().state_dict(), subject.built(0).state_dict()
    if one.keys() != other.keys():
        different = sorted(one.keys() ^ other.keys())
    else:
        different = [name for name in one if not _same(one[name], other[name])]
    if different:
        raise CheckError(
            seen=f"{_first_names(different)} differ between two networks of one seed",
            expected="the same weights",
            change="draw from torch's, NumPy's or Python's global generator and seed nothing "
            "yourself; read neither the clock nor `os.urandom`, and iterate over no `set`",
        )


def survives_a_round_trip(subject: Subject) -> None:
    """Check that a network built after another seed answers alike, given this one's state_dict."""
    network, other = subject.network(), subject.built(1).eval()
    state = network.state_dict()
    objects = [name for name, each in state.items() if not isinstance(each, torch.Tensor)]
    if objects:
        raise CheckError(
            seen=f"{_first_names(objects)} in the state_dict are no tensors",
            expected="tensors alone: weights files hold nothing else",
            change="register numbers as buffers, and define no `get_extra_state`",
        )
    try:
        other.load_state_dict(state)
    except RuntimeError as error:
        raise CheckError(
            seen=format_error(error),
            expected="a state_dict that fits every network of this architecture",
            change="build the same layers whatever the seed and whatever was run before",
        ) from error
    one, two = (answers(each, subject.pictures(2)) for each in (network, other))
    if not torch.allclose(one, two, rtol=1e-4, atol=1e-4 * float(one.abs().max())):
        raise CheckError(
            seen=f"logits {float((one - two).abs().max()):.2g} apart after the state_dict of one "
            "network was loaded into another",
            expected="the same logits, in evaluation mode",
            change="register what it computes with: `self.register_buffer(name, tensor)`",
        )


def _differentiate(network: nn.Module, pictures: torch.Tensor) -> None:
    """Give each parameter its gradient for two `pictures`, one of each class."""
    network.zero_grad()
    loss = F.cross_entropy(require_logits(network(pictures)), torch.arange(2))
    loss.backward()  # type: ignore[no-untyped-call]


def _idle_without_batches(
    network: nn.Module, pictures: torch.Tensor, names: Iterable[str]
) -> list[str]:
    """Return those of `names` without a gradient when batch normalisation uses running means."""
    for layer in network.modules():
        if isinstance(layer, nn.modules.batchnorm._BatchNorm):
            layer.eval()
    _differentiate(network, pictures)
    parameters = dict(network.named_parameters())
    return [name for name in names if not _has_gradient(parameters[name])]


def _has_gradient(parameter: nn.Parameter) -> bool:
    return parameter.grad is not None and bool(parameter.grad.any())


def _require_finite(network: nn.Module) -> None:
    bad = [
        name
        for name, each in network.named_parameters()
        if each.grad is not None and not bool(each.grad.isfinite().all())
    ]
    if bad:
        raise CheckError(
            seen=f"{_first_names(bad)} get a gradient that is not finite",
            expected="finite gradients",
            change="look for a root, norm or quotient at 0, and for numbers that overflow",
        )


def _idle(names: Sequence[str], what: str) -> CheckError:
    return CheckError(
        seen=f"{_first_names(names)} {what}",
        expected="a gradient for every parameter",
        change="use it or remove it; no `detach`, no `no_grad`, no `requires_grad_(False)`; "
        "what is not to be trained is a buffer",
    )


def _same(one: object, other: object) -> bool:
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        return torch.equal(one.nan_to_num(), other.nan_to_num())
    return one == other


def _first_names(names: Sequence[str], most: int = 3) -> str:
    """Return the first names, and how many more there are."""
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown


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
