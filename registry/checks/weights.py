"""Checks of a network's parameters: whether they learn, repeat, and can be saved."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import torch
from torch import nn
from torch.nn import functional as F

from registry.checks.subject import Subject, answers, require_logits
from registry.errors import CheckError, UncheckableError, format_error
from registry.parameters import quantised_layers, untrainable

_STEPS = 16  # usually one is enough; a block that is skipped at random takes more
_IMAGES = 8
# Learning rate of each step. Growing rates suit every network: VGG-11 learns in two steps at 3e-5
# and diverges at 3e-4, where LeNet-5 starts to learn.
_GROWING = tuple(min(3e-5 * 1.2**step, 3e-3) for step in range(80))
_STEADY = (1e-4,) * 60
_DROPOUTS = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout)


def trains_every_parameter(subject: Subject) -> None:
    """Check that a few steps of training give each parameter a finite gradient, not zero.

    Several steps, because a branch that starts at zero passes on a gradient only after the first,
    and a random layer may skip a step. Batch normalisation cancels the bias of the convolution
    before it, whose gradient is then rounding errors, or 0 over two values. Such a bias passes if
    it has a gradient with running means.
    """
    _require_trainable(subject)
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
    """Check that the same seed of torch, NumPy and Python gives the same weights."""
    one, other = subject.network().state_dict(), subject.built(0).state_dict()
    if one.keys() != other.keys():
        different = sorted(one.keys() ^ other.keys())
    else:
        different = [name for name in one if not _same(one[name], other[name])]
    if different:
        raise CheckError(
            seen=f"{_first_names(different)} differ between two networks of the same seed",
            expected="the same weights",
            change="use torch's, NumPy's or Python's global generator and never seed it; "
            "do not use the clock or `os.urandom`, or iterate over a `set`",
        )


def survives_a_round_trip(subject: Subject) -> None:
    """Check that a network of another seed gives the same logits with this one's state_dict."""
    network, other = subject.network(), subject.built(1).eval()
    state = network.state_dict()
    packed = tuple(f"{name}." for name in quantised_layers(network))  # of torch's own kind
    objects = [
        name
        for name, each in state.items()
        if not isinstance(each, torch.Tensor) and not name.startswith(packed)
    ]
    if objects:
        raise CheckError(
            seen=f"{_first_names(objects)} in the state_dict are not tensors",
            expected="only tensors: weights files hold nothing else",
            change="register numbers as buffers, and define no `get_extra_state`",
        )
    try:
        other.load_state_dict(state)
    except RuntimeError as error:
        raise CheckError(
            seen=format_error(error),
            expected="a state_dict that fits every network of this architecture",
            change="build the same layers for any seed, and after any other run",
        ) from error
    one, two = (answers(each, subject.pictures(2)) for each in (network, other))
    if not torch.allclose(one, two, rtol=1e-4, atol=1e-4 * float(one.abs().max())):
        raise CheckError(
            seen=f"logits that differ by {float((one - two).abs().max()):.2g} after the "
            "state_dict of one network is loaded into another",
            expected="the same logits, in evaluation mode",
            change="register the values that it uses: `self.register_buffer(name, tensor)`",
        )


def _require_trainable(subject: Subject) -> None:
    """Raise UncheckableError for a quantised network; CheckError if nothing is there to train."""
    network = subject.network()
    if not (reason := untrainable(network)):
        return
    if quantised_layers(network):
        raise UncheckableError(reason)
    raise CheckError(
        seen=reason,
        expected="parameters to train",
        change="register layers and parameters, and do not freeze all of them",
    )


def _differentiate(network: nn.Module, pictures: torch.Tensor) -> None:
    """Compute the gradients for two `pictures`, one of each class."""
    network.zero_grad()
    loss = F.cross_entropy(require_logits(network(pictures)), torch.arange(2))
    _backward(loss)


