"""What an architecture promises, and where to find it. Needs no torch.

`registry.get("lenet")` returns the value, `registry.get("lenet").build(num_classes=2)` a network.
"""

from typing import TYPE_CHECKING, Any

from registry.api import API
from registry.architecture import (
    Architecture,
    Argument,
    Contract,
    Deviation,
    Normalization,
    Origin,
)
from registry.catalog import Catalog
from registry.claims import Entry
from registry.errors import UnsuitableError, ZooError
from registry.family import Described, Family

if TYPE_CHECKING:
    from registry.checks.parametrize import parametrize_architectures

__all__ = [
    "API",
    "Architecture",
    "Argument",
    "Catalog",
    "Contract",
    "Described",
    "Deviation",
    "Entry",
    "Family",
    "Normalization",
    "Origin",
    "UnsuitableError",
    "ZooError",
    "get",
    "names",
    "parametrize_architectures",
]


def __getattr__(name: str) -> Any:
    """Return `parametrize_architectures`, whose modules only an author's tests need."""
    if name != "parametrize_architectures":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from registry.checks.parametrize import parametrize_architectures

    return parametrize_architectures


def get(name: str) -> Architecture:
    """Return the installed architecture `name`.

    Args:
        name: the name as `zoo list` prints it, `family:member`, or `file.py:Class`.

    Raises:
        RegistryError: the name is unknown or claimed twice, or its plugin is broken.
    """
    return Catalog.installed().get(name).value


def names() -> tuple[str, ...]:
    """Return the names of all installed architectures, built-ins first."""
    return Catalog.installed().names()
