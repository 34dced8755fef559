"""The plugin's earlier name, which an installation may still have."""

from zoo_bench_pytest import pytest_collectreport, pytest_generate_tests

__all__ = ["pytest_collectreport", "pytest_generate_tests"]
