"""The store of a run: one SQLite file with the plan and the result of each trial.

A result is one transaction with history and predictions. It is synced before it is reported.
Each row has its own SHA-256, since SQLite does not detect altered bytes; `finished.json` tells
what was stored, since SQLite does not detect a cut log. One process writes. All other files of a
run folder can be made from it again.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bench.runs.journal import Journal, StoredRow, loss_error, loss_of
from bench.runs.more_trials import as_from_the_start
from bench.runs.schema import (
    CONTENTS,
    SCHEMA,
    SCHEMA_VERSION,
    connect,
    empty_log,
    naming_file,
    require_own_tables,
    sha256_of,
    transaction,
)
from bench.runs.stored_values import (
    check_about,
    check_answers,
    check_plan,
    naming_trial,
    read_json,
    require_answers,
)
from bench.runs.thumbnails import Thumbnails
from bench.training.evaluation import Evaluation
from bench.training.record import TrialRecord, TrialResult, record_of
from bench.training.spec import TrialSpec, as_plain, spec_of
from bench.training.stored_trial import StoredTrial
from registry.errors import RunError

_Rows = Sequence[tuple[Any, ...]]  # of epochs or predictions


class Store:
    """The records of one run.

    Methods that read raise RunError if the file is damaged. Methods that write raise StorageError
    if writing fails; earlier content stays.
    """

    def __init__(self, path: Path, database: sqlite3.Connection) -> None:
        self._path, self._database = path, database
        self.loss = ""  # what was stored and is missing, in words

    @classmethod
    def create(cls, path: Path, about: Mapping[str, object], specs: Sequence[TrialSpec]) -> Store:
        """Return a new store in the new file `path`, with the plan in it.

        `about` is the description of the run, by name, as JSON values; `specs` are the trials.
        """
        with naming_file(path):
            database = connect(path)
            database.executescript(SCHEMA)  # starts the transaction that ends below
            store = cls(path, database)
            for name, value in about.items():
                store._put_about(name, value)
            store._put_about(CONTENTS, {"names": sorted(about), "trials": len(specs)})
            for number, spec in enumerate(specs):
                store._put(number, spec)
            database.execute("COMMIT")
            empty_log(database)
        return store

    @classmethod
    def open(cls, path: Path, *, read_only: bool = False, lossy: bool = False) -> Store:
        """Return the store in the file `path`; `lossy` accepts one that has lost trials.

        Raises:
            RunError: it is missing, of another version, or lacks what was stored in it.
        """
        try:
            is_there = path.is_file()
        except OSError as error:
            raise RunError(f"cannot read {path}: {error.strerror}") from error
        if not is_there:
            raise RunError(f"no run in {path.parent}: {path.name} is missing; see `zoo runs`")
        with naming_file(path):
            database = connect(path, read_only=read_only)
            (version,) = database.execute("PRAGMA user_version").fetchone()
            require_own_tables(database)
            if version != SCHEMA_VERSION:
                raise RunError(
                    f"{path} has records of version {version}, this zoo reads version "
                    f"{SCHEMA_VERSION}: use the zoo that wrote it"
                )
            store = cls(path, database)
            store.loss = loss_of(path, store._journal)
            if store.loss and not lossy:
                database.close()
                raise loss_error(path, store.loss)
        return store

    @property
    def thumbnails(self) -> Thumbnails:
        """The thumbnails of test images."""
        return Thumbnails(self._path, self._database)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def about(self) -> dict[str, Any]:
        """Return the description of the run, by name."""
        with naming_file(self._path):
            rows = self._database.execute("SELECT name, value, sha256 FROM run").fetchall()
            for name, value, sha256 in rows:
                if sha256_of(f"{name}\n{value}") != sha256:
                    raise RunError(f"{self._path} is damaged: {name!r} was altered")
            found = {name: read_json(value, name) for name, value, _ in rows}
            if found.pop(CONTENTS)["names"] != sorted(found):
                raise RunError(f"{self._path} is damaged: part of the run's description is missing")
            check_about(found)
            return found

    def trials(self) -> list[StoredTrial]:
        """Return the trials, in the order of a plan that has all of them from the start."""
        with naming_file(self._path):
            rows = self._database.execute(
                "SELECT number, model, seed, status, spec, record, sha256 FROM trial "
                "ORDER BY number"
            ).fetchall()
            if [row[0] for row in rows] != list(range(self._contents()["trials"])):
                raise RunError(f"{self._path} is damaged: a trial is missing")
            trials = [self._trial(*row) for row in rows]
            about = self.about()
            check_plan(about, [(trial.spec, trial.record) for trial in trials])
            return as_from_the_start(trials, about)

    def tell(self, name: str, value: object) -> None:
        """Add to the description, or replace what it has under `name`, durably."""
        with self._change():
            contents = self._contents()
            self._put_about(name, value)
            self._put_about(CONTENTS, contents | {"names": sorted({*contents["names"], name})})

    def grow(self, changes: Mapping[str, Any], specs: Sequence[TrialSpec]) -> None:
        """Add trials after the others, and `changes` of the request, durably: all, or nothing."""
        request = {**self.about()["request"], **changes}
        with self._change():
            contents = self._contents()
            for number, spec in enumerate(specs, start=contents["trials"]):
                self._put(number, spec)
            self._put_about("request", request)
            self._put_about(CONTENTS, contents | {"trials": contents["trials"] + len(specs)})

    def finish(self, number: int, result: TrialResult) -> None:
        """Store the result of a trial durably; it may replace that of an interrupted one."""
        with self._change():
            self._put(number, result.record.spec, result.record, result.test)

    def write_journal(self) -> None:
        """Write `finished.json`: nothing but the present content was stored."""
        with naming_file(self._path):
            self._journal().write(self._path)

    @contextmanager
    def _change(self) -> Iterator[None]:
        """Apply all changes or none, durably; then note in the journal what is stored."""
        with naming_file(self._path):
            with transaction(self._database):
                yield
                contents = self._contents()
                self._put_about(CONTENTS, contents | {"changes": contents.get("changes", 0) + 1})
            empty_log(self._database)
            self._journal().write(self._path)

    def _contents(self) -> dict[str, Any]:
        """Return the names of the description, and the numbers of trials and of changes."""
        (value, sha256) = self._database.execute(
            "SELECT value, sha256 FROM run WHERE name = ?", (CONTENTS,)
        ).fetchone()
        if sha256_of(f"{CONTENTS}\n{value}") != sha256:
            raise RunError(f"{self._path} is damaged: {CONTENTS!r} was altered")
        return dict(json.loads(value))

    def _journal(self) -> Journal:
        """Return what a journal of the present content would have."""
        rows = self._database.execute(
            "SELECT number, model, seed, fold, sha256 FROM trial "
            "WHERE status != 'planned' OR record IS NOT NULL"
        ).fetchall()
        trials = {
            number: StoredRow(name=_named(model, seed, fold), sha256=sha256)
            for number, model, seed, fold, sha256 in rows
        }
        return Journal(changes=self._contents().get("changes", 0), trials=trials)

    def _put_about(self, name: str, value: object) -> None:
        text = json.dumps(value)
        self._database.execute(
            "INSERT OR REPLACE INTO run VALUES (?, ?, ?)",
            (name, text, sha256_of(f"{name}\n{text}")),
        )

    def _put(
        self,
        number: int,
        spec: TrialSpec,
        record: TrialRecord | None = None,
        test: Evaluation | None = None,
    ) -> None:
        asked, status, rest = json.dumps(as_plain(spec)), "planned", None
        epochs, answers = list[tuple[int, str]](), list[tuple[int, int, str]]()
        if record is not None:
            plain, status = as_plain(replace(record, history=())), record.status
            rest = json.dumps({n: plain[n] for n in plain if n not in ("spec", "history")})
            epochs = [(each.epoch, json.dumps(as_plain(each))) for each in record.history]
        if test is not None:
            rows = zip(test.labels.tolist(), test.probabilities.tolist(), strict=True)
            answers = [(n, label, json.dumps(row)) for n, (label, row) in enumerate(rows)]
        digest = _digest(number, status, asked, rest, epochs, answers)
        execute, many = self._database.execute, self._database.executemany
        for table in ("epoch", "prediction"):
            execute(f"DELETE FROM {table} WHERE trial = ?", (number,))
        execute(
            "INSERT OR REPLACE INTO trial VALUES (?, ?, ?, ?, ?, ?, ?)",
            (number, spec.model, spec.seed, status, asked, rest, digest),
        )
        many("INSERT INTO epoch VALUES (?, ?, ?)", [(number, *each) for each in epochs])
        many("INSERT INTO prediction VALUES (?, ?, ?, ?)", [(number, *each) for each in answers])

    def _trial(
        self,
        number: int,
        model: str,
        seed: int,
        status: str,
        spec: str,
        record: str | None,
        sha256: str,
    ) -> StoredTrial:
        execute = self._database.execute
        epochs = execute(
            "SELECT epoch, record FROM epoch WHERE trial = ? ORDER BY epoch", (number,)
        ).fetchall()
        answers = execute(
            "SELECT image, label, probabilities FROM prediction WHERE trial = ? ORDER BY image",
            (number,),
        ).fetchall()
        if _digest(number, status, spec, record, epochs, answers) != sha256:
            raise RunError(f"{self._path} is damaged: trial {number} was altered")
        what = f"trial {number}"
        asked = spec_of(read_json(spec, f"{what}.spec"))
        if (asked.model, asked.seed) != (model, seed):
            raise RunError(f"{self._path} is damaged: {what} is of another model or seed")
        if record is None:
            return StoredTrial(number=number, spec=asked, record=None, test=None)
        history = [read_json(text, f"{what}, epoch {epoch}") for epoch, text in epochs]
        stored = read_json(record, what)
        rest = record_of({**stored, "spec": as_plain(asked), "history": history})
        if rest.status != status:
            raise RunError(f"{self._path} is damaged: {what} has another status than its record")
        test = _evaluation(answers, rest)
        with naming_trial(asked):
            require_answers(rest, test)
            if test is not None:
                check_answers(test, rest)
        return StoredTrial(number=number, spec=asked, record=rest, test=test)


def _evaluation(answers: _Rows, record: TrialRecord) -> Evaluation | None:
    """Return the stored predictions; JSON keeps every float32 exactly."""
    if record.test_loss is None or record.test_accuracy is None or not answers:
        return None
    return Evaluation(
        labels=np.array([label for _, label, _ in answers]),
        probabilities=np.array([json.loads(row) for _, _, row in answers], np.float32),
        loss=record.test_loss,
        accuracy=record.test_accuracy,
    )


def _named(model: str, seed: int, fold: int) -> str:
    return f"{model} (seed {seed}{f', fold {fold}' if fold else ''})"


def _digest(*trial: object) -> str:
    """Return the digest of number, status, specification, record, epochs and predictions."""
    return sha256_of(json.dumps(trial))
