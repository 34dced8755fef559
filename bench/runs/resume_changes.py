"""What has changed when a run is resumed: options that it may change, and pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bench.data.folds import parse_folds
from bench.data.synthetic import SYNTHETIC_NAME
from bench.runs.request import Request, as_plain
from bench.runs.resolve import recipe_of, with_files_read
from bench.runs.run_folder import RunFolder
from bench.runs.run_options import OPTIONS, displaced_by
from bench.system.display import join_names
from registry.errors import RunError

_PARTS = ("train", "validation", "test")
_NAMED = 2  # the first picture and how many more: a message is one line


def apply_changes(request: Request, changes: Mapping[str, Any]) -> Request:
    """Return `request` with `changes`; raise RunError for one that a resumed run cannot have."""
    if changes.get("models", request.models) != request.models:
        was = ", ".join(map(str, request.models))
        raise RunError(f"a resumed run keeps its models ({was}): leave them out")
    _require_all_seeds(request, changes)
    _require_rule(request, changes)
    split = changes.get("split", request.split)
    if parse_folds(split) != parse_folds(request.split):
        raise RunError(f"a resumed run keeps its split ({request.split}): leave it out")
    if changes.get("within", request.within) != request.within:
        raise RunError("a resumed run keeps its images: leave out --within")
    if changes.get("target", request.target) != request.target:
        raise RunError("a resumed run keeps its target: `zoo runs show RUN --target` shows others")
    changed = with_files_read(replace(request, **(displaced_by(changes) | dict(changes))))
    if {*changed.seeds} == {*request.seeds}:  # in another order they are the same
        changed = replace(changed, seeds=request.seeds)
    before, after = recipe_of(request), recipe_of(changed)
    if (before.seconds is None) != (after.seconds is None):
        raise RunError(
            f"a resumed run keeps its length, {before.length} a model, and never mixes epochs and "
            "a budget: leave out --epochs and --budget"
        )
    return changed


def _require_all_seeds(request: Request, changes: Mapping[str, Any]) -> None:
    """Raise RunError if the changes leave out a seed of the run."""
    if request.until_clear and "seeds" in changes:
        raise RunError("this run adds seeds until it is clear: leave out --seeds")
    asked = changes.get("seeds", request.seeds)
    if left_out := [str(seed) for seed in request.seeds if seed not in asked]:
        raise RunError(
            f"--seeds leaves out {join_names(left_out)}: a resumed run keeps its seeds "
            f"({join_names([*map(str, request.seeds)])}) and may get more"
        )


def _require_rule(request: Request, changes: Mapping[str, Any]) -> None:
    """Raise RunError if the changes have another rule for the number of seeds.

    Only one seed, which nothing was tested with, may be followed by looks: further tests of the
    same models would find differences by chance.
    """
    if changes.get("until_clear") and not request.until_clear:
        if request.seeds != (0,):
            raise RunError(
                f"this run was tested with {len(request.seeds)} seeds, and more tests would find "
                "differences by chance: begin a new run with --until-clear"
            )
        return
    for name in ("until_clear", "same_within"):
        if changes.get(name, getattr(request, name)) != getattr(request, name):
            raise RunError(
                "a resumed run keeps the rule for its seeds: leave out --until-clear and "
                "--same-within"
            )


def require_no_changes(folder: RunFolder, asked: Request, request: Request, trials: int) -> None:
    """Raise RunError if `request` asks a finished run for something else than `asked`."""
    before, after = as_plain(asked), as_plain(request)
    changed = [OPTIONS[n].flag for n in after if n in OPTIONS and after[n] != before[n]]
    if changed:
        raise RunError(
            f"{folder.path}: all {trials} trials are finished, so nothing is left to do with "
            f"{', '.join(changed)}: start a new run, without --resume"
        )


def name_changed_pictures(then: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Return which picture has changed first between two descriptions of a run, and how many.

    "" if unknown: runs of earlier versions have no digests, so that only names are compared.
    """
    before, after = _pictures(then), _pictures(now)
    embedded = then.get("data") == now.get("data") == SYNTHETIC_NAME
    if embedded and not {*before.values()} & {*after.values()}:
        return ": this version has other drawings, so begin a new run"
    said = [f"{name} is missing" for name in before if name not in after]
    said += [f"{name} is new" for name in after if name not in before]
    both = [name for name in before if name in after and None not in (before[name], after[name])]
    said += [f"{name} has changed" for name in both if before[name] != after[name]]
    return f": {join_names(said, most=_NAMED)}" if said else ""


def _pictures(about: Mapping[str, Any]) -> dict[str, str | None]:
    """Return the digest of each picture of a run by its name, None if it is unknown."""
    if isinstance(kept := about.get("pictures"), dict):
        return kept
    split = about["split"]
    parts = [part for each in split.get("folds", [split]) for part in map(each.get, _PARTS)]
    return dict.fromkeys((name for part in parts for name in part or ()), None)
