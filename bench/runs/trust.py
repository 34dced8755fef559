"""What a received run or plan would do here, beyond training installed networks."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Any

from bench.runs.request import Request
from bench.system.cache_folder import own_cache_folder
from bench.system.credentials import hide_credentials
from bench.system.own_files import ForeignFileError, open_own
from registry.architecture import Architecture
from registry.catalog import Catalog
from registry.errors import RegistryError, RunError
from registry.file_call import parse_file_call
from registry.from_file import is_file

_FILE = "trusted.txt"  # in the cache folder: a digest for each effect that the user asked for


def effects_of(request: Request) -> list[str]:
    """Return what `request` runs, writes to or connects to, but installed networks and its folder.

    Nothing is imported.
    """
    return list(_effects({each.name: getattr(request, each.name) for each in fields(request)}))


def effects_of_plan(request: Request, architectures: Iterable[Architecture]) -> list[str]:
    """Return the effects of `request`, and of `architectures` that are not as installed here."""
    asked = effects_of(request)
    catalog = Catalog.installed()
    for each in dict.fromkeys(architectures):
        if is_file(each.name):
            asked.append(_of_file(str(dict(each.arguments).get("path")), each.name))
        elif (each.constructor, each.untrained.arguments) != _installed(catalog, each.name):
            asked.append(_of_call(each))
    return list(dict.fromkeys(asked))


def remember(effects: Sequence[str]) -> None:
    """Keep `effects` as this user's own. Without a cache folder nothing is kept."""
    folder = own_cache_folder() if effects else None
    known = _known() if folder else set()
    new = [each for each in map(_digest, effects) if each not in known]
    if folder is not None and new:
        with suppress(OSError):  # a full disk: it is asked again
            descriptor = os.open(folder / _FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            with os.fdopen(descriptor, "a", encoding="ascii") as file:
                file.write("".join(f"{each}\n" for each in new))


def require_trust(
    effects: Sequence[str],
    what: str,
    given: Mapping[str, Any],
    way_out: str = "add --trust if you trust it",
) -> None:
    """Check that this user asked for each of `effects` before, or in the fields `given` now.

    Raises:
        RunError: one is of somebody else; the message ends with the `way_out`.
    """
    remember(list(_effects(given)))
    known = _known()
    if strange := [each for each in effects if _digest(each) not in known]:
        raise RunError(
            f"{what} also {' and '.join(strange)}, which you did not ask for here: {way_out}"
        )


def require_trusted_config(path: Path, stored: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Check the fields `stored` in the run folder `path`; raise RunError as `require_trust`."""
    effects = list(_effects({**stored, **given}))
    require_trust(effects, str(path), given, "if you trust it, give that option, too")


def _effects(given: Mapping[str, Any]) -> Iterator[str]:
    for model in given.get("models", ()):
        if isinstance(model, Architecture):
            yield _of_call(model)
        elif is_file(model):
            yield _of_file(parse_file_call(model).path, model)
    if place := given.get("checkpoints"):
        yield f"writes checkpoints to {hide_credentials(place)}"
    if address := given.get("address"):
        yield f"connects to {hide_credentials(address)}"
    yield from (f"sends results to {tracker}" for tracker in given.get("log", ()))


def _of_file(path: str, name: str) -> str:
    return f"runs {Path(path).expanduser().resolve()} for {name.rpartition('.py:')[2]}"


def _of_call(architecture: Architecture) -> str:
    arguments = json.dumps(dict(architecture.untrained.arguments), default=str)
    return f"calls {architecture.constructor} with {arguments} for {architecture.name}"


def _installed(catalog: Catalog, name: str) -> tuple[str, Any]:
    """Return the constructor of the installed network `name`, with its arguments."""
    try:
        found: Any = catalog.described(name) if ":" in name else catalog.get(name).value
    except RegistryError:
        return "", ()
    return found.constructor, found.arguments


def _known() -> set[str]:
    folder = own_cache_folder()
    try:
        descriptor = None if folder is None else open_own(folder / _FILE)
    except (OSError, ForeignFileError):
        descriptor = None
    if descriptor is None:
        return set()
    with os.fdopen(descriptor, encoding="ascii", errors="replace") as file:
        return set(file.read().split())


def _digest(effect: str) -> str:
    return hashlib.sha256(os.fsencode(effect)).hexdigest()
