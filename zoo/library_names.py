"""The names of all networks of libraries, kept for each version: an import takes seconds."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import suppress

from bench.system.atomic_files import write_text
from bench.system.cache_folder import own_cache_folder
from bench.system.received_files import MB, read_regular
from registry.catalog import Catalog

_FILE, _SECONDS = "library-networks.json", 60
_CODE = (
    "import json; from zoo.library_names import imported_names; print(json.dumps(imported_names()))"
)


def library_names(*, wait: bool = True) -> dict[str, list[str]]:
    """Return the names of the networks of each library, by family: `timm:resnet18`.

    They are in the cache folder once known for the installed versions. Else another process imports
    the libraries, which takes seconds; without `wait`, nothing is returned. A library that cannot
    be imported is left out.
    """
    versions = _versions()
    folder = own_cache_folder()
    if folder is not None:
        with suppress(OSError, ValueError, KeyError, TypeError):
            kept = json.loads(read_regular(folder / _FILE, most=MB))
            if kept["versions"] == versions:
                return {family: list(names) for family, names in kept["names"].items()}
    found = {}
    if wait:
        found = imported_names() if "torch" in sys.modules else _asked()
    if found and folder is not None:
        with suppress(OSError):
            write_text(folder / _FILE, json.dumps({"versions": versions, "names": found}))
    return found


def imported_names() -> dict[str, list[str]]:
    """Return the same after importing the libraries in this process."""
    catalog, found = Catalog.installed(), dict[str, list[str]]()
    for family in catalog.families():
        with suppress(Exception):  # of another's library
            found[family.name] = list(catalog.members(family.name))
    return found


def _asked() -> dict[str, list[str]]:
    command = [sys.executable, "-P", "-c", _CODE]
    try:
        done = subprocess.run(
            command, capture_output=True, stdin=subprocess.DEVNULL, timeout=_SECONDS, check=True
        )
        return dict(json.loads(done.stdout.splitlines()[-1]))
    except (OSError, ValueError, IndexError, subprocess.SubprocessError):
        return {}


def _versions() -> dict[str, str]:
    """Return what the names depend on: the version of the library of each family."""
    entries = Catalog.installed().families()
    return {each.name: str(each.found.origin) for each in entries if each.found is not None}
