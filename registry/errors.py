"""All errors that a user can fix. The command line prints each on one line."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import ClassVar

from registry.exit_codes import ExitCode


class ZooError(Exception):
    """An error of one line: what was asked, what exists, what to do."""

    exit_code: ClassVar[ExitCode] = ExitCode.USAGE


def format_error(error: BaseException) -> str:
    """Return `error` on one line: `KeyError: 'conv1'`, or only the type."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def nearest(name: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """Return the most similar of `known`, or None; a common prefix is ignored."""
    prefix = name.partition(":")[0] + ":" if ":" in name else ""
    shortened = {each.removeprefix(prefix): each for each in known}
    found = difflib.get_close_matches(name.removeprefix(prefix), shortened, n=1, cutoff=cutoff)
    return shortened[found[0]] if found else None


def did_you_mean(name: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """Return a question to append to an error, with a leading space; "" if none is near."""
    near = nearest(name, known, cutoff)
    return f" Did you mean {near!r}?" if near else ""


class RegistryError(ZooError):
    """An architecture is not available."""


class UnknownNameError(RegistryError):
    """The name is unknown, or nothing matches the pattern."""

    def __init__(
        self, noun: str, name: str, known: Sequence[str], listing: str, others: Sequence[str] = ()
    ) -> None:
        hint = did_you_mean(name, known, cutoff=0.72)  # `resnet18` is not near `lenet`
        if others:
            hint = f" Did you mean {' or '.join(map(repr, others))}?"
        what = f"no {noun} matches" if "*" in name or "?" in name else f"unknown {noun}"
        self.noun, self.name, self._known, self._listing = noun, name, known, listing
        super().__init__(f"{what} {name!r}.{hint} `{listing}` shows all {len(known)}.")

    def with_others(self, others: Sequence[str]) -> UnknownNameError:
        """Return the same error, which asks whether one of `others` was meant, if there are any."""
        if not others:
            return self
        return UnknownNameError(self.noun, self.name, self._known, self._listing, others)


class AmbiguousNameError(RegistryError):
    """Several plugins claim the name."""

    def __init__(self, name: str, qualified: Sequence[str]) -> None:
        claims = " or ".join(repr(other) for other in qualified)
        super().__init__(f"{name!r} is claimed by {len(qualified)} plugins: use {claims}")


class BrokenPluginError(RegistryError):
    """The plugin of this name cannot be loaded."""

    exit_code = ExitCode.FAILED


class ConstructionError(RegistryError):
    """The constructor of an architecture does not return a network."""

    exit_code = ExitCode.FAILED


class UnsuitableError(RegistryError):
    """A network cannot be compared with others: for example, it returns no logits (N, K)."""


class ContractError(RegistryError):
    """A network breaks the contract of its architecture."""

    exit_code = ExitCode.FAILED


class CheckError(RegistryError):
    """A network fails a check: what was seen, what was expected, and what to change."""

    exit_code = ExitCode.FAILED

    def __init__(self, *, seen: str, expected: str, change: str) -> None:
        super().__init__(f"seen: {seen}; expected: {expected}; change: {change}")
        self.seen, self.expected, self.change = seen, expected, change


class UncheckableError(CheckError):
    """A check cannot be made on a network of this kind; the promise is neither kept nor broken."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            seen=reason,
            expected="a network that this check can be made on",
            change="declare a deviation, or leave the check out",
        )


class UnknownCheckError(RegistryError):
    """No check has this name."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        hint = did_you_mean(name, known, cutoff=0.5)
        super().__init__(f"unknown check {name!r}.{hint} There are {', '.join(known)}.")


class DataError(ZooError):
    """Images, folders or downloads cannot be used."""


class RunError(ZooError):
    """A run is not possible as requested."""


class IncomparableError(RunError):
    """Models cannot be compared: they were not tested on the same images."""

    exit_code = ExitCode.IRREPRODUCIBLE


class ReproducibilityError(RunError):
    """A run cannot be resumed exactly."""

    exit_code = ExitCode.IRREPRODUCIBLE


class StorageError(RunError):
    """Results cannot be written: the disk is full, or permission is missing."""

    exit_code = ExitCode.FAILED
