"""From names to values: entry points of installed distributions, loaded only when needed."""

from __future__ import annotations

import fnmatch
import json
import os
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import Distribution, EntryPoint, entry_points
from typing import Any, Generic, TypeVar

from registry.api import api_problem
from registry.architecture import Origin
from registry.errors import AmbiguousNameError, BrokenPluginError, UnknownNameError
from registry.loaded import Loaded, load_here
from registry.loading import Loader

BUILT_IN_DISTRIBUTION = "zoo-bench"
PLUGINS_VARIABLE = "ZOO_PLUGINS"
_PLAIN = re.compile(r"[a-z][a-z0-9_-]*")  # a colon is for families and files

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind(Generic[T]):
    """The entry points of one group, and what they are called.

    Attributes:
        group: the packaging group, such as `zoo.architectures`.
        noun: the word for one value, such as `architecture`.
        type: class of the values; each has a `name`, equal to its entry point's.
        listing: the command that lists all values.
    """

    group: str
    noun: str
    type: type[T]
    listing: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(Generic[T]):
    """One claim to a name, with the value or the reason why there is none.

    Attributes:
        name: `lenet`, or `distribution/lenet` if the bare name belongs to another.
        found: the value; None if the claim is broken.
        origin: the distribution that makes the claim.
        broken: why the value cannot be loaded, on one line, or None.
    """

    name: str
    found: T | None
    origin: Origin
    broken: str | None = None

    @property
    def value(self) -> T:
        """Return the value.

        Raises:
            BrokenPluginError: the claim is broken.
        """
        if self.found is None:
            raise BrokenPluginError(self.broken_line)
        return self.found

    @property
    def broken_line(self) -> str:
        """Return why there is no value, as an error says it."""
        return f"{self.name!r} from {self.origin} is broken: {self.broken}"


class Claims(Generic[T]):
    """Values by name. Each is loaded only when it is needed.

    Built-ins win a clash of names. If two plugins claim one name, both need their full name,
    `distribution/name`, which always works.
    """

    def __init__(self, kind: Kind[T], claims: Iterable[EntryPoint]) -> None:
        self.kind = kind
        self._claims = sorted(claims, key=_order)
        self._bare: dict[str, list[EntryPoint]] = {}
        for claim in self._claims:
            self._bare.setdefault(claim.name, []).append(claim)
        self._qualified = {_full_name(claim): claim for claim in self._claims}
        self._plugins = Loader()

    @classmethod
    def installed(cls, kind: Kind[T]) -> Claims[T]:
        """Return the claims of every installed distribution that `ZOO_PLUGINS` allows."""
        return cls(kind, filter_allowed(entry_points(group=kind.group)))

    def __contains__(self, name: str) -> bool:
        return name in self._qualified or name in self._bare

    def names(self) -> tuple[str, ...]:
        """Return the names of all claims, built-ins first; nothing is loaded."""
        return tuple(self._name(claim) for claim in self._claims)

    def entry(self, name: str) -> Entry[T]:
        """Return the entry `name`; if broken, with the reason. Only its plugin is loaded.

        Raises:
            UnknownNameError: the name is unknown.
            AmbiguousNameError: several plugins claim the name, and no built-in does.
        """
        return self._load(self._claim(name))

    def name(self, name: str) -> str:
        """Return the shortest form of `name`; nothing is loaded. Raise as `entry`."""
        return self._name(self._claim(name))

    def _claim(self, name: str) -> EntryPoint:
        if name in self._qualified:
            return self._qualified[name]
        claims = self._bare.get(name, [])
        if not claims:
            raise UnknownNameError(self.kind.noun, name, self.names(), self.kind.listing)
        if len(claims) > 1 and not _is_built_in(claims[0]):
            raise AmbiguousNameError(name, [_full_name(claim) for claim in claims])
        return claims[0]

    def _name(self, claim: EntryPoint) -> str:
        """Return the shortest name of `claim`."""
        claims = self._bare[claim.name]
        alone = len(claims) == 1 or _is_built_in(claim)
        return claim.name if alone else _full_name(claim)

    def _load(self, claim: EntryPoint) -> Entry[T]:
        name, origin = self._name(claim), origin_of(claim)
        if unfit := api_problem(claim):
            return Entry(name=name, found=None, origin=origin, broken=unfit)
        if _is_built_in(claim):
            loaded = load_here(claim)
        else:
            loaded = self._plugins.load(claim, str(origin), self.kind.type)
        say_changes(origin, loaded)
        if loaded.broken:
            return Entry(
                name=name, found=None, origin=origin, broken=_reason(loaded, claim, origin)
            )
        wrong = self._mismatch(loaded, claim)
        return Entry(name=name, found=None if wrong else loaded.found, origin=origin, broken=wrong)

    def _mismatch(self, loaded: Loaded, claim: EntryPoint) -> str | None:
        if not _PLAIN.fullmatch(claim.name):
            return f"its entry point must be named like 'my_net', not {claim.name!r}"
        found: Any = loaded.found
        wanted: type[Any] = self.kind.type
        if not isinstance(found, wanted):
            expected = f"{wanted.__module__.partition('.')[0]}.{wanted.__name__}"
            return f"{claim.value} is a {loaded.kind}, not a {expected}"
        if found.name != claim.name:
            return f"its entry point is called {claim.name!r}, its {self.kind.noun} {found.name!r}"
        return None


