"""The records of a run, in one SQLite file: the plan first, then each trial as it ends.

A trial that has ended is one transaction, with its history and its answers, synced before it is
said to be done. Each row carries its own SHA-256, since SQLite does not notice altered bytes.
This process is the only writer. Everything else in a run folder can be made from it again.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from bench.analysis.results import StoredTrial
from bench.runs.schema import CONTENTS, SCHEMA, SCHEMA_VERSION, connect, naming_file, transaction
from bench.runs.thumbnails import Thumbnails
from bench.training.evaluate import Evaluation
from bench.training.record import TrialRecord, TrialResult, record_of
from bench.training.spec import TrialSpec, as_plain, spec_of
from registry.errors import RunError


class Store:
    """The records of one run."""

    def __init__(self, path: Path, database: sqlite3.Connection) -> None:
        self._path, self._database = path, database

    @classmethod
    def create(cls, path: Path, about: Mapping[str, object], specs: Sequence[TrialSpec]) -> Store:
        """Return a new store with the plan in it.

        Args:
            path: of the file, which is not there yet.
            about: what is to be known of the run, by name, as JSON has it.
            specs: the trials, in their order.

        Raises:
            StorageError: it can't be written.
        """
        with naming_file(path):
            database = connect(path)
            database.executescript(SCHEMA)  # begins the transaction that ends below
            store = cls(path, database)
            for name, value in about.items():
                store._put_about(name, value)
            store._put_about(CONTENTS, {"names": sorted(about), "trials": len(specs)})
            for number, spec in enumerate(specs):
                store._put(number, spec, None, "planned", [], [])
            database.execute("COMMIT")
        return store

    @classmethod
    def open(cls, path: Path, *, read_only: bool = False) -> Store:
        """Return the store in the file `path`.

        Raises:
            RunError: there is none, it is damaged, or of another version of this program.
        """
        if not path.is_file():
            raise RunError(f"no run in {path.parent}: it has no {path.name}; see `zoo runs`")
        with naming_file(path):
            database = connect(path, read_only=read_only)
            (version,) = database.execute("PRAGMA user_version").fetchone()
            if version != SCHEMA_VERSION:
                raise RunError(
                    f"{path} has version {version} of the records, this program reads "
                    f"{SCHEMA_VERSION}: use the zoo that wrote it"
                )
        return cls(path, database)

    @property
    def thumbnails(self) -> Thumbnails:
        """The small pictures of test images."""
        return Thumbnails(self._path, self._database)

    def close(self) -> None:
        """Write no more."""
        self._database.close()

    def about(self) -> dict[str, Any]:
        """Return what is known of the run, by name.

        Raises:
            RunError: the file is damaged.
        """
        with naming_file(self._path):
            rows = self._database.execute("SELECT name, value, sha256 FROM run").fetchall()
            for name, value, sha256 in rows:
                if _sha256(f"{name}\n{value}") != sha256:
                    raise RunError(f"{self._path} is damaged: {name!r} is not what was written")
            found = {name: json.loads(value) for name, value, _ in rows}
            if found.pop(CONTENTS)["names"] != sorted(found):
                raise RunError(f"{self._path} is damaged: something about the run is missing")
            return found

    def statuses(self) -> dict[str, list[str]]:
        """Return the status of each trial, in order, by model; `planned` is not begun.

        Raises:
            RunError: the file is damaged.
        """
        found: dict[str, list[str]] = {}
        with naming_file(self._path):
            rows = self._database.execute("SELECT model, status FROM trial ORDER BY number")
            for model, status in rows:
                found.setdefault(model, []).append(status)
        return found

    def trials(self) -> list[StoredTrial]:
        """Return the trials, in the order of the plan.

        Raises:
            RunError: the file is damaged.
        """
        with naming_file(self._path):
            rows = self._database.execute(
                "SELECT number, status, spec, record, sha256 FROM trial ORDER BY number"
            ).fetchall()
            (contents,) = self._database.execute(
                "SELECT value FROM run WHERE name = ?", (CONTENTS,)
            ).fetchone()
            if [row[0] for row in rows] != list(range(json.loads(contents)["trials"])):
                raise RunError(f"{self._path} is damaged: a trial is missing")
            return [self._trial(*row) for row in rows]

    def tell(self, name: str, value: object) -> None:
        """Replace what is known of the run under `name`, durably.

        Raises:
            StorageError: it can't be written; what was there before is there still.
        """
        with naming_file(self._path), transaction(self._database):
            self._database.execute("DELETE FROM run WHERE name = ?", (name,))
            self._put_about(name, value)

    def finish(self, number: int, result: TrialResult) -> None:
        """Keep how a trial ended, durably; one that was interrupted can end once more.

        Raises:
            StorageError: it can't be written; what was there before is there still.
        """
        record = result.record
        epochs = [(each.epoch, json.dumps(as_plain(each))) for each in record.history]
        answers = [] if result.test is None else _answers(result.test)
        with naming_file(self._path), transaction(self._database):
            self._put(number, record.spec, record, record.status, epochs, answers)

    def _put_about(self, name: str, value: object) -> None:
        text = json.dumps(value)
        self._database.execute(
            "INSERT INTO run VALUES (?, ?, ?)", (name, text, _sha256(f"{name}\n{text}"))
        )

    def _put(
        self,
        number: int,
        spec: TrialSpec,
        record: TrialRecord | None,
        status: str,
        epochs: list[tuple[int, str]],
        answers: list[tuple[int, int, str]],
    ) -> None:
        told = json.dumps(as_plain(spec))
        rest = None if record is None else _without_history(record)
        digest = _digest(number, status, told, rest, epochs, answers)
        execute, many = self._database.execute, self._database.executemany
        for table in ("epoch", "prediction"):
            execute(f"DELETE FROM {table} WHERE trial = ?", (number,))
        execute(
            "INSERT OR REPLACE INTO trial VALUES (?, ?, ?, ?, ?, ?, ?)",
            (number, spec.model, spec.seed, status, told, rest, digest),
        )
        many("INSERT INTO epoch VALUES (?, ?, ?)", [(number, *each) for each in epochs])
        many("INSERT INTO prediction VALUES (?, ?, ?, ?)", [(number, *each) for each in answers])

    def _trial(
        self, number: int, status: str, spec: str, record: str | None, sha256: str
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
            raise RunError(f"{self._path} is damaged: trial {number} is not what was written")
        asked = spec_of(json.loads(spec))
        if record is None:
            return StoredTrial(number=number, spec=asked, record=None, test=None)
        plain = json.loads(record)
        history = [json.loads(text) for _, text in epochs]
        found = record_of({**plain, "spec": as_plain(asked), "history": history})
        return StoredTrial(
            number=number, spec=asked, record=found, test=_evaluation(answers, found)
        )


def _without_history(record: TrialRecord) -> str:
    plain = as_plain(replace(record, history=()))
    return json.dumps({name: plain[name] for name in plain if name not in ("spec", "history")})


def _answers(test: Evaluation) -> list[tuple[int, int, str]]:
    labels, rows = test.labels.tolist(), test.probabilities.tolist()
    return [
        (image, label, json.dumps(row))
        for image, (label, row) in enumerate(zip(labels, rows, strict=True))
    ]


def _evaluation(answers: list[tuple[int, int, str]], record: TrialRecord) -> Evaluation | None:
    """Return the answers as they were given; JSON keeps every float32."""
    if record.test_loss is None or record.test_accuracy is None or not answers:
        return None
    return Evaluation(
        labels=torch.tensor([label for _, label, _ in answers]),
        probabilities=torch.tensor([json.loads(row) for _, _, row in answers]),
        loss=record.test_loss,
        accuracy=record.test_accuracy,
    )


def _digest(
    number: int,
    status: str,
    spec: str,
    record: str | None,
    epochs: Sequence[tuple[int, str]],
    answers: Sequence[tuple[int, int, str]],
) -> str:
    return _sha256(json.dumps([number, status, spec, record, list(epochs), list(answers)]))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
