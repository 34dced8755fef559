"""The kit for authors: what any architecture must keep, as checks. Needs no torch until one runs.

`run_checks(architecture)` returns what each check found; `zoo check NAME` prints it. In a test::

    @parametrize_architectures("mynet")
    def test_mynet_keeps_its_promises(architecture, check):
        check(architecture)
"""

from registry.checks.kit import CHECKS, Check, Finding, run_checks, select_checks
from registry.checks.parametrize import parametrize_architectures

__all__ = ["CHECKS", "Check", "Finding", "parametrize_architectures", "run_checks", "select_checks"]
