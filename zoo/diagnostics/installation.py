"""Whether this installation's own files are what was installed, and what Python imports."""

from __future__ import annotations

import base64
import csv
import hashlib
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution, distributions
from pathlib import Path

from registry.claims import BUILT_IN_DISTRIBUTION, normalize_name
from zoo.diagnostics.doctor import Finding
from zoo_bench_start import ROOMS, hidden_rooms

_MODULES = ("zoo_bench_pytest.py", "zoo_bench_start.py")
_SHOWN = 3  # files that a finding names
_REPAIR = "`pip install --force-reinstall --no-deps zoo-bench` repairs it"


def installation() -> Iterator[Finding]:
    """Yield findings about hidden packages and about files that another package has replaced."""
    for line in dict.fromkeys([*hidden_rooms(), *hidden_rooms([str(Path.cwd())])]):
        yield Finding(about="hidden", level="wrong", text=line)
    try:
        ours = distribution(BUILT_IN_DISTRIBUTION)
    except PackageNotFoundError:  # `zoo doctor` says so elsewhere
        return
    yield from changed_files(ours)
    yield from claimed_files(distributions())


def changed_files(ours: Distribution) -> Iterator[Finding]:
    """Yield a finding if installed files are gone, or differ from the digests in RECORD."""
    wrong = [
        name for name, said in _recorded(ours) if said and not _is_as_recorded(ours, name, said)
    ]
    if wrong:
        text = f"changed since it was installed, or gone: {_listed(wrong)}; {_REPAIR}"
        yield Finding(about=BUILT_IN_DISTRIBUTION, level="wrong", text=text)


def claimed_files(installed: Iterable[Distribution]) -> Iterator[Finding]:
    """Yield a finding for each other distribution that installs files into packages of ours."""
    for each in installed:
        owner = normalize_name(each.name or "unknown")
        if owner == BUILT_IN_DISTRIBUTION:
            continue
        taken = [name for name, _ in _recorded(each) if _is_in_rooms(name)]
        if taken:
            text = f"installs files into packages of zoo-bench: {_listed(taken)}; uninstall it"
            yield Finding(about=owner, level="wrong", text=f"{text}, then {_REPAIR}")


def _recorded(installed: Distribution) -> Iterator[tuple[str, str]]:
    """Yield the path and the digest, maybe empty, of each file in a distribution's RECORD."""
    for row in csv.reader((installed.read_text("RECORD") or "").splitlines()):
        if len(row) >= 2:
            yield row[0], row[1]


def _is_as_recorded(ours: Distribution, name: str, said: str) -> bool:
    kind, _, digest = said.partition("=")
    try:
        found = hashlib.new(kind, Path(str(ours.locate_file(name))).read_bytes()).digest()
    except (OSError, ValueError):  # gone, or a kind of digest that this Python lacks
        return False
    return base64.urlsafe_b64encode(found).rstrip(b"=").decode() == digest


def _is_in_rooms(name: str) -> bool:
    top, slash, _ = name.partition("/")
    return name in _MODULES or (top if slash else top.removesuffix(".py")) in ROOMS


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
