"""From names to architectures: installed ones, members of families, classes in files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from importlib.metadata import EntryPoint, entry_points

from registry.architecture import Architecture, Contract
from registry.claims import Claims, Entry, Kind, filter_allowed, is_pattern, matching
from registry.errors import RegistryError, UnknownNameError
from registry.family import Described, Family
from registry.from_file import described_file, file_name, file_origin, is_file
from registry.frozen import Frozen

ARCHITECTURES = Kind(
    group="zoo.architectures", noun="architecture", type=Architecture, listing="zoo list"
)
FAMILIES = Kind(group="zoo.families", noun="family", type=Family, listing="zoo list families")
_CLASSES = 2  # of a network that is described, not promised: cat and dog


class Catalog:
    """Architectures by the name to type. Nothing is loaded before it is asked for.

    `lenet` and `distribution/lenet` are installed ones, claimed as `Claims` tells; `timm:resnet18`
    is a member of a family, described when it is asked for; `./mynet.py:MyNet` a class in a file.
    What nobody has promised is measured. A contract that the user has frozen stands above both.
    """

    def __init__(self, claims: Iterable[EntryPoint], frozen: Frozen | None = None) -> None:
        claims = tuple(claims)
        networks = [each for each in claims if each.group == ARCHITECTURES.group]
        self._architectures = Claims(ARCHITECTURES, networks)
        self._families = Claims(FAMILIES, [each for each in claims if each.group == FAMILIES.group])
        self._frozen = frozen or Frozen()

    @classmethod
    def installed(cls, frozen: Frozen | None = None) -> Catalog:
        """Return the catalog of what is installed, with `frozen` contracts or this folder's.

        Raises:
            RegistryError: the file of frozen contracts can't be read.
        """
        groups = (ARCHITECTURES.group, FAMILIES.group)
        claims = [claim for group in groups for claim in entry_points(group=group)]
        return cls(filter_allowed(claims), Frozen.found() if frozen is None else frozen)

    def names(self) -> tuple[str, ...]:
        """Return every installed architecture by the name to type, built-ins first.

        Members of families are not among them. Loads nothing.
        """
        return self._architectures.names()

    def families(self) -> tuple[Entry[Family], ...]:
        """Return the families that are installed, a broken one as an entry with its reason."""
        return tuple(self._families.entry(name) for name in self._families.names())

    def members(self, family: str, pattern: str = "*") -> tuple[str, ...]:
        """Return the members of `family` that `pattern` matches, by the name to type.

        Raises:
            UnknownNameError: there is no such family, or no such member.
            BrokenPluginError: its library can't be imported.
        """
        entry = self._families.entry(family)
        # `entry.name` where the family is reached by its full name, `dist/family`
        names = [f"{entry.name}:{name.partition(':')[2]}" for name in entry.value.names()]
        found = matching(f"{entry.name}:{pattern}", names)
        if not found:
            listing = f"zoo list --family {entry.name}"
            raise UnknownNameError("architecture", f"{entry.name}:{pattern}", names, listing)
        return tuple(found)

    def described(self, name: str) -> Described:
        """Return what the member of a family, `timm:resnet18`, is; it is not built.

        Raises:
            RegistryError: there is no such family or member.
        """
        prefix, _, member = name.partition(":")
        return self._families.entry(prefix).value.described(member)

    def get(self, name: str) -> Entry[Architecture]:
        """Return the architecture `name`; no other plugin is loaded.

        Raises:
            UnknownNameError: nobody claims the name.
            AmbiguousNameError: several plugins do, and no built-in.
            BrokenPluginError: the one that does can't be loaded.
            ConstructionError: a network that is measured can't be built.
            UnsuitableError: it can't be compared.
        """
        entry = self.entry(name)
        _ = entry.value  # raises
        return entry

    def entry(self, name: str) -> Entry[Architecture]:
        """Return the architecture `name`, a broken plugin's with its reason; or raise as `get`."""
        if is_file(name):
            name = file_name(name)
            architecture = self._promised(name, described_file(name))
            return Entry(name=name, found=architecture, origin=file_origin(name))
        if ":" in name:
            return self._member(name)
        return self._installed(name)

    def looked_into(self, name: str) -> Entry[Architecture]:
        """Return the member of a family, `timm:resnet18`; one that can't be compared is broken.

        Raises:
            RegistryError: there is no such family.
        """
        family = self._families.entry(name.partition(":")[0]).value
        try:
            return self.entry(name)
        except RegistryError as error:
            return Entry(name=name, found=None, origin=family.origin, broken=str(error))

    def entries(self, patterns: Sequence[str] = ()) -> tuple[Entry[Architecture], ...]:
        """Return what the patterns name, or everything installed, broken ones with their reason.

        Raises:
            RegistryError: as `resolve` and `get`.
        """
        if patterns:
            return tuple(self.entry(name) for name in self.resolve(patterns))
        return tuple(self._installed(name) for name in self.names())

    def resolve(self, patterns: Sequence[str]) -> tuple[str, ...]:
        """Return the names meant by `patterns`, each once, in the order asked.

        `vgg*` means all that match, `!vgg19` takes away; exclusions alone take from everything
        installed. Only a pattern of a family's members, `timm:vgg*`, loads its library.

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
            return [self._architectures.name(pattern)]
        if not (found := matching(pattern, self.names())):
            raise UnknownNameError("architecture", pattern, self.names(), ARCHITECTURES.listing)
        return found

    def _member(self, name: str) -> Entry[Architecture]:
        prefix, _, member = name.partition(":")
        entry = self._families.entry(prefix)
        name = f"{entry.name}:{member}"
        architecture = self._promised(name, entry.value.described(member))
        return Entry(name=name, found=architecture, origin=entry.value.origin)

    def _promised(self, name: str, described: Described) -> Architecture:
        """Return the architecture with the contract that was frozen, or else one measured now."""
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
