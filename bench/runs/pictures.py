"""Pictures of test images in a run: grids with predictions, and thumbnails for the page."""

from __future__ import annotations

from collections.abc import Sequence

from bench.analysis.results import Results
from bench.report.page.sections import shown_photographs
from bench.report.run_files import answers_path, draw_answers
from bench.runs.plan import Plan
from bench.runs.progress import Progress
from bench.runs.run_folder import RunFolder
from bench.runs.store import Store
from bench.runs.thumbnails import keep_missing
from bench.training.evaluation import Evaluation
from bench.training.record import TrialRecord
from bench.training.stored_trial import StoredTrial
from registry.errors import DataError


def keep_pictures(
    store: Store, plan: Plan, progress: Progress, results: Results | None = None
) -> None:
    """Store thumbnails of the test images, and of the images on the page of `results`."""
    try:
        names = shown_photographs(results) if results else ()
        keep_missing(store.thumbnails, plan.splits.test, plan.source, names)
    except Exception as error:  # noqa: BLE001 no picture may cost a measurement
        progress.say(f"cannot store thumbnails for the report: {error}")


def trials_without_grid(folder: RunFolder, trials: Sequence[StoredTrial]) -> list[StoredTrial]:
    """Return the trials with predictions but without a grid of test images."""
    return [
        trial
        for trial in trials
        if trial.test is not None and not answers_path(folder.trial(trial.spec)).is_file()
    ]


def draw_grid_of(
    record: TrialRecord, test: Evaluation, folder: RunFolder, plan: Plan, progress: Progress
) -> None:
    """Draw the grid of test images of a trial, or say why not: it may cost no measurement."""
    images = plan.splits.of(record.spec.fold).test
    try:
        draw_answers(folder.trial(record.spec), record, images, test, plan.source)
    except DataError as error:
        progress.say(f"cannot draw the test images: {error}")


def draw_grids(
    trials: Sequence[StoredTrial], folder: RunFolder, plan: Plan, progress: Progress
) -> None:
    """Draw the grid of test images of each trial whose split is the plan's, if they are there."""
    for trial in trials:
        split = plan.splits.of(trial.spec.fold)
        if trial.record and trial.test and trial.spec.split_fingerprint == split.fingerprint:
            draw_grid_of(trial.record, trial.test, folder, plan, progress)
