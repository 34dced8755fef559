"""What an architecture promises, and where to find it. Needs no torch.

`registry.get("lenet")` returns the value, `registry.get("lenet").build(num_classes=2)` a network.
"""

from registry.architecture import Architecture, Contract, Deviation, Origin
from registry.catalog import Catalog, Entry
from registry.errors import ZooError

__all__ = [
    "Architecture",
    "Catalog",
    "Contract",
    "Deviation",
    "Entry",
    "Origin",
    "ZooError",
    "get",
    "names",
]


def get(name: str) -> Architecture:
    """Return the installed architecture `name`.

    Raises:
        RegistryError: there is none, it is claimed twice, or its plugin is broken.
    """
    architecture = Catalog.installed().get(name).architecture
    assert architecture is not None  # the catalog raises for a broken one
    return architecture


def names() -> tuple[str, ...]:
    """Return the names of all installed architectures, built-ins first."""
    return Catalog.installed().names()
