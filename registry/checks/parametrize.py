"""The kit in an author's own tests: one test for each architecture and check."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from registry.architecture import Architecture

T = TypeVar("T", bound=Callable[..., object])
_WANTED = "_zoo_architectures"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a test is to be given: architectures by name, pattern or value, and which checks."""

    architectures: tuple[str | Architecture, ...]
    only: tuple[str, ...] = ()
    expected_failures: Mapping[str, str] = field(default_factory=dict)


def parametrize_architectures(
    *architectures: str | Architecture,
    only: Sequence[str] = (),
    expected_failures: Mapping[str, str] | None = None,
) -> Callable[[T], T]:
    """Return a decorator that gives a test `architecture` and `check`, each pair a test.

    Nothing is imported or looked up before pytest collects the test; it is this package's pytest
    plugin that does it then. An unknown name or check is an error of the collection.

    Args:
        architectures: names and patterns as for `zoo list` (`mynet`, `vgg*`, `!vgg19`), or values.
        only: names of checks; all of them if empty.
        expected_failures: reasons by the names of checks that all these architectures are to
            break, beside their own deviations. They are strict: a promise that is kept all the
            same is a failure.
    """
    wanted = Wanted(
        architectures=architectures,
        only=tuple(only),
        expected_failures=dict(expected_failures or {}),
    )

    def decorate(test: T) -> T:
        setattr(test, _WANTED, wanted)
        return test

    return decorate


def wanted_by(test: Any) -> Wanted | None:
    """Return what `parametrize_architectures` was given for `test`, or None."""
    found = getattr(test, _WANTED, None)
    return found if isinstance(found, Wanted) else None
