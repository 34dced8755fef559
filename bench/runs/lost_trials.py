"""The trials of a stored run, unless some were lost; traces of lost ones are in its folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import suppress

from bench.runs.journal import describe_loss, loss_error
from bench.runs.run_folder import RunFolder
from bench.runs.store import Store
from bench.training.record import FINISHED
from bench.training.stored_trial import StoredTrial

_RECORD, _LOST = "record.json", "record-lost.json"


def whole_trials(folder: RunFolder, store: Store) -> list[StoredTrial]:
    """Return the trials of the run, in the order of the plan.

    Raises:
        RunError: the database is damaged, or lacks trials of which the folder has records.
    """
    trials = store.trials()
    if lost := _lost_trials(folder, trials):
        raise loss_error(folder.database, describe_loss(folder.database, _names(lost)))
    return trials


def trials_despite_loss(
    folder: RunFolder, store: Store, say: Callable[[str], object]
) -> list[StoredTrial]:
    """Return the trials of the run after telling those that were lost and are to be tried again.

    Raises:
        RunError: what the database still has is damaged.
    """
    trials = store.trials()
    lost = _lost_trials(folder, trials)
    loss = store.loss or (describe_loss(folder.database, _names(lost)) if lost else "")
    if loss:
        say(f"{loss}: training again what is missing")
        for trial in lost:  # a trace that stays would be told as lost again
            where = folder.path_of(trial.spec)
            with suppress(OSError):
                (where / _RECORD).replace(where / _LOST)
        store.write_journal()
    return trials


def _lost_trials(folder: RunFolder, trials: Sequence[StoredTrial]) -> list[StoredTrial]:
    """Return the trials without a record whose folder has that of a finished one."""
    return [each for each in trials if each.record is None and _was_finished(folder, each)]


def _was_finished(folder: RunFolder, trial: StoredTrial) -> bool:
    try:
        record = json.loads((folder.path_of(trial.spec) / _RECORD).read_bytes())
        return record["status"] in FINISHED
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False


def _names(trials: Sequence[StoredTrial]) -> list[str]:
    return [f"{trial.spec.model} ({trial.spec.turn})" for trial in trials]
