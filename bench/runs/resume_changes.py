"""Options given to a resumed run: which it may change, and whether trials are left for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bench.data.folds import parse_folds
from bench.runs.request import Request, as_plain
from bench.runs.resolve import recipe_of, with_files_read
from bench.runs.run_folder import RunFolder
from bench.runs.run_options import OPTIONS, displaced_by
from registry.errors import RunError


def apply_changes(request: Request, changes: Mapping[str, Any]) -> Request:
    """Return `request` with `changes`; raise RunError for one that a resumed run cannot have."""
    for name in ("models", "seeds"):
        if name in changes and changes[name] != getattr(request, name):
            was = ", ".join(map(str, getattr(request, name)))
            raise RunError(f"a resumed run keeps its {name} ({was}): leave them out")
    split = changes.get("split", request.split)
    if parse_folds(split) != parse_folds(request.split):
        raise RunError(f"a resumed run keeps its split ({request.split}): leave it out")
    if changes.get("within", request.within) != request.within:
        raise RunError("a resumed run keeps its images: leave out --within")
    if changes.get("target", request.target) != request.target:
        raise RunError("a resumed run keeps its target: `zoo runs show RUN --target` shows others")
    changed = with_files_read(replace(request, **(displaced_by(changes) | dict(changes))))
    before, after = recipe_of(request), recipe_of(changed)
    if (before.seconds is None) != (after.seconds is None):
        raise RunError(
            f"a resumed run keeps its length, {before.length} a model, and never mixes epochs and "
            "a budget: leave out --epochs and --budget"
        )
    return changed


def require_no_changes(folder: RunFolder, asked: Request, request: Request, trials: int) -> None:
    """Raise RunError if `request` asks a finished run for something else than `asked`."""
    before, after = as_plain(asked), as_plain(request)
    changed = [OPTIONS[n].flag for n in after if n in OPTIONS and after[n] != before[n]]
    if changed:
        raise RunError(
            f"{folder.path}: all {trials} trials are finished, so nothing is left to do with "
            f"{', '.join(changed)}: start a new run, without --resume"
        )