def say_changes(origin: Origin, loaded: Loaded) -> None:
    """Say on stderr, in one line, what a plugin changed when it was imported."""
    if loaded.changes:
        said = "; ".join(loaded.changes)
        line = f"zoo: {origin} changed its process at import, which is undone: {said}"
        sys.stderr.write(f"{' '.join(filter(str.isprintable, line.split()))}\n")


def is_pattern(text: str) -> bool:
    """Return whether `text` may match several names."""
    return any(sign in text for sign in "*?[")


def matching(pattern: str, names: Iterable[str]) -> list[str]:
    """Return the names that match `pattern`, such as `vgg*`; case matters."""
    return [name for name in names if fnmatch.fnmatchcase(name, pattern)]


def filter_allowed(claims: Iterable[EntryPoint]) -> list[EntryPoint]:
    """Return the claims of built-ins and of the plugins that `ZOO_PLUGINS` names.

    `ZOO_PLUGINS=a,b` allows two distributions; if empty, none; if unset, all.
    """
    allowed = os.environ.get(PLUGINS_VARIABLE)
    if allowed is None:
        return list(claims)
    named = {normalize_name(name) for name in allowed.split(",") if name.strip()}
    return [claim for claim in claims if _is_built_in(claim) or distribution_name(claim) in named]


def origin_of(claim: EntryPoint) -> Origin:
    """Return the distribution that makes `claim`; a half-removed one has no name."""
    if claim.dist is None:
        return Origin(distribution="unknown", version="")
    version, editable = claim.dist.version or "", editable_url(claim.dist) is not None
    return Origin(distribution=distribution_name(claim), version=version, editable=editable)


def editable_url(distribution: Distribution) -> str | None:
    """Return the URL of an editable installation's folder, or None."""
    try:
        direct = json.loads(distribution.read_text("direct_url.json") or "{}")  # see PEP 610
        return str(direct["url"]) if direct["dir_info"]["editable"] else None
    except (ValueError, KeyError, TypeError):  # from an index, or a truncated file
        return None


def distribution_name(claim: EntryPoint) -> str:
    """Return the distribution's normalised name; a half-removed one is `unknown`."""
    return normalize_name((claim.dist and claim.dist.name) or "unknown")


def normalize_name(name: str) -> str:
    """Return a distribution's name as PEP 503 writes it."""
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


def _reason(loaded: Loaded, claim: EntryPoint, origin: Origin) -> str:
    if missing := loaded.missing:
        if missing.partition(".")[0] == claim.value.partition(":")[0].partition(".")[0]:
            return f"its own module {missing!r} is gone: reinstall or uninstall {origin}"
        return f"it needs {missing!r}, which is not installed"
    return loaded.broken


def _full_name(claim: EntryPoint) -> str:
    return f"{distribution_name(claim)}/{claim.name}"


def _is_built_in(claim: EntryPoint) -> bool:
    return distribution_name(claim) == BUILT_IN_DISTRIBUTION


def _order(claim: EntryPoint) -> tuple[bool, str, str]:
    return not _is_built_in(claim), claim.name, distribution_name(claim)
