"""The pytest plugin behind `registry.checks.parametrize_architectures`.

pytest imports this module wherever the package is installed. So its name is unlike anybody's, it
imports nothing of ours before a test needs it, and it leaves other tests alone: no option, no
marker, no fixture, no output.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

_OURS = ("'registry.checks'", "'parametrize_architectures'")  # as an ImportError names them


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a decorated test its architectures and checks."""
    if isinstance(getattr(metafunc.function, "_zoo_architectures", None), partial):
        from registry.checks.parametrize import parametrize

        parametrize(metafunc)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """Say which module hides ours, where a test file cannot import ours."""
    if not report.failed or not any(name in report.longreprtext for name in _OURS):
        return
    from zoo_bench_start import hidden_rooms

    report.sections += [("zoo-bench", f"{line}\n") for line in hidden_rooms()]
