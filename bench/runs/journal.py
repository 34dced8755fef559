"""The journal of a run: what its database must hold, in a small file beside it.

SQLite drops a damaged end of its log without an error, so a trial could be lost unnoticed. The
database counts its changes. The journal has this count and the digest of each stored trial.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from bench.system.atomic_files import write_text
from bench.system.strict_json import json_digest
from registry.errors import RunError

NAME = "finished.json"
_NAMED = 3  # lost trials in a message


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRow:
    """A trial with a record: its readable name, and the digest of its row."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """The number of changes of a database, and its trials with a record by their number."""

    changes: int = 0
    trials: Mapping[int, StoredRow] = field(default_factory=dict)

    def write(self, database: Path) -> None:
        """Write the journal of `database` durably; nothing happens if the folder was moved."""
        plain = msgspec.to_builtins(self, str_keys=True)
        plain["sha256"] = json_digest(plain)
        with suppress(FileNotFoundError):
            write_text(database.with_name(NAME), json.dumps(plain) + "\n")


def read_journal(database: Path) -> Journal:
    """Return the journal of `database`; runs of earlier versions have an empty one.

    Raises:
        RunError: it cannot be read, or was altered.
    """
    path = database.with_name(NAME)
    try:
        plain = json.loads(path.read_bytes())
        sha256 = plain.pop("sha256")
        if json_digest(plain) != sha256:
            raise ValueError("its digest differs")
        return msgspec.convert(plain, Journal, str_keys=True)
    except FileNotFoundError:
        return Journal()
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise RunError(f"{path} is damaged") from error


def lost_trials(kept: Journal, there: Journal) -> list[str]:
    """Return the names of trials in `kept` that `there`, the state of the database, lacks.

    A newer database may have replaced a record, but never removes one.
    """
    newer = there.changes > kept.changes
    return [
        row.name
        for number, row in kept.trials.items()
        if number not in there.trials or (not newer and there.trials[number] != row)
    ]


def loss_of(database: Path, present: Callable[[], Journal]) -> str:
    """Return what `database` lacks in words, "" for nothing; `present` reads its state."""
    try:
        kept = read_journal(database)  # first: another process may store a trial meanwhile
    except RunError as error:
        return str(error)
    there = present()
    if lost := lost_trials(kept, there):
        return describe_loss(database, lost)
    if there.changes < kept.changes:
        return f"{database} is older than {NAME}"
    return ""


def describe_loss(database: Path, lost: list[str]) -> str:
    """Return in words which trials `database` has lost."""
    rest = f" and {len(lost) - _NAMED} more" if lost[_NAMED:] else ""
    trials = "1 stored trial" if len(lost) == 1 else f"{len(lost)} stored trials"
    return f"{database} is damaged: it lacks {trials}, {', '.join(lost[:_NAMED])}{rest}"


def loss_error(database: Path, loss: str) -> RunError:
    """Return the error that tells a loss, and what to do."""
    return RunError(
        f"{loss}: restore {database.name} and {NAME} from a copy, or train what is missing again "
        f"with `zoo bench --resume {database.parent} --inexact`"
    )
