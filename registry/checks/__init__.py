"""Checks that any architecture must pass, for authors. torch is imported when a check runs.

`run_checks(architecture)` returns the findings; `zoo check NAME` prints them. In a test::

    @parametrize_architectures("mynet")
    def test_mynet_keeps_its_promises(architecture, check):
        check(architecture)
"""

from registry.checks.kit import CHECKS, Check, Finding, run_checks, select_checks
from registry.checks.parametrize import parametrize_architectures

__all__ = ["CHECKS", "Check", "Finding", "parametrize_architectures", "run_checks", "select_checks"]
