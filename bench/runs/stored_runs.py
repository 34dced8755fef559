"""Runs that were made before: listed, read, compared, their tables written anew.

What reads one run raises RunError where there is no such run, or its records can't be read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from bench.analysis.cross_validation import tested_names
from bench.analysis.results import StoredRun, StoredTrial, tests_of
from bench.report.page.write import write_page
from bench.report.run_files import write_run, write_trial
from bench.runs.request import as_plain, request_of
from bench.runs.run_folder import RunFolder, run_folders
from bench.runs.run_results import RunResults
from bench.runs.store import Store
from bench.training.record import FINISHED
from bench.training.spec import TrialSpec
from registry.errors import RunError, format_error

_About = Mapping[str, Any]  # what the store says of a run


def list_runs(runs: Path) -> list[dict[str, Any]]:
    """Return one row for each run in `runs`: name, models, trials, finished, state, started.

    A run whose records can't be read is a row with its reason as the state.
    """
    return [_row(folder) for folder in run_folders(runs)]


def read_run(name: str, runs: Path, target: float | None = None) -> RunResults:
    """Return what a run has given so far; nothing is written.

    With `target`, a validation accuracy, 0 to 1, times to it instead of to the run's own.
    """
    return _read(name, runs, target)[0]


def stored_run(name: str, runs: Path, target: float | None = None) -> StoredRun:
    """Return all that is kept of a run, with times to `target`; nothing is written."""
    results, about, specs = _read(name, runs, target)
    return StoredRun(results=results, about=about, specs=specs)


def write_report(name: str, runs: Path) -> RunResults:
    """Return what a run has given so far, tables, figures and page written anew from its records.

    They are the same each time. The grids of photographs are not: they need the images. RunError
    is raised where the run is in use, or the page can't be drawn, too.
    """
    folder = RunFolder.find(name, runs)
    with folder.held(), closing(Store.open(folder.database)) as store:
        results = report(folder, store)
        try:
            write_page(results, store.about(), store.thumbnails.read)
        except Exception as error:
            raise RunError(f"the tables are written; {_page_error(results, error)}") from error
        return results


def try_write_page(results: RunResults, store: Store, say: Callable[[str], object]) -> None:
    """Write page and figures, or say why not: a run that was measured is not lost for that."""
    try:
        write_page(results, store.about(), store.thumbnails.read)
    except SystemExit:
        raise
    except BaseException as error:  # noqa: BLE001 a panic of vl-convert is no Exception
        results.page.unlink(missing_ok=True)  # it would tell of fewer trials
        say(f"{_page_error(results, error)}: `zoo report {results.folder}` tries again")


def report(folder: RunFolder, store: Store) -> RunResults:
    """Return what the run in `folder` has given so far, its tables being written anew."""
    about, trials = store.about(), store.trials()
    results = _results(folder, about, trials)
    write_trials(folder, about, trials)
    write_run(results, about)
    return results


def write_trials(folder: RunFolder, about: _About, trials: Sequence[StoredTrial]) -> None:
    """Write anew what is written of each of `trials` that has answered the test."""
    for trial in trials:
        if trial.record is not None:
            names = tested_names(about["split"], trial.spec)
            write_trial(folder.trial(trial.spec), trial.record, names, trial.test)


def _read(
    name: str, runs: Path, target: float | None
) -> tuple[RunResults, _About, tuple[TrialSpec, ...]]:
    """Return the results of a run, what its store says of it, and its trials as planned."""
    folder = RunFolder.find(name, runs)
    with closing(Store.open(folder.database, read_only=True)) as store:
        about, trials = store.about(), store.trials()
    return _results(folder, about, trials, target), about, tuple(trial.spec for trial in trials)


def unfinished_like(asked: dict[str, Any], runs: Path) -> RunFolder | None:
    """Return the last run of the very same request that is neither done nor being done."""

    def alike(store: Store) -> bool:
        left = any(status not in FINISHED for _, status in store.statuses())
        return left and as_plain(request_of(store.about()["request"])) == asked

    folder = find_last_run(runs, alike)
    return None if folder is None or folder.is_held() else folder


def find_last_run(runs: Path, wanted: Callable[[Store], bool]) -> RunFolder | None:
    """Return the last run in `runs` whose store is `wanted`, of those that can be read."""
    for folder in reversed(run_folders(runs)):
        try:
            with closing(Store.open(folder.database, read_only=True)) as store:
                if wanted(store):
                    return folder
        except (RunError, KeyError):  # damaged, or of another version
            continue
    return None


def _page_error(results: RunResults, error: BaseException) -> str:
    return f"{results.page} can't be drawn: {format_error(error)}"


def _results(
    folder: RunFolder, about: _About, trials: Sequence[StoredTrial], target: float | None = None
) -> RunResults:
    records = [trial.record for trial in trials if trial.record is not None]
    return RunResults.from_records(
        folder.path, about, records, planned=len(trials), tests=tests_of(trials), target=target
    )


def _row(folder: RunFolder) -> dict[str, Any]:
    row: dict[str, Any] = {"name": folder.path.name, "folder": str(folder.path)}
    try:
        with closing(Store.open(folder.database, read_only=True)) as store:
            about, trials = store.about(), store.statuses()
    except RunError as error:
        return row | {"state": str(error)}
    finished = [status for _, status in trials if status in FINISHED]
    state = "unfinished" if len(finished) < len(trials) else "done"
    return row | {
        "models": list(dict.fromkeys(model for model, _ in trials)),
        "title": about["title"],
        "started": about["environment"]["started"],
        "trials": len(trials),
        "finished": len(finished),
        "failed": sum(status != "ok" for status in finished),
        "state": "running" if folder.is_held() else state,
    }
