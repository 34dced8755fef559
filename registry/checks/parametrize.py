"""The checks in an author's own tests: one test for each architecture and check."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from registry.architecture import Architecture
from registry.catalog import Catalog
from registry.checks.kit import select_checks
from registry.errors import CheckError, RegistryError

if TYPE_CHECKING:
    import pytest

T = TypeVar("T", bound=Callable[..., object])


def parametrize_architectures(
    *architectures: str | Architecture,
    only: Sequence[str] = (),
    expected_failures: Mapping[str, str] | None = None,
) -> Callable[[T], T]:
    """Return a decorator that gives a test `architecture` and `check`, one test for each pair.

    This package's pytest plugin looks the names up when pytest collects the test. An unknown name
    or check is a collection error.

    Args:
        architectures: names and patterns as for `zoo list` (`mynet`, `vgg*`, `!vgg19`), or values.
        only: names of checks; all checks if empty.
        expected_failures: reasons by name of check, for promises that all these architectures
            break on purpose. They are strict: a kept promise is a failure.
    """
    wanted = partial(_cases, architectures, tuple(only), dict(expected_failures or {}))

    def decorate(test: T) -> T:
        setattr(test, "_zoo_architectures", wanted)  # noqa: B010  (a function has no such field)
        return test

    return decorate


def parametrize(metafunc: pytest.Metafunc) -> None:
    """Give a decorated test a call for each architecture and check, or raise CollectError."""
    import pytest

    wanted = metafunc.function._zoo_architectures
    if not isinstance(wanted, partial):
        return
    try:
        cases = list(wanted())
    except RegistryError as error:
        name = metafunc.definition.nodeid
        raise pytest.Collector.CollectError(f"{name}: {error}") from error
    metafunc.parametrize(("architecture", "check"), cases)


def _cases(
    asked: Sequence[str | Architecture], only: Sequence[str], expected: dict[str, str]
) -> Iterator[object]:
    import pytest

    select_checks(tuple(expected))  # an unknown name would never fail
    for name, architecture in _architectures(asked):
        reasons = {each.check: each.reason for each in architecture.deviations} | expected
        for check in select_checks(only):
            reason = reasons.get(check.name, "")
            strict = pytest.mark.xfail(reason=reason, strict=True, raises=CheckError)
            marks = [strict] if reason else []
            yield pytest.param(architecture, check, marks=marks, id=f"{name}-{check.name}")


def _architectures(asked: Sequence[str | Architecture]) -> Iterator[tuple[str, Architecture]]:
    values = [each for each in asked if isinstance(each, Architecture)]
    patterns = [each for each in asked if isinstance(each, str)]
    yield from ((value.name, value) for value in values)
    if values and not patterns:
        return
    for entry in Catalog.installed().entries(patterns):
        yield entry.name, entry.value
