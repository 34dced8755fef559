"""From names to architectures: what is installed, read lazily from packaging entry points."""

from __future__ import annotations

import fnmatch
import json
import re
import sys
from collections.abc import Iterable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from importlib.metadata import Distribution, EntryPoint, entry_points

from registry.architecture import Architecture, Origin
from registry.errors import (
    AmbiguousArchitectureError,
    BrokenArchitectureError,
    UnknownArchitectureError,
    told,
)

GROUP = "zoo.architectures"
BUILT_IN_DISTRIBUTION = "zoo-bench"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One claim to a name, looked into.

    Attributes:
        name: what to type: `lenet`, or `distribution/lenet` where the bare name means another.
        architecture: the value, or None where the claim is broken.
        broken: why there is no value, on one line, or None.
    """

    name: str
    architecture: Architecture | None
    origin: Origin
    broken: str | None = None


class Catalog:
    """The installed architectures by name. Nothing is loaded before it is asked for.

    Built-ins win a clash of names. Of two plugins with one name neither has the bare name;
    `distribution/name` always works. Nothing is overwritten.
    """

    def __init__(self, claims: Iterable[EntryPoint]) -> None:
        self._claims = tuple(sorted(claims, key=_order))
        self._bare: dict[str, list[EntryPoint]] = {}
        for claim in self._claims:
            self._bare.setdefault(claim.name, []).append(claim)
        self._qualified = {_qualified(claim): claim for claim in self._claims}

    @classmethod
    def installed(cls) -> Catalog:
        """Return the catalog of every installed distribution's `zoo.architectures`."""
        return cls(entry_points(group=GROUP))

    def names(self) -> tuple[str, ...]:
        """Return every claim by the name to type, built-ins first; loads nothing."""
        return tuple(self._name(claim) for claim in self._claims)

    def get(self, name: str) -> Entry:
        """Return the architecture `name`; no other plugin is loaded.

        Raises:
            UnknownArchitectureError: nobody claims the name.
            AmbiguousArchitectureError: several plugins do, and no built-in.
            BrokenArchitectureError: the one that does can't be loaded.
        """
        entry = self._load(self._claim(name))
        if entry.broken:
            raise BrokenArchitectureError(f"{name!r} from {entry.origin} is broken: {entry.broken}")
        return entry

    def entries(self, patterns: Sequence[str] = ()) -> tuple[Entry, ...]:
        """Return what the patterns name, or everything, a broken one as an entry with its reason.

        Raises:
            UnknownArchitectureError: a name or pattern matches nothing.
        """
        names = self.resolve(patterns) if patterns else self.names()
        return tuple(self._load(self._claim(name)) for name in names)

    def resolve(self, patterns: Sequence[str]) -> tuple[str, ...]:
        """Return the names meant by `patterns`, each once, in the order asked; loads nothing.

        `vgg*` means all that match, `!vgg19` takes away; exclusions alone take from everything.

        Raises:
            UnknownArchitectureError: a name or pattern matches nothing.
            AmbiguousArchitectureError: a name is claimed by several plugins.
        """
        wanted = [pattern for pattern in patterns if not pattern.startswith("!")]
        unwanted = [pattern[1:] for pattern in patterns if pattern.startswith("!")]
        chosen = [name for pattern in wanted for name in self._matching(pattern)]
        if not wanted:
            chosen = list(self.names())
        excluded = {name for pattern in unwanted for name in self._matching(pattern)}
        return tuple(name for name in dict.fromkeys(chosen) if name not in excluded)

    def _matching(self, pattern: str) -> list[str]:
        if not any(sign in pattern for sign in "*?["):
            return [self._name(self._claim(pattern))]
        found = [name for name in self.names() if fnmatch.fnmatchcase(name, pattern)]
        if not found:
            raise UnknownArchitectureError(pattern, self.names())
        return found

    def _claim(self, name: str) -> EntryPoint:
        if name in self._qualified:
            return self._qualified[name]
        claims = self._bare.get(name, [])
        if not claims:
            raise UnknownArchitectureError(name, self.names())
        if len(claims) > 1 and not _is_built_in(claims[0]):
            raise AmbiguousArchitectureError(name, [_qualified(claim) for claim in claims])
        return claims[0]

    def _name(self, claim: EntryPoint) -> str:
        """Return the shortest name that means `claim`."""
        claims = self._bare[claim.name]
        alone = len(claims) == 1 or _is_built_in(claim)
        return claim.name if alone else _qualified(claim)

    def _load(self, claim: EntryPoint) -> Entry:
        name, origin = self._name(claim), _origin(claim)
        try:
            with redirect_stdout(sys.stderr):  # stdout belongs to tables and JSON
                found = claim.load()
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001  (a plugin may raise even SystemExit)
            reason = _reason(error, claim, origin)
            return Entry(name=name, architecture=None, origin=origin, broken=reason)
        wrong = _mismatch(found, claim)
        architecture = None if wrong else found
        return Entry(name=name, architecture=architecture, origin=origin, broken=wrong)


def _mismatch(found: object, claim: EntryPoint) -> str | None:
    if not isinstance(found, Architecture):
        return f"{claim.value} is a {type(found).__name__}, not a registry.Architecture"
    if found.name != claim.name:
        return f"its entry point is called {claim.name!r}, its architecture {found.name!r}"
    return None


def _reason(error: BaseException, claim: EntryPoint, origin: Origin) -> str:
    if isinstance(error, ModuleNotFoundError) and error.name:
        if error.name.partition(".")[0] == claim.value.partition(":")[0].partition(".")[0]:
            return f"its own module {error.name!r} is gone: reinstall or uninstall {origin}"
        return f"it needs {error.name!r}, which is not installed"
    return told(error)


def _origin(claim: EntryPoint) -> Origin:
    if claim.dist is None:
        return Origin(distribution="unknown", version="")
    version = claim.dist.version or ""
    editable = _is_editable(claim.dist)
    return Origin(distribution=_distribution(claim), version=version, editable=editable)


def _is_editable(distribution: Distribution) -> bool:
    try:
        origin = json.loads(distribution.read_text("direct_url.json") or "{}")
        return bool(origin["dir_info"]["editable"])
    except (ValueError, KeyError, TypeError):  # from an index, or a file that was cut short
        return False


def _distribution(claim: EntryPoint) -> str:
    """Return the distribution's name; one that was half removed has none."""
    name = claim.dist.name if claim.dist is not None else None
    return _normalized(name) if name else "unknown"


def _normalized(name: str) -> str:
    """Return a distribution's name as PEP 503 writes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _qualified(claim: EntryPoint) -> str:
    return f"{_distribution(claim)}/{claim.name}"


def _is_built_in(claim: EntryPoint) -> bool:
    return _distribution(claim) == BUILT_IN_DISTRIBUTION


def _order(claim: EntryPoint) -> tuple[bool, str, str]:
    return not _is_built_in(claim), claim.name, _distribution(claim)
