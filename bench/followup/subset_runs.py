"""The models of a run, trained again on subsets of its training images: ordinary runs inside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from bench.followup.finished_run import FinishedRun
from bench.report.followup_file import FOLDER
from bench.runs.execute import execute, resume
from bench.runs.request import Request, as_plain, request_of
from bench.runs.resolve import resolve_request
from bench.runs.run_options import SAME_WITHIN
from bench.runs.run_results import RunResults
from bench.runs.store import Store
from bench.runs.stored_runs import find_last_run, read_run
from bench.system.received_files import make_inside
from registry.errors import RunError

_USUAL, _MOST = 4, 5  # sizes by default
_LEAST, _ENOUGH = 2, 10  # images of the smallest class, for the usual sizes and for one more


def train_sizes_below(total: int, smallest: int, asked: Sequence[int] | None) -> list[int]:
    """Return the sizes below `total`, in ascending order."""
    if asked is None:
        halves = [total >> number for number in range(1, _MOST)]
        least = [_LEAST] * (_USUAL - 1) + [_ENOUGH] * (_MOST - _USUAL)
        return sorted(
            size for size, few in zip(halves, least, strict=True) if smallest * size >= few * total
        )
    for size in asked:
        if isinstance(size, bool) or not isinstance(size, int) or not 0 < size <= total:
            raise RunError(
                f"--train-sizes takes numbers of images from 1 to {total:,}, which the run has to "
                f"train, not {size!r}"
            )
    return sorted({*asked} - {total})


def train_with(run: FinishedRun, size: int, *, trust: bool) -> RunResults:
    """Return the results with `size` training images; what is finished is not trained again."""
    asked = request_of(run.about["request"])
    place = run.folder.path / FOLDER / "learn-curve"
    make_inside(run.folder.path, place)
    request = replace(
        asked, train_images=size, runs=place, until_clear=False, same_within=SAME_WITHIN,
        weights=False, profile=False, log=(),
    )  # fmt: skip
    wanted, pictures = _without_place(request), run.plan.about["pictures"].items()

    def is_wanted(store: Store) -> bool:
        about = store.about()
        same = about["pictures"].items() <= pictures
        return same and _without_place(request_of(about["request"])) == wanted

    folder = find_last_run(place, is_wanted)
    if folder is None:
        run.progress.say(f"training with {size:,} images")
        return _unstopped(execute(resolve_request(request), run.progress))
    name = str(folder.path)
    results = read_run(name, place)
    if results.unfinished or {*asked.seeds} - {each.spec.seed for each in results.records}:
        run.progress.say(f"training with {size:,} images")
        changes = {"seeds": asked.seeds}
        results = _unstopped(resume(name, place, changes, run.progress, trusted=trust))
    return results


def _without_place(request: Request) -> dict[str, Any]:
    """Return the request as JSON values, without its folder and its seeds, which may grow."""
    return {**as_plain(request), "runs": None, "seeds": None}


def _unstopped(results: RunResults) -> RunResults:
    if results.stopped_by is not None:
        raise KeyboardInterrupt(results.stopped_by)
    return results
