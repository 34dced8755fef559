"""The architectures of a library, named with a prefix and described when needed."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pkgutil import resolve_name
from typing import Any

from registry.architecture import Argument, Normalization, Origin
from registry.errors import BrokenPluginError, RegistryError, UnknownNameError, format_error


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """An `Architecture` without a contract; the fields are the same.

    Attributes:
        input_shape: (C, H, W) of one image.
    """

    constructor: str
    input_shape: tuple[int, int, int]
    arguments: tuple[tuple[str, Argument], ...] = ()
    normalization: Normalization | None = None
    weights: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """The networks of one library.

    Attributes:
        name: the prefix: `timm` in `timm:resnet18`.
        members: `module:function` that returns the names of all members.
        describe: `module:function` from a member's name to its `Described`, or None if unknown.
            It raises `UnsuitableError` for a member that cannot be compared.
        distribution: name of the distribution that provides the networks.
        source: the paper or page.
    """

    name: str
    members: str
    describe: str
    distribution: str
    source: str = ""

    @property
    def origin(self) -> Origin:
        """Return the distribution that provides the networks, with its version."""
        try:
            found = version(self.distribution)
        except PackageNotFoundError:
            found = ""
        return Origin(distribution=self.distribution, version=found)

    def names(self) -> tuple[str, ...]:
        """Return `family:member` for each member, sorted. This may import the library.

        Raises:
            BrokenPluginError: the library cannot be imported.
        """
        return tuple(f"{self.name}:{member}" for member in sorted(self._called(self.members)))

    def described(self, member: str) -> Described:
        """Return the description of `member`.

        Raises:
            UnknownNameError: the name is unknown.
            UnsuitableError: the member cannot be compared.
            BrokenPluginError: the family's library fails.
        """
        found = self._called(self.describe, member)
        if found is None:
            name, listing = f"{self.name}:{member}", f"zoo list --family {self.name}"
            raise UnknownNameError("architecture", name, self.names(), listing)
        if not isinstance(found, Described):
            raise BrokenPluginError(
                f"{self.describe} returned a {type(found).__name__}, not a registry.Described"
            )
        return found

    def _called(self, path: str, *arguments: str) -> Any:
        try:
            with redirect_stdout(sys.stderr):  # stdout belongs to tables and JSON
                return resolve_name(path)(*arguments)
        except (KeyboardInterrupt, RegistryError):
            raise
        except BaseException as error:  # a library may raise even SystemExit
            raise BrokenPluginError(
                f"the family {self.name!r} is broken: {format_error(error)}"
            ) from error
