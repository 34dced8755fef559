"""What an architecture promises, as values that need no torch."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, Literal

from registry.errors import ConstructionError, UnsuitableError, format_error

if TYPE_CHECKING:
    from torch import nn

Argument = str | int | float | bool | None  # what JSON has as well
_NAME = re.compile(r"[a-z][a-z0-9_]*|[^\s:]+:[\w.-]+")
_CONSTRUCTOR = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """What a network takes, gives and weighs; the three mean something only together.

    Attributes:
        input_shape: (C, H, W) of one image.
        output_shape: (K,) of one image's logits, K being the number of classes.
        parameters: how many numbers are trained or could be, at those K classes.
    """

    input_shape: tuple[int, int, int]
    output_shape: tuple[int, ...]
    parameters: int

    def __post_init__(self) -> None:
        if len(self.input_shape) != 3 or min(self.input_shape) < 1:
            raise ValueError(f"input_shape must be (C, H, W), each above 0, not {self.input_shape}")
        if len(self.output_shape) != 1 or self.output_shape[0] < 1:
            raise ValueError(f"output_shape must be (K,), K above 0, not {self.output_shape}")
        if self.parameters < 0:
            raise ValueError(f"parameters must not be negative, but is {self.parameters}")

    @property
    def num_classes(self) -> int:
        """K, the number of classes that the promise is about."""
        return self.output_shape[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Normalization:
    """What a channel's levels, scaled to 0..1, lose, and are divided by then: (C,) each."""

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.mean) != len(self.std) or not self.mean or min(self.std) <= 0:
            raise ValueError(
                "mean and std must have one number a channel, those of std above 0, not "
                f"{self.mean} and {self.std}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """A check of `registry.checks` that an architecture is meant to fail, by name, and why.

    If it keeps the promise all the same, that is a failure.
    """

    check: str
    reason: str

    def __post_init__(self) -> None:
        if not self.reason.strip():
            raise ValueError(f"a deviation from {self.check!r} must say its reason")


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """A named network with its promise.

    Attributes:
        name: lower-case letters, digits and `_`, a letter first; a family's member is
            `family:member`, a network from a file `file.py:Class`.
        constructor: `module:object`, called with `num_classes=K` to give a `torch.nn.Module`
            that maps images (N, C, H, W) to logits (N, K). Imported only when it is called.
        contract: what is checked before the first epoch.
        source: the paper or page, and how the network departs from it.
        arguments: what the constructor is called with besides.
        normalization: of the images; by default ImageNet's, or its grey for one channel.
        contract_by: who has said it: the network's `author`; the user, who has it `frozen`; or
            nobody, so that it was `measured` and promises nothing.
        weights: the name of the trained weights that the constructor loads with
            `pretrained=True`; empty where there are none.
        deviations: what `zoo check` is to expect it to break, each with its reason.
    """

    name: str
    constructor: str
    contract: Contract
    source: str = ""
    arguments: tuple[tuple[str, Argument], ...] = ()
    normalization: Normalization | None = None
    contract_by: Literal["author", "frozen", "measured"] = "author"
    weights: str = ""
    deviations: tuple[Deviation, ...] = ()

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"name must be like 'lenet5' or 'my_net', not {self.name!r}")
        channels = self.contract.input_shape[0]
        if self.normalization is not None and len(self.normalization.mean) != channels:
            raise ValueError(
                f"normalization must have {channels} channels, as input_shape, not "
                f"{len(self.normalization.mean)}"
            )
        if not _CONSTRUCTOR.fullmatch(self.constructor):
            raise ValueError(f"constructor must be 'module:object', not {self.constructor!r}")

    @property
    def untrained(self) -> Architecture:
        """The same without its trained weights."""
        kept = tuple(each for each in self.arguments if each[0] not in ("pretrained", "frozen"))
        return replace(self, arguments=kept)

    def pretrained(self, *, frozen: bool = False) -> Architecture:
        """Return the same with its trained weights, all but the head `frozen` if that is asked for.

        Raises:
            UnsuitableError: it has none.
        """
        if not self.weights:
            raise UnsuitableError(
                f"{self.name} has no trained weights: leave --pretrained out, or name a network "
                "of a family, such as timm:resnet18"
            )
        trained = (("pretrained", True), *((("frozen", True),) if frozen else ()))
        return replace(self, arguments=(*self.untrained.arguments, *trained))

    def load(self) -> Callable[..., Any]:
        """Return the constructor, its module imported.

        Raises:
            ConstructionError: the module can't be imported, or has no such callable.
        """
        try:
            with redirect_stdout(sys.stderr):  # stdout belongs to tables and JSON
                found: object = resolve_name(self.constructor)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a plugin may raise even SystemExit
            raise self._failure(f"could not be imported: {format_error(error)}") from error
        if not callable(found):
            raise self._failure(f"is a {type(found).__name__}, not something to call")
        return found

    def build(self, num_classes: int) -> nn.Module:
        """Return a new network for `num_classes` classes, initialised by torch's random state.

        Raises:
            ConstructionError: the constructor fails, or gives something that is no network.
        """
        from torch import nn

        try:
            with redirect_stdout(sys.stderr):
                network = self.load()(num_classes=num_classes, **dict(self.arguments))
        except ConstructionError:
            raise
        except (Exception, SystemExit) as error:
            failed = f"failed with num_classes={num_classes}: {format_error(error)}"
            raise self._failure(failed) from error
        if not isinstance(network, nn.Module):
            raise self._failure(f"gave a {type(network).__name__}, not a torch.nn.Module")
        return network

    def _failure(self, what: str) -> ConstructionError:
        return ConstructionError(f"{self.name}: the constructor {self.constructor} {what}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The installed distribution that an architecture came with."""

    distribution: str
    version: str
    editable: bool = False

    def __str__(self) -> str:
        parts = (self.distribution, self.version, "(editable)" if self.editable else "")
        return " ".join(part for part in parts if part)
