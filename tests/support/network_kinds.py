"""Networks of unusual kinds: an honest one of each, and one that lies as only its kind can."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import weight_norm

from registry import Architecture, Contract

_INPUT = (3, 8, 8)
SIZE = 112 + 130  # of a convolution and a linear layer


class Plain(nn.Module):
    """A convolution and a linear layer."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, kernel_size=3, padding=1)
        self.fc = nn.Linear(64, num_classes)

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """Return features (N, 64) of images (N, 3, 8, 8)."""
        return F.avg_pool2d(F.relu(self.conv(images)), 2).flatten(1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits (N, K)."""
        return self.fc(self.features(images))


class Wider(Plain):
    """Gives one logit more in training mode."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits (N, K), or (N, K + 1)."""
        logits = self.fc(self.features(images))
        return torch.cat([logits, logits[:, :1]], 1) if self.training else logits


class Dropping(Plain):
    """Drops features, in training mode or always."""

    def __init__(self, num_classes: int, *, always: bool = False) -> None:
        super().__init__(num_classes)
        self.always = always

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits (N, K)."""
        return self.fc(F.dropout(self.features(images), 0.5, self.training or self.always))


class Two(Plain):
    """Takes two images, no more and no less."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits (2, K)."""
        return self.fc(self.features(images).view(2, 64))


class Lazy(nn.Module):
    """Learns from its first input how wide it is."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.conv = nn.LazyConv2d(4, kernel_size=3, padding=1)
        self.fc = nn.LazyLinear(num_classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits (N, K)."""
        return self.fc(F.avg_pool2d(F.relu(self.conv(images)), 2).flatten(1))


class LazyTwice(Lazy):
    """Gives another shape from the third call on: the first gives it sizes, the second a count."""

    calls = 0

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits (N, K), or (N, K - 1)."""
        self.calls += 1
        return super().forward(images)[:, : None if self.calls < 3 else -1]


class Later(Plain):
    """Makes its last layer when it is called, after any optimiser was made."""

    def __init__(self, num_classes: int) -> None:
        super().__init__(num_classes)
        self.classes = num_classes
        del self.fc

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits (N, K)."""
        if not hasattr(self, "fc"):
            self.fc = nn.Linear(64, self.classes, device=images.device)
        return super().forward(images)


class Dropper(Plain):
    """Drops a parameter when it is first trained."""

    def __init__(self, num_classes: int) -> None:
        super().__init__(num_classes)
        self.spare = nn.Parameter(torch.zeros(1))
        self.steps = 0

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits (N, K)."""
        self.steps += self.training and images.device.type != "meta"
        if self.steps == 1:
            self.spare = None
        return super().forward(images) + (0 if self.spare is None else self.spare)


class Freezing(Plain):
    """Freezes a layer when it is trained."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits (N, K)."""
        if self.training:
            self.conv.requires_grad_(False)
        return super().forward(images)


class Frozen(Plain):
    """Has nothing that can be trained."""

    def __init__(self, num_classes: int) -> None:
        super().__init__(num_classes)
        self.requires_grad_(False)


class Hidden(Plain):
    """Keeps a layer in a list, where nobody counts, trains or stores it."""

    only_in_training = False

    def __init__(self, num_classes: int) -> None:
        super().__init__(num_classes)
        self.blocks = [[nn.Linear(64, 64)]]

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """Return features (N, 64), with those of the layer that is hidden."""
        found = super().features(images)
        return found if self.only_in_training and not self.training else self.blocks[0][0](found)


class HiddenInTraining(Hidden):
    """Uses its hidden layer in training mode alone."""

    only_in_training = True


class Listed(Plain):
    """Lists layers that are registered, and one that it does not use: that is honest."""

    def __init__(self, num_classes: int) -> None:
        super().__init__(num_classes)
        self.layers = [self.conv, self.fc]
        self.teacher = [nn.Linear(64, 64)]


class Sparse(Plain):
    """Has a sparse parameter."""

    def __init__(self, num_classes: int) -> None:
        super().__init__(num_classes)
        self.mix = nn.Parameter(torch.eye(64).to_sparse())


class Tied(Plain):
    """Has a weight twice."""

    def __init__(self, num_classes: int) -> None:
        super().__init__(num_classes)
        self.one, self.two = nn.Linear(64, 64, bias=False), nn.Linear(64, 64, bias=False)
        self.two.weight = self.one.weight

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """Return features (N, 64)."""
        return self.two(F.relu(self.one(super().features(images))))


class Sociable(Plain):
    """Subtracts the batch's mean."""

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """Return features (N, 64)."""
        found = super().features(images)
        return found - found.mean(0, keepdim=True)


class Forgetful(Plain):
    """Computes with a tensor that its state_dict does not hold."""

    def __init__(self, num_classes: int) -> None:
        super().__init__(num_classes)
        self.scale = torch.rand(64)

    def features(self, images: torch.Tensor) -> torch.Tensor:
        """Return features (N, 64)."""
        return super().features(images) * self.scale


def _quiet(make):
    def build(num_classes: int) -> nn.Module:
        with warnings.catch_warnings(action="ignore"), torch.device("cpu"):
            return make(num_classes)

    return build


def _traced(make, training: bool = False):
    def build(num_classes: int) -> nn.Module:
        images = torch.zeros(2, *_INPUT)
        return torch.jit.trace(make(num_classes).train(training), images, check_trace=False)

    return _quiet(build)


def _quantised(make):
    return _quiet(lambda k: torch.ao.quantization.quantize_dynamic(make(k), {nn.Linear}))


def _idle_graph(num_classes: int) -> nn.Module:
    """Return a graph that has forgotten a node, and still holds its layer."""
    graph = torch.fx.symbolic_trace(Tied(num_classes))
    (two,) = [node for node in graph.graph.nodes if node.target == "two"]
    graph.two = nn.Linear(64, 64, bias=False)
    two.replace_all_uses_with(two.args[0])
    graph.graph.erase_node(two)
    graph.recompile()
    return graph


def _normed(num_classes: int) -> nn.Module:
    network = Plain(num_classes)
    weight_norm(network.conv)
    return network


def _in_parallel(num_classes: int) -> nn.Module:
    return nn.DataParallel(Plain(num_classes))


def _empty(num_classes: int) -> nn.Module:
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.ZeroPad1d((0, num_classes - 3)))


