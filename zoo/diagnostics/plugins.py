"""Problems of plugins; each is loaded in its own process."""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing
from importlib.metadata import EntryPoint, distributions, entry_points
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse
from urllib.request import url2pathname

from registry.api import API_GROUP, api_problem
from registry.catalog import ARCHITECTURES, FAMILIES
from registry.claims import (
    BUILT_IN_DISTRIBUTION,
    PLUGINS_VARIABLE,
    distribution_name,
    editable_url,
    filter_allowed,
    normalize_name,
    origin_of,
)
from registry.errors import nearest
from registry.loaded import Loaded
from registry.loading import Loader
from zoo.diagnostics.doctor import Finding

# the last three as text: importing their modules needs torch, which may be broken
GROUPS = (ARCHITECTURES.group, FAMILIES.group, "zoo.datasets", "zoo.recipes", "zoo.engines")
_SLOW_SECONDS = 1.0


def plugins() -> Iterator[Finding]:
    """Yield findings about each installed plugin."""
    by_owner: dict[str, list[EntryPoint]] = defaultdict(list)
    claims = [claim for group in GROUPS for claim in entry_points(group=group)]
    for claim in claims:
        by_owner[distribution_name(claim)].append(claim)
    for owner, owned in sorted(by_owner.items()):
        if owner == BUILT_IN_DISTRIBUTION:
            continue
        if len(filter_allowed(owned)) < len(owned):
            text = f"ignored, because {PLUGINS_VARIABLE} does not name it"
            yield Finding(about=owner, level="note", text=text)
            continue
        yield from _of_plugin(owner, owned)
    yield from _clashes(claims)
    yield from _misspelt()
    yield from _stale()
    if not by_owner.keys() - {BUILT_IN_DISTRIBUTION}:
        yield Finding(about="plugins", level="fine", text="none; `zoo new my_net` writes one")


def _of_plugin(owner: str, claims: Sequence[EntryPoint]) -> Iterator[Finding]:
    where = str(origin_of(claims[0]))
    if unfit := api_problem(claims[0]):
        yield Finding(about=owner, level="wrong", text=f"{where}: {unfit}")
        return
    found = _load_claims(owner, claims)
    for claim, loaded in zip(claims, found, strict=True):
        if loaded.broken:
            text = f"{claim.name} is broken: {loaded.broken}"
            yield Finding(about=owner, level="wrong", text=text)
        if loaded.changes:
            text = f"{where} changes its process at import: {'; '.join(loaded.changes)}"
            yield Finding(about=owner, level="note", text=text)
    seconds = sum(each.seconds for each in found)
    if any(each.uses_torch for each in found):
        text = f"{where} imports torch when it is listed: give the constructor as a text instead"
        yield Finding(about=owner, level="note", text=f"{text} ({seconds:.1f} s)")
    elif any(each.broken for each in found):
        return
    elif seconds > _SLOW_SECONDS:
        yield Finding(about=owner, level="note", text=f"{where} takes {seconds:.1f} s to load")
    else:
        text = f"{where}: {len(claims)} in {seconds * 1000:.0f} ms, without torch"
        yield Finding(about=owner, level="fine", text=text)


def _load_claims(owner: str, claims: Sequence[EntryPoint]) -> list[Loaded]:
    """Return what each claim comes to, in a process for this plugin alone."""
    with closing(Loader()) as loader:
        return [loader.load_in_child(claim, owner) for claim in claims]


def _clashes(claims: Sequence[EntryPoint]) -> Iterator[Finding]:
    owners: dict[tuple[str, str], list[str]] = defaultdict(list)
    for claim in claims:
        owners[claim.group, claim.name].append(distribution_name(claim))
    for (group, name), found in owners.items():
        if len(found) < 2:
            continue
        winner = BUILT_IN_DISTRIBUTION if BUILT_IN_DISTRIBUTION in found else "nobody"
        full = ", ".join(f"{owner}/{name}" for owner in sorted(found))
        text = f"{name!r} in {group} is claimed by {len(found)}: {winner} has it; use {full}"
        yield Finding(about="clash", level="note", text=text)


def _misspelt() -> Iterator[Finding]:
    """Yield entry-point groups that look like misspelt groups of ours."""
    for group in sorted(entry_points().groups - {*GROUPS, API_GROUP}):
        near = nearest(group, GROUPS, cutoff=0.75)
        if near or group.startswith("zoo."):
            owners = sorted({distribution_name(claim) for claim in entry_points(group=group)})
            meant = near or f"one of {', '.join(GROUPS)}"
            text = f"has the entry-point group {group!r}, which is unknown: use {meant}"
            yield Finding(about=", ".join(owners), level="wrong", text=text)


def _stale() -> Iterator[Finding]:
    """Yield editable installations whose pyproject.toml has other entry points now."""
    for each in distributions():
        url = editable_url(each)
        if url is None:
            continue
        pyproject = Path(url2pathname(unquote(urlparse(url).path)), "pyproject.toml")
        try:
            written = _entry_points_of(tomllib.loads(pyproject.read_text(encoding="utf-8")))
        except (ValueError, AttributeError, OSError):
            continue  # the file is missing, or pip reports it better
        ours = [claim for claim in each.entry_points if claim.group in GROUPS]
        installed = {(claim.group, claim.name, claim.value) for claim in ours}
        if written is not None and written != installed:
            changed = ", ".join(sorted(name for _, name, _ in written ^ installed))
            text = f"its entry points differ from its pyproject.toml ({changed})"
            about = normalize_name(each.name)
            yield Finding(about=about, level="wrong", text=f"{text}: install again")


def _entry_points_of(project: dict[str, Any]) -> set[tuple[str, str, str]] | None:
    """Return the entry points in a pyproject.toml; None if they are dynamic."""
    table = project.get("project")
    if table is None or "entry-points" in table.get("dynamic", ()):
        return None
    return {
        (group, name, value)
        for group, named in table.get("entry-points", {}).items()
        if group in GROUPS
        for name, value in named.items()
    }
