"""Results of a plan's trials, a folder each: weights, checkpoints, and `done.json` at the end.

`done.json` is written last, under a temporary name, synced and renamed. It has its own SHA-256 and
those of the weights. With any number of writers it is complete or absent.
"""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from safetensors import SafetensorError

from bench.runs.batch.plan_file import PlanFile, describe_trial
from bench.runs.run_folder import RunFolder
from bench.runs.stored_values import check_answers, check_numbers, require_answers
from bench.system.atomic_files import whole_file, write_text
from bench.system.received_files import (
    MB,
    open_regular,
    read_regular,
    require_inside,
    require_regular,
)
from bench.system.strict_json import json_digest
from bench.training.evaluation import Evaluation, pack_evaluation, unpack_evaluation
from bench.training.record import TrialRecord, TrialResult, record_of
from bench.training.spec import TrialSpec, as_plain
from registry.errors import RunError, StorageError, format_error

_VERSION = 1
_MOST_BYTES = 1_000_000_000  # of a record with the predictions for a million images
_CHUNK = 16 * MB
_KIND = "zoo_trial"
_DONE, _BEGUN, _LOCK = "done.json", "begun.json", "lock"
_WEIGHTS = ("weights.safetensors", "weights-best.safetensors")
_BROKEN = (TypeError, ValueError, LookupError, AttributeError, RecursionError, SafetensorError)