def _backward(loss: torch.Tensor) -> None:
    if not loss.requires_grad:
        raise CheckError(
            seen="logits without a gradient",
            expected="logits that every parameter can be trained by",
            change="remove `no_grad`, `inference_mode` or `detach` from `forward`",
        )
    loss.backward()  # type: ignore[no-untyped-call]


def _idle_without_batches(
    network: nn.Module, pictures: torch.Tensor, names: Iterable[str]
) -> list[str]:
    """Return the `names` without a gradient if batch normalisation uses running means."""
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
        change="use it or remove it, without `detach`, `no_grad` or `requires_grad_(False)`; "
        "make a tensor that is not trained a buffer",
    )


def _same(one: object, other: object) -> bool:
    """Return whether two values of a state_dict are equal; packed weights are unpacked."""
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        return torch.equal(_dense(one), _dense(other))
    if isinstance(one, tuple | list) and isinstance(other, tuple | list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, torch.ScriptObject) and isinstance(other, torch.ScriptObject):
        return _same(one.__getstate__(), other.__getstate__())
    return bool(one == other)


def _dense(tensor: torch.Tensor) -> torch.Tensor:
    tensor = tensor.dequantize() if tensor.is_quantized else tensor
    return tensor.nan_to_num() if tensor.layout is torch.strided else tensor.to_dense().nan_to_num()


def _first_names(names: Sequence[str], most: int = 3) -> str:
    """Return the first names and the number of others."""
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown


def learns_by_heart(subject: Subject) -> None:
    """Check that the network can memorise eight images of two classes.

    Adam tries a growing learning rate and then, from the same weights, a constant one. It ends when
    all eight are right: in evaluation mode, or in two consecutive steps of training mode, because
    running means of batch normalisation lag behind. Dropout is off, because it hinders memorising.
    """
    _require_trainable(subject)
    pictures = subject.pictures(_IMAGES)
    layout = _layout_of(subject.network(), pictures)
    pictures = pictures.contiguous(memory_format=layout)
    labels = torch.arange(_IMAGES) % 2
    most = 0
    for rates in (_GROWING, _STEADY):
        most = max(
            most,
            _count_learned(subject.network().to(memory_format=layout), pictures, labels, rates),
        )
        if most == _IMAGES:
            return
    raise CheckError(
        seen=f"at best {most} of {_IMAGES} images right, by Adam in {len(_GROWING)} steps at a "
        f"growing rate, and in {len(_STEADY)} at {_STEADY[0]:g}",
        expected=f"all {_IMAGES}",
        change="check that the logits depend on the images, that the gradient does not vanish "
        "(one softmax or sigmoid too many), and how weights are initialised",
    )


def _count_learned(
    network: nn.Module, pictures: torch.Tensor, labels: torch.Tensor, rates: Sequence[float]
) -> int:
    """Return how many images `network` gets right: all, or the most in any step."""
    optimizer = torch.optim.Adam(network.parameters(), lr=rates[0])
    most = before = 0
    for step, rate in enumerate(rates):
        logits = require_logits(_in_training(network)(pictures))
        loss, right = F.cross_entropy(logits, labels), _right(logits, labels)
        optimizer.zero_grad()
        _backward(loss)  # before `_knows`: a forward pass may change weights in place
        if right == before == _IMAGES or (step % 5 == 4 and _knows(network, pictures, labels)):
            return _IMAGES
        before, most = right, min(max(most, right), _IMAGES - 1)  # once may be chance
        if not math.isfinite(loss.item()):
            break
        optimizer.param_groups[0]["lr"] = rate
        optimizer.step()
    return most


def _layout_of(network: nn.Module, pictures: torch.Tensor) -> torch.memory_format:
    """Return channels last, which is faster, unless the network raises: `x.view` does."""
    try:
        network.train().to(memory_format=torch.channels_last)
        images = pictures.contiguous(memory_format=torch.channels_last)
        _backward(require_logits(network(images)).sum())
    except Exception:  # noqa: BLE001  (a network may raise anything)
        return torch.contiguous_format
    return torch.channels_last


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
