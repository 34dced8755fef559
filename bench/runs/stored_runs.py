"""Stored runs: list them, read them, write their tables again.

Functions that read a run raise RunError if it does not exist or its records are unreadable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from bench.analysis.cross_validation import tested_names
from bench.analysis.results import Results, StoredRun, tests_of
from bench.report.page.write import write_page
from bench.report.run_files import write_run, write_trial
from bench.runs.lost_trials import whole_trials
from bench.runs.request import as_plain, request_of
from bench.runs.run_folder import RunFolder, run_folders
from bench.runs.run_list import as_damage
from bench.runs.run_results import RunResults
from bench.runs.store import Store
from bench.runs.stored_values import require_described
from bench.training.spec import TrialSpec
from bench.training.stored_trial import StoredTrial
from registry.errors import RunError, StorageError, format_error

RunName = int | str | Path | Results
_About = Mapping[str, Any]  # the description of a run in its store


def name_of(run: RunName) -> str:
    """Return what `RunFolder.find` takes for a run, which may be given as results."""
    return str(run.folder if isinstance(run, Results) else run)


def load(run: int | str | Path, *, runs: str | Path = "runs") -> RunResults:
    """Return the results of a stored run so far; nothing is written or trained.

    Args:
        run: its folder, name in `runs`, or number; `runs/1` is number 1 in the folder `runs`.
        runs: folder of the run folders.

    Raises:
        RunError: the run does not exist, or its records are unreadable.
    """
    return read_run(str(run), Path(runs))


def read_run(name: str, runs: Path, target: float | None = None) -> RunResults:
    """Return the results of a run so far; nothing is written.

    `target`, a validation accuracy of 0 to 1, replaces the run's own for times to target.
    """
    return _read(name, runs, target)[0]


def stored_run(name: str, runs: Path, target: float | None = None) -> StoredRun:
    """Return everything stored of a run, with times to `target`; nothing is written."""
    results, about, specs = _read(name, runs, target)
    return StoredRun(results=results, about=about, specs=specs)


def write_report(name: str, runs: Path) -> RunResults:
    """Return the results of a run so far; write its tables, figures and page again.

    They are the same each time. Grids of test images are not written: they need the images. Also
    raises RunError if the run is in use or the page cannot be drawn.
    """
    folder = RunFolder.find(name, runs)
    with (
        _explain_write_errors(folder),
        folder.held(),
        closing(Store.open(folder.database)) as store,
    ):
        results = report(folder, store)
        try:
            write_page(results, store.about(), store.thumbnails.read)
        except Exception as error:
            raise RunError(f"tables written, but {_page_error(results, error)}") from error
        return results


def try_write_page(results: RunResults, store: Store, say: Callable[[str], object]) -> None:
    """Write page and figures; on failure print why, so that the run is not lost."""
    try:
        write_page(results, store.about(), store.thumbnails.read)
    except (SystemExit, KeyboardInterrupt):
        results.page.unlink(missing_ok=True)
        raise
    except BaseException as error:  # noqa: BLE001 a panic of vl-convert is not an Exception
        results.page.unlink(missing_ok=True)  # it would show fewer trials
        say(f"{_page_error(results, error)}: `zoo report {results.folder}` tries again")


def report(folder: RunFolder, store: Store) -> RunResults:
    """Return the results of the run in `folder` so far, and write its tables again."""
    about, trials = store.about(), whole_trials(folder, store)
    store.write_journal()
    results = results_of(folder, about, trials)
    with as_damage(folder):
        write_trials(folder, about, trials)
        write_run(results, about)
    return results


def write_trials(folder: RunFolder, about: _About, trials: Sequence[StoredTrial]) -> None:
    """Write the files of each trial with a record."""
    for trial in trials:
        if trial.record is not None:
            names = tested_names(about["split"], trial.spec)
            where, tested = folder.trial(trial.spec), about["split"]["test"]
            write_trial(where, trial.record, names, trial.test, tested)


def _read(
    name: str, runs: Path, target: float | None
) -> tuple[RunResults, _About, tuple[TrialSpec, ...]]:
    """Return the results of a run, its description, and its planned trials."""
    folder = RunFolder.find(name, runs)
    with closing(Store.open(folder.database, read_only=True)) as store:
        about, trials = store.about(), whole_trials(folder, store)
    return results_of(folder, about, trials, target), about, tuple(trial.spec for trial in trials)


def unfinished_like(asked: dict[str, Any], runs: Path) -> RunFolder | None:
    """Return the last run of an equal request that is neither finished nor in use."""

    def alike(store: Store) -> bool:
        stored = as_plain(request_of(store.about()["request"]))
        if stored["until_clear"]:  # it has begun with the seeds of the first look
            stored["seeds"] = asked["seeds"]
        if stored != asked:
            return False
        return not all(trial.finished for trial in store.trials())

    folder = find_last_run(runs, alike)
    return None if folder is None or folder.is_held() else folder


def find_last_run(runs: Path, wanted: Callable[[Store], bool]) -> RunFolder | None:
    """Return the last readable run in `runs` whose store is `wanted`."""
    for folder in reversed(run_folders(runs)):
        try:
            with closing(Store.open(folder.database, read_only=True)) as store:
                if wanted(store):
                    return folder
        except (RunError, KeyError):  # damaged, or of another version
            continue
    return None


@contextmanager
def _explain_write_errors(folder: RunFolder) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        what = error.filename2 or error.filename or folder.path
        raise StorageError(f"cannot write {what}: {error.strerror or error}") from error


def _page_error(results: RunResults, error: BaseException) -> str:
    return f"cannot draw {results.page}: {format_error(error)}"


def results_of(
    folder: RunFolder, about: _About, trials: Sequence[StoredTrial], target: float | None = None
) -> RunResults:
    """Return the results of the run in `folder`, given what its store has; nothing is written."""
    records = [trial.record for trial in trials if trial.record is not None]
    with as_damage(folder):
        require_described(about)
        tests = tests_of(trials)
        return RunResults.from_records(
            folder.path, about, records, planned=len(trials), tests=tests, target=target
        )
