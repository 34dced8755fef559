"""The pytest plugin behind `registry.checks.parametrize_architectures`.

pytest imports this module wherever the package is installed. So it imports nothing, and leaves
other tests alone: no option, no marker, no fixture, no output.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a decorated test its architectures and checks."""
    if hasattr(metafunc.function, "_zoo_architectures"):
        from registry.checks.parametrize import parametrize

        parametrize(metafunc)
