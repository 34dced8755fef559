"""What an architecture promises, as values that need no torch."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, Literal

from registry.author_advice import advice_on_call, home_of, place_in
from registry.errors import ConstructionError, UnsuitableError, format_error
from registry.process_settings import kept_surroundings

if TYPE_CHECKING:
    from torch import nn

Argument = str | int | float | bool | None  # the types that JSON has, too
_NAME = re.compile(r"[a-z][a-z0-9_]*|[^:]+:[\w.-]+(\(.*\))?", re.DOTALL)
_BY_FILE = ("registry.from_file:build",)  # whose argument `path` is the author's file
_CONSTRUCTOR = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """Input shape, output shape and size of a network; they hold only together.

    Attributes:
        input_shape: (C, H, W) of one image.
        output_shape: (K,) of one image's logits, K being the number of classes.
        parameters: number of parameters for K classes, frozen ones included.
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
        """Return K, the number of classes of the contract."""
        return self.output_shape[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Normalization:
    """How each channel is normalised: (level - mean) / std, with levels from 0 to 1.

    Attributes:
        mean: (C,) mean of each channel.
        std: (C,) standard deviation of each channel.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.mean) != len(self.std) or not self.mean or min(self.std) <= 0:
            raise ValueError(
                "mean and std need one number for each channel, and std must be above 0, not "
                f"{self.mean} and {self.std}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """A check of `registry.checks` that an architecture fails on purpose; passing it is a failure.

    Attributes:
        check: name of the check.
        reason: why the architecture fails it.
    """

    check: str
    reason: str

    def __post_init__(self) -> None:
        if not self.reason.strip():
            raise ValueError(f"a deviation from {self.check!r} needs a reason")


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """A named network with its contract.

    Attributes:
        name: lower-case letters, digits and `_`, starting with a letter; `family:member` for a
            network of a family, `file.py:Class` for one from a file.
        constructor: `module:object`. It is called with `num_classes=K` and returns a
            `torch.nn.Module` from images (N, C, H, W) to logits (N, K). Imported when called.
        contract: the shapes and the size, checked before the first epoch.
        source: the paper or page, and how the network differs from it.
        arguments: further arguments of the constructor.
        normalization: normalization of the images; default: ImageNet's, or its grey value.
        contract_by: origin of the contract: the network's `author`; the user, who has `frozen`
            it; or `measured`, which promises nothing.
        weights: name of the trained weights that the constructor loads with
            `pretrained=True`; empty if there are none.
        deviations: checks that the network fails on purpose, each with its reason.
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
                f"normalization must have {channels} channels, like input_shape, not "
                f"{len(self.normalization.mean)}"
            )
        if not _CONSTRUCTOR.fullmatch(self.constructor):
            raise ValueError(f"constructor must be 'module:object', not {self.constructor!r}")

    @property
    def untrained(self) -> Architecture:
        """Return the architecture without its trained weights."""
        kept = tuple(each for each in self.arguments if each[0] not in ("pretrained", "frozen"))
        return replace(self, arguments=kept)

    def pretrained(self, *, frozen: bool = False) -> Architecture:
        """Return it with its trained weights; with `frozen`, training changes only the head.

        Raises:
            UnsuitableError: it has no trained weights.
        """
        if not self.weights:
            raise UnsuitableError(
                f"{self.name} has no trained weights: leave out --pretrained, or choose a network "
                "of a family, such as timm:resnet18"
            )
        trained = (("pretrained", True), *((("frozen", True),) if frozen else ()))
        return replace(self, arguments=(*self.untrained.arguments, *trained))

    def load(self) -> Callable[..., Any]:
        """Return the constructor; its module is imported.

        What the import changes around the network is undone: folder, descriptors, signal handlers.

        Raises:
            ConstructionError: the module cannot be imported, or has no such callable.
        """
        if self.constructor.partition(":")[0] in sys.modules:
            return self.load_unguarded()
        changes: list[str] = []
        try:
            with kept_surroundings() as changes:
                return self.load_unguarded()
        finally:
            if changes:
                said = f"changed its process at import, which is undone: {'; '.join(changes)}"
                sys.stderr.write(f"zoo: {self.name}: the constructor {self.constructor} {said}\n")

    def load_unguarded(self) -> Callable[..., Any]:
        """Return the same as `load`, but undo nothing that its import changes."""
        try:
            with redirect_stdout(sys.stderr):  # stdout belongs to tables and JSON
                found: object = resolve_name(self.constructor)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a plugin may raise even SystemExit
            raise self._failure(f"could not be imported: {format_error(error)}") from error
        if not callable(found):
            raise self._failure(f"is a {type(found).__name__}, not callable")
        return found

    def build(self, num_classes: int) -> nn.Module:
        """Return a new network for `num_classes` classes, initialised from torch's random state.

        Lazy layers have their sizes already, from one call on black images.

        Raises:
            ConstructionError: the constructor fails, or returns no network.
        """
        from torch import nn

        found, arguments = self.load(), dict(self.arguments)
        try:
            with redirect_stdout(sys.stderr):
                network = found(num_classes=num_classes, **arguments)
        except ConstructionError:
            raise
        except (Exception, SystemExit) as error:
            failed = f"failed with num_classes={num_classes}: {format_error(error)}"
            advice = advice_on_call(found, arguments, error)
            raise self._failure(f"{failed}{self.place_of(error)}{advice}") from error
        if not isinstance(network, nn.Module):
            raise self._failure(f"returned a {type(network).__name__}, not a torch.nn.Module")
        self._give_shapes(network)
        return network

    def _give_shapes(self, network: nn.Module) -> None:
        """Give lazy layers their sizes, by one call on images of the contract's shape."""
        from registry.parameters import give_shapes, is_unshaped

        if not is_unshaped(network):
            return
        shape = self.contract.input_shape
        try:
            with redirect_stdout(sys.stderr):
                give_shapes(network, shape)
        except (Exception, SystemExit) as error:
            failed = f"has lazy layers that images of {shape} give no sizes: {format_error(error)}"
            raise self._failure(failed) from error

    def place_of(self, error: BaseException) -> str:
        """Return the last line of the author that led to `error`, ` (net.py:12, in f)`, or ""."""
        of_file = dict(self.arguments).get("path") if self.constructor in _BY_FILE else None
        home = Path(str(of_file)).parent if of_file else home_of(self.constructor)
        return place_in(home, error) if home else ""

    def _failure(self, what: str) -> ConstructionError:
        return ConstructionError(f"{self.name}: the constructor {self.constructor} {what}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The installed distribution that provides an architecture.

    Attributes:
        distribution: its normalised name.
        version: its version; "" if unknown.
        editable: whether it is an editable installation.
    """

    distribution: str
    version: str
    editable: bool = False

    def __str__(self) -> str:
        parts = (self.distribution, self.version, "(editable)" if self.editable else "")
        return " ".join(part for part in parts if part)
