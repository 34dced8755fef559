"""From names to architectures: installed ones, members of families, classes in files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from importlib.metadata import EntryPoint, entry_points

from registry.architecture import Architecture, Contract
from registry.claims import Claims, Entry, Kind, filter_allowed, is_pattern, matching
from registry.errors import (
    ConstructionError,
    RegistryError,
    UnknownNameError,
    UnsuitableError,
    nearest,
)
from registry.family import Described, Family
from registry.from_file import described_file, file_name, file_origin, is_file
from registry.frozen import Frozen

ARCHITECTURES = Kind(
    group="zoo.architectures", noun="architecture", type=Architecture, listing="zoo list"
)
FAMILIES = Kind(group="zoo.families", noun="family", type=Family, listing="zoo list families")
_CLASSES = 2  # of a network without a contract: cat and dog


class Catalog:
    """Architectures by name. Each is loaded only when it is needed.

    `lenet` and `distribution/lenet` are installed; see `Claims`. `timm:resnet18` is a member of
    a family, `./mynet.py:MyNet` a class in a file. A network without a contract is measured. A
    contract that the user has frozen wins.
    """

    def __init__(self, claims: Iterable[EntryPoint], frozen: Frozen | None = None) -> None:
        claims = tuple(claims)
        networks = [each for each in claims if each.group == ARCHITECTURES.group]
        self._architectures = Claims(ARCHITECTURES, networks)
        self._families = Claims(FAMILIES, [each for each in claims if each.group == FAMILIES.group])
        self._frozen = frozen or Frozen()

    @classmethod
    def installed(cls, frozen: Frozen | None = None) -> Catalog:
        """Return the catalog of installed architectures, with `frozen` or this folder's contracts.

        Raises:
            RegistryError: the file of frozen contracts cannot be read.
        """
        groups = (ARCHITECTURES.group, FAMILIES.group)
        claims = [claim for group in groups for claim in entry_points(group=group)]
        return cls(filter_allowed(claims), Frozen.found() if frozen is None else frozen)

    def names(self) -> tuple[str, ...]:
        """Return the names of all installed architectures, built-ins first.

        Members of families are not included. Nothing is loaded.
        """
        return self._architectures.names()

    def families(self) -> tuple[Entry[Family], ...]:
        """Return the installed families; the entry of a broken one has the reason."""
        return tuple(self._families.entry(name) for name in self._families.names())

    def members(self, family: str, pattern: str = "*") -> tuple[str, ...]:
        """Return the names of the members of `family` that match `pattern`.

        Raises:
            UnknownNameError: there is no such family or member.
            BrokenPluginError: its library cannot be imported.
        """
        entry = self._families.entry(family)
        # `entry.name`, because `family` may be a full name, `dist/family`
        names = [f"{entry.name}:{name.partition(':')[2]}" for name in entry.value.names()]
        found = matching(f"{entry.name}:{pattern}", names)
        if not found:
            listing = f"zoo list --family {entry.name}"
            raise UnknownNameError("architecture", f"{entry.name}:{pattern}", names, listing)
        return tuple(found)

    def described(self, name: str) -> Described:
        """Return the description of a family's member, `timm:resnet18`; nothing is built.

        Raises:
            RegistryError: there is no such family or member.
        """
        prefix, _, member = name.partition(":")
        return self._families.entry(prefix).value.described(member)

    def get(self, name: str) -> Entry[Architecture]:
        """Return the architecture `name`; only its plugin is loaded.

        Raises:
            UnknownNameError: the name is unknown.
            AmbiguousNameError: several plugins claim the name, and no built-in does.
            BrokenPluginError: the plugin cannot be loaded.
            ConstructionError: a network without a contract cannot be built.
            UnsuitableError: the network cannot be compared.
        """
        entry = self.entry(name)
        _ = entry.value  # raises
        return entry

    def entry(self, name: str) -> Entry[Architecture]:
        """Return the entry `name`; if its plugin is broken, with the reason. Raise as `get`."""
        if is_file(name):
            name = file_name(name)
            architecture = self._promised(name, described_file(name))
            return Entry(name=name, found=architecture, origin=file_origin(name))
        if ":" in name:
            return self._member(name)
        return self._installed(name)

    def looked_into(self, name: str) -> Entry[Architecture]:
        """Return the member of a family, `timm:resnet18`; broken if it cannot be compared.

        Raises:
            RegistryError: there is no such family.
        """
        family = self._families.entry(name.partition(":")[0]).value
        try:
            return self.entry(name)
        except RegistryError as error:
            return Entry(name=name, found=None, origin=family.origin, broken=str(error))

    def entries(self, patterns: Sequence[str] = ()) -> tuple[Entry[Architecture], ...]:
        """Return the entries that match, or all installed; broken ones have the reason.

        So have, among several, those that cannot be built or compared.

        Raises:
            RegistryError: as `resolve`, and for one name as `get`.
        """
        if not patterns:
            return tuple(self._installed(name) for name in self.names())
        names = self.resolve(patterns)
        return tuple(map(self.entry if len(names) == 1 else self._entry_or_reason, names))

    def _entry_or_reason(self, name: str) -> Entry[Architecture]:
        try:
            return self.entry(name)
        except (ConstructionError, UnsuitableError) as error:
            family = None if is_file(name) else self._families.entry(name.partition(":")[0]).value
            origin = family.origin if family else file_origin(name)
            reason = str(error).removeprefix(f"{name} ")
            return Entry(name=name, found=None, origin=origin, broken=reason)

    def resolve(self, patterns: Sequence[str]) -> tuple[str, ...]:
        """Return the names that match `patterns`, each once, in the given order.

        `vgg*` adds matching names, `!vgg19` excludes one. Exclusions alone start from all
        installed names. Only a pattern of a family, `timm:vgg*`, loads its library.

        Raises:
            UnknownNameError: a name or pattern matches nothing.
            AmbiguousNameError: a name is claimed by several plugins.
            RegistryError: there is no such file.
        """
        wanted = [pattern for pattern in patterns if not pattern.startswith("!")]
        unwanted = [pattern[1:] for pattern in patterns if pattern.startswith("!")]
        chosen = [name for pattern in wanted for name in self._matching(pattern)]
        if not wanted:
            chosen = list(self.names())
        excluded = {name for pattern in unwanted for name in self._matching(pattern)}
        return tuple(name for name in dict.fromkeys(chosen) if name not in excluded)

    def _matching(self, pattern: str) -> list[str]:
        if is_file(pattern):
            return [file_name(pattern)]
        family, colon, member = pattern.partition(":")
        if colon and is_pattern(member):
            return list(self.members(family, member))
        if colon:
            return [f"{self._families.name(family)}:{member}"]
        if not is_pattern(pattern):
            return [self._known(pattern)]
        if not (found := matching(pattern, self.names())):
            raise UnknownNameError("architecture", pattern, self.names(), ARCHITECTURES.listing)
        return found

    def _known(self, name: str) -> str:
        """Return the shortest form of an installed name; an error names families that have it."""
        try:
            return self._architectures.name(name)
        except UnknownNameError as error:
            members = [] if nearest(name, self.names(), 0.72) else self._members_called(name)
            if not members:
                raise
            raise UnknownNameError(
                "architecture", name, self.names(), ARCHITECTURES.listing, members
            ) from error

    def _members_called(self, member: str) -> list[str]:
        """Return the members of families with this name; families that cannot load are left out."""
        found: list[str] = []
        for family in self._families.names():
            with suppress(RegistryError):
                found += self.members(family, member)
        return found

    def _member(self, name: str) -> Entry[Architecture]:
        prefix, _, member = name.partition(":")
        entry = self._families.entry(prefix)
        name = f"{entry.name}:{member}"
        architecture = self._promised(name, entry.value.described(member))
        return Entry(name=name, found=architecture, origin=entry.value.origin)

    def _promised(self, name: str, described: Described) -> Architecture:
        """Return the architecture with its frozen contract, or with one measured now."""
        frozen = self._frozen.contracts.get(name)
        guess = Contract(input_shape=described.input_shape, output_shape=(_CLASSES,), parameters=0)
        architecture = Architecture(
            name=name,
            constructor=described.constructor,
            contract=frozen.contract if frozen else guess,
            source=described.source,
            arguments=described.arguments,
            normalization=described.normalization,
            contract_by="frozen" if frozen else "measured",
            weights=described.weights,
        )
        if frozen:
            return architecture
        from registry.verify import measure_contract  # needs torch

        return measure_contract(architecture)

    def _installed(self, name: str) -> Entry[Architecture]:
        entry = self._architectures.entry(name)
        frozen = self._frozen.contracts.get(entry.name)
        if frozen is None or entry.found is None:
            return entry
        found = replace(entry.found, contract=frozen.contract, contract_by="frozen")
        return replace(entry, found=found)
