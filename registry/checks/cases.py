"""From what a decorated test asks for to pytest's parameters; needs pytest."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from registry.architecture import Architecture
from registry.catalog import Catalog
from registry.checks.check import Check
from registry.checks.kit import select_checks
from registry.checks.parametrize import Wanted, wanted_by
from registry.errors import CheckError, RegistryError


def parametrize(metafunc: pytest.Metafunc) -> None:
    """Give a decorated test one call for each architecture and check.

    Raises:
        pytest.Collector.CollectError: a name is unknown, or an architecture is broken.
    """
    wanted = wanted_by(metafunc.function)
    if wanted is None:
        return
    try:
        cases = list(_cases(wanted))
    except RegistryError as error:
        name = metafunc.definition.nodeid
        raise pytest.Collector.CollectError(f"{name}: {error}") from error
    metafunc.parametrize(("architecture", "check"), cases)


def _cases(wanted: Wanted) -> Iterator[object]:
    select_checks(tuple(wanted.expected_failures))  # an unknown name would never fail
    for name, architecture in _architectures(wanted):
        reasons = {each.check: each.reason for each in architecture.deviations}
        reasons |= wanted.expected_failures
        for check in select_checks(wanted.only):
            yield _case(name, architecture, check, reasons.get(check.name, ""))


def _architectures(wanted: Wanted) -> Iterator[tuple[str, Architecture]]:
    values = [each for each in wanted.architectures if isinstance(each, Architecture)]
    patterns = [each for each in wanted.architectures if isinstance(each, str)]
    yield from ((value.name, value) for value in values)
    if values and not patterns:
        return
    for entry in Catalog.installed().entries(patterns):
        yield entry.name, entry.value


def _case(name: str, architecture: Architecture, check: Check, reason: str) -> object:
    marks = [pytest.mark.xfail(reason=reason, strict=True, raises=CheckError)] if reason else []
    return pytest.param(architecture, check, marks=marks, id=f"{name}-{check.name}")
