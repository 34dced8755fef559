"""Everything that can go wrong in a way that a person can mend."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import ClassVar

from registry.exit_codes import ExitCode


class ZooError(Exception):
    """An error whose text is one line: what was asked, what there is, what to do."""

    exit_code: ClassVar[ExitCode] = ExitCode.USAGE


def format_error(error: BaseException) -> str:
    """Return what was raised on one line: `KeyError: 'conv1'`, or the type alone."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def nearest(name: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """Return the most similar of `known`, if any is; a prefix that all share says nothing."""
    prefix = name.partition(":")[0] + ":" if ":" in name else ""
    shortened = {each.removeprefix(prefix): each for each in known}
    found = difflib.get_close_matches(name.removeprefix(prefix), shortened, n=1, cutoff=cutoff)
    return shortened[found[0]] if found else None


def did_you_mean(name: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """Return a question to set behind an error, with the space before it; "" if none is near."""
    near = nearest(name, known, cutoff)
    return f" Did you mean {near!r}?" if near else ""


class RegistryError(ZooError):
    """An architecture can't be had."""


class UnknownNameError(RegistryError):
    """Nothing of this kind has this name, or none matches this pattern."""

    def __init__(self, noun: str, name: str, known: Sequence[str], listing: str) -> None:
        hint = did_you_mean(name, known)
        what = f"no {noun} matches" if "*" in name or "?" in name else f"unknown {noun}"
        super().__init__(f"{what} {name!r}.{hint} `{listing}` shows all {len(known)}.")


class AmbiguousNameError(RegistryError):
    """Several plugins claim this name."""

    def __init__(self, name: str, qualified: Sequence[str]) -> None:
        claims = " and ".join(repr(other) for other in qualified)
        super().__init__(f"{name!r} is claimed by {len(qualified)} plugins: say {claims}")


class BrokenPluginError(RegistryError):
    """The plugin that has this name can't be loaded."""

    exit_code = ExitCode.FAILED


class ConstructionError(RegistryError):
    """The constructor of an architecture does not give a network."""

    exit_code = ExitCode.FAILED


class UnsuitableError(RegistryError):
    """A network is none that can be compared with others: it gives no logits (N, K), say."""


class ContractError(RegistryError):
    """A network is not what its architecture promises."""

    exit_code = ExitCode.FAILED


class CheckError(RegistryError):
    """A network breaks a promise: what was seen, what was expected, and what to change."""

    exit_code = ExitCode.FAILED

    def __init__(self, *, seen: str, expected: str, change: str) -> None:
        super().__init__(f"seen: {seen}; expected: {expected}; change: {change}")
        self.seen, self.expected, self.change = seen, expected, change


class UnknownCheckError(RegistryError):
    """No check has this name."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        hint = did_you_mean(name, known, cutoff=0.5)
        super().__init__(f"unknown check {name!r}.{hint} There are {', '.join(known)}.")


class DataError(ZooError):
    """Images, folders or downloads can't be used."""


class RunError(ZooError):
    """A run can't be made as it was asked for."""


class IncomparableError(RunError):
    """Models can't be compared: they were not tested on the same images."""

    exit_code = ExitCode.IRREPRODUCIBLE


class ReproducibilityError(RunError):
    """A run can't be gone on with so that it ends as it would have."""

    exit_code = ExitCode.IRREPRODUCIBLE


class StorageError(RunError):
    """What was measured can't be written: no room, or no leave."""

    exit_code = ExitCode.FAILED
