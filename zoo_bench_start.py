"""The `zoo` command where a module of somebody else's may hide a package of ours.

The names `registry`, `zoo` and `bench` are common. This module has a name of its own and needs
none of them, so that it can always say which one is hidden.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from pathlib import Path

ROOMS = ("registry", "zoo", "bench")
_USAGE = 2  # `registry.exit_codes` may be hidden


def main() -> None:
    """Run the `zoo` command, or say in one line which of its packages is hidden."""
    require_rooms(command=True)
    from zoo.__main__ import main as run

    run()


def require_rooms(*, command: bool) -> None:
    """Do nothing if no package of ours is hidden; else end a command with one line on stderr.

    Raises:
        ImportError: a package is hidden, and this process is not the `zoo` command.
    """
    lines = "; ".join(hidden_rooms())
    if lines and not command:
        raise ImportError(lines)
    if lines:
        sys.stderr.write(f"zoo: {lines}\n")
        sys.exit(_USAGE)


def hidden_rooms(path: Sequence[str] | None = None) -> Iterator[str]:
    """Yield a phrase for each package of ours that another module hides in this process.

    With `path`, only modules in these folders count. Nothing is imported.
    """
    for name in ROOMS:
        place = _place(_found(name, path))
        if place is not None and not _is_ours(name, place):
            yield (
                f"{place} hides the package `{name}` of zoo-bench: rename it, or run where "
                "Python does not look there first"
            )


def _found(name: str, path: Sequence[str] | None) -> ModuleSpec | None:
    if path is not None:
        return PathFinder.find_spec(name, list(path))
    try:
        return find_spec(name)
    except (ValueError, ImportError):  # a module that somebody made by hand
        return ModuleSpec(name, None, origin=f"a module {name!r} that was made in this process")


def _place(found: ModuleSpec | None) -> str | None:
    """Return the file of a module, or the folder of a package without an `__init__.py`."""
    if found is None:
        return None
    return found.origin or next(iter(found.submodule_search_locations or ()), None)


def _is_ours(name: str, place: str) -> bool:
    """Return whether `place` lies beside this file, as it does wherever ours is installed."""
    ours = Path(__file__).resolve().parent / name
    return ours in (Path(place).resolve(), Path(place).resolve().parent)
