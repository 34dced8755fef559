"""Weights files of runs: where they are, and which seed and fold they come from."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from bench.runs.run_folder import RunFolder
from bench.system.display import count_noun, join_names
from registry.errors import RunError

_RUNS = Path("runs")


def find_weights(run: str | Path, runs: Path = _RUNS, *, best: bool = False) -> tuple[Path, ...]:
    """Return the weights of a run, one file a trial: of the last or the best epoch.

    Args:
        run: a run's number, its name in `runs` or its folder; a trial's folder; a weights file.
        runs: folder for runs.
        best: weights of the best epoch.

    Raises:
        RunError: there are none, or `run` holds several runs.
    """
    name = str(run)
    try:
        place = _find_place(name, runs)
        if place.is_file():
            return (place,)
        found = sorted(place.rglob("weights.safetensors"), key=_in_numeric_order)
    except OSError as error:
        raise RunError(f"cannot search {name} for weights: {error.strerror}") from error
    if not found:
        raise RunError(f"no weights in {place}: {_what_to_do(place)}")
    _require_one_run(place, found)
    if best:  # without such a file the last epoch is the best
        others = [path.with_name("weights-best.safetensors") for path in found]
        found = [b if b.exists() else path for b, path in zip(others, found, strict=True)]
    return tuple(found)


def require_weights(place: Path, wanted: Sequence[Path]) -> None:
    """Raise RunError if one of the files `wanted` in the run folder `place` is missing."""
    lost = [path for path in wanted if not path.is_file()]
    if lost:
        raise RunError(
            f"{place} lacks the weights of {len(lost)} of {count_noun(len(wanted), 'network')}: "
            "train a new run without --no-weights, whose networks can be asked again"
        )


def turn_of(weights: Path) -> tuple[int | None, int | None]:
    """Return the seed and fold of a weights file from its folders' names, if they say so."""
    folder = weights.absolute().parent
    fold = _number("fold", folder)
    return _number("seed", folder if fold is None else folder.parent), fold


def _find_place(name: str, runs: Path) -> Path:
    """Return a file, else a run folder as `zoo runs show` finds it, else another folder."""
    places = Path(name), runs / name
    for path in places:
        if path.is_file():
            return path
    try:
        return RunFolder.find(name, runs).path
    except RunError:
        for path in filter(Path.is_dir, places):
            return path
        raise


def _what_to_do(place: Path) -> str:
    if (place / "run.db").is_file():
        return (
            f"each trial that finishes leaves them there; `zoo runs show {place}` shows which did"
        )
    return "name a run by its number or folder, as `zoo runs` lists them"


def _require_one_run(place: Path, found: Sequence[Path]) -> None:
    runs = list(dict.fromkeys(map(_run_of, found)))
    if len(runs) > 1:
        names = join_names([each or "weights outside a run" for each in runs], most=4)
        raise RunError(f"{place} holds several runs, {names}: name one of them")


def _run_of(weights: Path) -> str:
    """Return the path of the run folder around a file, or ""."""
    return next((str(each) for each in weights.parents if (each / "run.db").is_file()), "")


def _number(what: str, folder: Path) -> int | None:
    found = re.fullmatch(rf"{what}-(\d{{1,18}})", folder.name)
    return int(found.group(1)) if found else None


def _in_numeric_order(path: Path) -> list[str | int]:
    """Return a sort key: seed-2 comes before seed-10."""
    parts = re.split(r"(\d{1,18})", str(path), flags=re.ASCII)
    return [int(part) if number % 2 else part for number, part in enumerate(parts)]