class DamagedError(RunError):
    """A trial's file is unusable; the message names the file and the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedTrial:
    """A finished trial, its machine, and the SHA-256 of its weights by file."""

    record: TrialRecord
    test: Evaluation | None
    environment: Mapping[str, Any]
    weights: Mapping[str, str]


class WorkFolder:
    """The folder of a plan's trials, shared by all workers.

    Methods that write raise StorageError if writing fails; earlier content stays.
    """

    def __init__(self, plan: PlanFile, path: Path) -> None:
        self.plan, self.trials = plan, RunFolder(path)

    def done(self, number: int) -> FinishedTrial | None:
        """Return the finished trial of that number, or None if it is not finished.

        Raises DamagedError if a file was altered and the trial must run again; RunError if it is of
        another plan.
        """
        where = self._trial(number)
        path = where / _DONE
        try:
            content = read_regular(path, most=_MOST_BYTES)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise DamagedError(f"cannot read {path}: {error.strerror}") from error
        plain = _read_checked(path, content)
        if plain.get("plan") != self.plan.id or plain.get("number") != number:
            raise RunError(
                f"{path} belongs to another plan than {self.plan.path}: choose another --folder, "
                "or remove it if it is not needed"
            )
        done = _as_planned(path, _read_finished(path, plain), self.plan, number)
        for name, sha256 in done.weights.items():
            if _file_digest(where / name) != sha256:
                raise DamagedError(f"{where / name} is damaged or missing")
        return done

    def all_done(
        self, numbers: Iterable[int], on_damage: Callable[[DamagedError], object]
    ) -> dict[int, FinishedTrial]:
        """Return the finished trials by number; `on_damage` receives each DamagedError."""
        found: dict[int, FinishedTrial] = {}
        for number in numbers:
            try:
                if (done := self.done(number)) is not None:
                    found[number] = done
            except DamagedError as error:
                on_damage(error)
        return found

    def write(self, number: int, result: TrialResult, environment: Mapping[str, Any]) -> None:
        """Store the result of a trial, whose weights are already written."""
        where, test = self._trial(number), result.test
        found = {name: _file_digest(where / name) for name in _WEIGHTS}
        body = {
            _KIND: _VERSION,
            "plan": self.plan.id,
            "number": number,
            "record": as_plain(result.record),
            "answers": None if test is None else base64.b64encode(pack_evaluation(test)).decode(),
            "weights": {name: sha256 for name, sha256 in found.items() if sha256 is not None},
            "environment": dict(environment),
        }
        with self._writable():
            text = json.dumps({**body, "sha256": json_digest(body)})
            write_text(where / _DONE, text + "\n", shared=True)

    @contextmanager
    def claim(self, number: int) -> Iterator[bool]:
        """Yield whether this process may run the trial, because no other one does.

        On a file system without locks it always may: equal content is then written twice.
        """
        with self._writable():
            where = self._trial(number, make=True)
            require_regular(where / _LOCK)
            lock = FileLock(where / _LOCK)
            try:
                with suppress(Timeout):
                    lock.acquire(timeout=0)
            except NotImplementedError:
                yield True
                return
        try:
            for path in where.glob(".*.partial") if lock.is_locked else ():  # left by a kill
                with suppress(OSError):
                    path.unlink()
            yield lock.is_locked
        finally:
            lock.release()

    def read_start(self, number: int) -> dict[str, Any] | None:
        """Return the note of `begin`, or None if the trial has no checkpoint."""
        where = self._trial(number)
        if not (where / "checkpoints").is_dir():
            return None
        try:
            found = json.loads(read_regular(where / _BEGUN, most=MB))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def begin(self, number: int, said: Mapping[str, Any]) -> None:
        """Note who starts or resumes the trial, and remove older weights."""
        where = self._trial(number, make=True)
        with self._writable():
            for name in _WEIGHTS:
                (where / name).unlink(missing_ok=True)
            write_text(where / _BEGUN, json.dumps(dict(said)) + "\n", shared=True)

    def clear(self, number: int) -> None:
        """Remove the trial's checkpoints."""
        self.trials.checkpoints(self.plan.specs[number], self.plan.request.checkpoints).clear()

    def copy_weights(self, number: int, done: FinishedTrial, target: Path) -> None:
        """Copy a trial's weights into `target` and remove others there; OSError on failure."""
        for name in _WEIGHTS:
            if name not in done.weights:
                (target / name).unlink(missing_ok=True)
                continue
            source = open_regular(self._trial(number) / name)
            with source, whole_file(target / name) as partial, partial.open("wb") as file:
                shutil.copyfileobj(source, file, _CHUNK)

    def _trial(self, number: int, *, make: bool = False) -> Path:
        spec = self.plan.specs[number]
        path = self.trials.path_of(spec)
        require_inside(self.trials.path, path)
        return self.trials.trial(spec) if make else path

    @contextmanager
    def _writable(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            where = self.trials.path
            raise StorageError(f"cannot write to {where}: {error.strerror or error}") from error


def _read_checked(path: Path, content: bytes) -> dict[str, Any]:
    try:
        plain = json.loads(content)
        if not isinstance(plain, dict) or plain.pop("sha256") != json_digest(plain):
            raise ValueError("its content was altered")
        check_numbers(plain, "trial")
        if plain.get(_KIND) != _VERSION:
            raise ValueError(f"version is not {_VERSION}")
    except _BROKEN as error:
        raise DamagedError(f"{path} is damaged: {format_error(error)}") from error
    return plain


def _read_finished(path: Path, plain: dict[str, Any]) -> FinishedTrial:
    try:
        record, weights = record_of(plain["record"]), plain["weights"]
        answers, loss, accuracy = plain["answers"], record.test_loss, record.test_accuracy
        test = None
        if answers is not None and loss is not None and accuracy is not None:
            test = unpack_evaluation(base64.b64decode(answers, validate=True), loss, accuracy)
        return FinishedTrial(
            record=record,
            test=test,
            environment=dict(plain["environment"]),
            weights={name: str(weights[name]) for name in _WEIGHTS if name in weights},
        )
    except (*_BROKEN, RunError) as error:
        raise DamagedError(f"cannot use {path}: {format_error(error)}") from error


def _as_planned(path: Path, done: FinishedTrial, plan: PlanFile, number: int) -> FinishedTrial:
    """Return the trial with the plan's specification; only its batch size may be halved.

    Raises DamagedError if its file has another one, other test images, or an accuracy that its
    predictions do not have.
    """
    spec, record, test = plan.specs[number], done.record, done.test
    asked = _with_tried_batch_size(spec, record)
    try:
        if record.spec != asked:
            other = [f.name for f in fields(spec) if getattr(record.spec, f.name)
                     != getattr(asked, f.name)]  # fmt: skip
            raise ValueError(f"the plan has another {', '.join(other)}")
        require_answers(record, test)
        if test is not None:
            check_answers(test, record)
            tested = plan.splits.of(spec.fold).test
            if test.labels.tolist() != [image.file.label for image in tested]:
                raise ValueError("its labels are not those of the plan's test images")
    except ValueError as error:
        where = f"{path}: {describe_trial(spec)}"
        raise DamagedError(f"cannot use {where}: {error}") from error
    return replace(done, record=replace(record, spec=asked))


def _with_tried_batch_size(spec: TrialSpec, record: TrialRecord) -> TrialSpec:
    """Return `spec` with the batch size of `record`, if marked as halved for lack of memory."""
    size, full = record.spec.recipe.batch_size, spec.recipe.batch_size
    mark, halved = f"batch size {size} instead of {full}", set[int]()
    while full > 1:
        full //= 2
        halved.add(full)
    if size not in halved or mark not in record.marks:
        return spec
    return replace(spec, recipe=replace(spec.recipe, batch_size=size))


def _file_digest(path: Path) -> str | None:
    try:
        with open_regular(path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
