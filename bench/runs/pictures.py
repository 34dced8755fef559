"""Pictures of the test images that a run keeps: grids under answers, small ones for its page."""

from __future__ import annotations

from collections.abc import Sequence

from bench.analysis.results import Results, StoredTrial
from bench.report.page.sections import shown_photographs
from bench.report.run_files import answers_path, draw_answers
from bench.runs.plan import Plan
from bench.runs.progress import Progress
from bench.runs.run_folder import RunFolder
from bench.runs.store import Store
from bench.runs.thumbnails import keep_missing


def keep_pictures(
    store: Store, plan: Plan, progress: Progress, results: Results | None = None
) -> None:
    """Keep small pictures of the test images, and of all that the page of `results` shows."""
    try:
        names = shown_photographs(results) if results else ()
        keep_missing(store.thumbnails, plan.splits.test, plan.source, names)
    except Exception as error:  # noqa: BLE001 no picture is worth a measurement
        progress.say(f"small pictures can't be kept for the report: {error}")


def trials_without_grid(folder: RunFolder, trials: Sequence[StoredTrial]) -> list[StoredTrial]:
    """Return those of `trials` that have answers and no grid of test photographs."""
    return [
        trial
        for trial in trials
        if trial.test is not None and not answers_path(folder.trial(trial.spec)).is_file()
    ]


def draw_grids(trials: Sequence[StoredTrial], folder: RunFolder, plan: Plan) -> None:
    """Draw the grid of test photographs of each of `trials`, where they are the plan's."""
    for trial in trials:
        split = plan.splits.of(trial.spec.fold)
        if trial.record and trial.test and trial.spec.split_fingerprint == split.fingerprint:
            where = folder.trial(trial.spec)
            draw_answers(where, trial.record, split.test, trial.test, plan.source)
