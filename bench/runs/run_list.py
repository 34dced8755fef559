"""The list of stored runs, which needs neither torch nor pandas."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from bench.runs.lost_trials import whole_trials
from bench.runs.run_folder import RunFolder, run_folders
from bench.runs.store import Store
from bench.runs.stored_values import require_described
from registry.errors import RunError, format_error


def list_runs(runs: Path) -> list[dict[str, Any]]:
    """Return one row for each run in `runs`: name, models, trials, finished, state, started.

    The state of a run with unreadable records is the reason.
    """
    return [_row(folder) for folder in run_folders(runs)]


def _row(folder: RunFolder) -> dict[str, Any]:
    row: dict[str, Any] = {"name": folder.path.name, "folder": str(folder.path)}
    try:
        with (
            as_damage(folder),
            closing(Store.open(folder.database, read_only=True)) as store,
        ):
            about, trials = store.about(), whole_trials(folder, store)
            require_described(about)
    except RunError as error:
        return row | {"state": str(error)}
    finished = [trial.record for trial in trials if trial.record and trial.finished]
    state = "unfinished" if len(finished) < len(trials) else "done"
    return row | {
        "models": list(dict.fromkeys(trial.spec.model for trial in trials)),
        "title": about["title"],
        "started": about["environment"]["started"],
        "trials": len(trials),
        "finished": len(finished),
        "failed": sum(record.status != "ok" for record in finished),
        "state": "running" if folder.is_held() else state,
    }


@contextmanager
def as_damage(folder: RunFolder) -> Iterator[None]:
    """Turn errors of computing with stored values into one line that names the file."""
    try:
        yield
    except (ValueError, TypeError, LookupError, ArithmeticError, AttributeError) as error:
        raise RunError(f"{folder.database} is damaged: {format_error(error)}") from error
