"""The pytest plugin: gives tests what `registry.checks.parametrize_architectures` asks for.

pytest imports this module in every environment that has the package, so it imports nothing, and
does nothing for a test that was not decorated: no option, no marker, no fixture, no output.
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