scripted = _quiet(lambda k: torch.jit.script(Dropping(k)))
scripted_wider = _quiet(lambda k: torch.jit.script(Wider(k)))
scripted_always = _quiet(lambda k: torch.jit.script(Dropping(k, always=True)))
traced, traced_two = _traced(Plain), _traced(Two)
traced_in_training = _traced(Dropping, training=True)
quantised, quantised_sociable = _quantised(Plain), _quantised(Sociable)
quantised_forgetful = _quantised(Forgetful)
graph, graph_idle = _quiet(lambda k: torch.fx.symbolic_trace(Plain(k))), _idle_graph
normed, parallel, empty = _normed, _in_parallel, _empty

TIED = SIZE + 64 * 64
_SIZES = {"Tied": TIED, "graph_idle": TIED + 64 * 64, "normed": SIZE + 4, "empty": 0}
_SIZES |= {"Sparse": TIED, "Dropper": SIZE + 1}
HONEST = ("scripted", "traced", "graph", "parallel", "Lazy", "Tied", "normed", "Listed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lie:
    """What a network of this kind breaks, and what a message says of it.

    Attributes:
        kind: name of the network.
        check: name of the check that finds it.
        seen: what was seen, as a regular expression.
        promised: number of parameters that it promises; None: what it has.
    """

    kind: str
    check: str
    seen: str
    promised: int | None = None


LIES = (
    Lie(kind="scripted_wider", check="shapes", seen=r"\(1, 3\) for 1 image in training mode"),
    Lie(kind="scripted_always", check="neighbours", seen="for the same batch, run twice"),
    Lie(kind="traced_two", check="shapes", seen="RuntimeError.* for 1 image in evaluation mode"),
    Lie(kind="traced_in_training", check="neighbours", seen="for the same batch, run twice"),
    Lie(kind="Lazy", check="contract", seen="242 parameters, promised 0", promised=0),
    Lie(kind="LazyTwice", check="shapes", seen=r"\(2, 1\) for 2 images"),
    Lie(
        kind="Later",
        check="contract",
        seen="changes its parameters, 112 before and 242 after .'fc.weight' is new.: make all",
    ),
    Lie(kind="Freezing", check="shapes", seen="a call changes its parameters.* is frozen"),
    Lie(kind="Frozen", check="gradients", seen="all its parameters are frozen"),
    Lie(kind="empty", check="learns", seen="it has no parameters"),
    Lie(kind="quantised", check="contract", seen="242 parameters, promised 112", promised=112),
    Lie(kind="quantised", check="contract", seen="242 parameters, promised 0", promised=0),
    Lie(kind="quantised_sociable", check="neighbours", seen="if the rest of its batch changes"),
    Lie(kind="quantised_forgetful", check="state", seen="logits that differ by"),
    Lie(kind="graph_idle", check="gradients", seen="two.weight get no gradient"),
    Lie(kind="Tied", check="contract", seen="promised 8,434", promised=TIED + 64 * 64),
    Lie(kind="normed", check="contract", seen="246 parameters, promised 242", promised=SIZE),
    Lie(kind="parallel", check="contract", seen="242 parameters, promised 484", promised=484),
    Lie(kind="Hidden", check="contract", seen=r"its blocks\[0\]\[0\] is in no nn.* uses 4,160 par"),
    Lie(kind="HiddenInTraining", check="shapes", seen=r"its blocks\[0\]\[0\] is in no nn.Module"),
    Lie(kind="Sparse", check="contract", seen="'mix' is sparse_coo, not dense"),
)


def architecture(kind: str, promised: int | None = None) -> Architecture:
    """Return the architecture of the network `kind`; it promises what it has, or `promised`."""
    size = _SIZES.get(kind, SIZE) if promised is None else promised
    return Architecture(
        name=kind.lower(),
        constructor=f"{__name__}:{kind}",
        contract=Contract(input_shape=_INPUT, output_shape=(2,), parameters=size),
    )
