"""What trials of a plan have come to, a folder each: weights, checkpoints, and one file when done.

`done.json` is written last, under a name of its own, synced and renamed, with its own SHA-256 and
those of the weights beside it: whoever writes it, and how often, it is whole or not there.
"""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from safetensors import SafetensorError

from bench.runs.batch.plan_file import PlanFile
from bench.runs.run_folder import RunFolder
from bench.system.atomic_files import whole_file, write_text
from bench.system.strict_json import json_digest
from bench.training.evaluate import Evaluation, pack_evaluation, unpack_evaluation
from bench.training.record import FINISHED, TrialRecord, TrialResult, record_of
from bench.training.spec import as_plain
from registry.errors import RunError, StorageError, format_error

_VERSION = 1
_KIND = "zoo_trial"
_DONE, _BEGUN, _LOCK = "done.json", "begun.json", "lock"
_WEIGHTS = ("weights.safetensors", "weights-best.safetensors")
_BROKEN = (TypeError, ValueError, LookupError, AttributeError, RecursionError, SafetensorError)


class DamagedError(RunError):
    """What a trial has left can't be used; the message says which file and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedTrial:
    """A trial that has ended.

    Attributes:
        environment: of the machine that has done it.
        weights: the SHA-256 of each file of weights in its folder, by name.
    """

    record: TrialRecord
    test: Evaluation | None
    environment: Mapping[str, Any]
    weights: Mapping[str, str]


class WorkFolder:
    """The folder in which the trials of a plan are done, by whoever and wherever."""

    def __init__(self, plan: PlanFile, path: Path) -> None:
        self._plan, self._path = plan, path
        self.trials = RunFolder(path)

    def done(self, number: int) -> FinishedTrial | None:
        """Return what the trial of that number has come to, or None where it has not ended.

        Raises:
            DamagedError: a file of it is not what was written; to do it again puts that right.
            RunError: it is of another plan.
        """
        where = self._trial(number)
        path = where / _DONE
        try:
            content = path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise DamagedError(f"{path} can't be read: {error.strerror}") from error
        plain = _read_checked(path, content)
        if plain.get("plan") != self._plan.id or plain.get("number") != number:
            raise RunError(
                f"{path} is of another plan than {self._plan.path}: name another --folder, or "
                "remove it if it is not needed"
            )
        done = _read_finished(path, plain)
        for name, sha256 in done.weights.items():
            if _file_digest(where / name) != sha256:
                raise DamagedError(f"{where / name} is damaged or missing")
        return done

    def all_done(
        self, numbers: Iterable[int], damaged: Callable[[DamagedError], object]
    ) -> dict[int, FinishedTrial]:
        """Return by number those of the trials that have ended, `damaged` being told of the rest.

        Raises:
            RunError: they are of another plan.
        """
        found: dict[int, FinishedTrial] = {}
        for number in numbers:
            try:
                done = self.done(number)
            except DamagedError as error:
                damaged(error)
                continue
            if done is not None:
                found[number] = done
        return found

    def write(self, number: int, result: TrialResult, environment: Mapping[str, Any]) -> None:
        """Keep how a trial ended; its weights are there already.

        Raises:
            StorageError: it can't be written; what was there before is there still.
        """
        where = self._trial(number)
        found = {name: _file_digest(where / name) for name in _WEIGHTS}
        body = {
            _KIND: _VERSION,
            "plan": self._plan.id,
            "number": number,
            "record": as_plain(result.record),
            "answers": _answers(result.test),
            "weights": {name: sha256 for name, sha256 in found.items() if sha256 is not None},
            "environment": dict(environment),
        }
        with self._writable():
            text = json.dumps({**body, "sha256": json_digest(body)})
            write_text(where / _DONE, text + "\n", shared=True)

    @contextmanager
    def claimed(self, number: int) -> Iterator[bool]:
        """Yield whether the trial is this process's to do: no other is at it.

        Where the file system has no locks it always is: equal content is then written twice.
        """
        with self._writable():
            where = self._trial(number, make=True)
            lock = FileLock(where / _LOCK)
            try:
                lock.acquire(timeout=0)
                locked = True
            except Timeout:
                locked = False
            except NotImplementedError:
                yield True
                return
        if not locked:
            yield False
            return
        try:
            for path in where.glob(".*.partial"):  # what a kill has left
                with suppress(OSError):
                    path.unlink()
            yield True
        finally:
            lock.release()

    def began(self, number: int) -> dict[str, Any] | None:
        """Return what was said when the trial was begun, or None where it has no checkpoint."""
        where = self._trial(number)
        if not (where / "checkpoints").is_dir():
            return None
        try:
            found = json.loads((where / _BEGUN).read_bytes())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def begin(self, number: int, said: Mapping[str, Any]) -> None:
        """Note who begins the trial, or goes on with it; older weights go.

        Raises:
            StorageError: that can't be written.
        """
        where = self._trial(number, make=True)
        with self._writable():
            for name in _WEIGHTS:
                (where / name).unlink(missing_ok=True)
            write_text(where / _BEGUN, json.dumps(dict(said)) + "\n", shared=True)

    def clear(self, number: int) -> None:
        """Remove the trial's checkpoints."""
        place = self._plan.request.checkpoints
        self.trials.checkpoints(self._plan.specs[number], place).clear()

    def copy_weights(self, number: int, done: FinishedTrial, target: Path) -> None:
        """Copy the weights of a trial into the folder `target`; others that are there go.

        Raises:
            OSError: they can't be written.
        """
        for name in _WEIGHTS:
            if name not in done.weights:
                (target / name).unlink(missing_ok=True)
                continue
            with whole_file(target / name) as partial:
                shutil.copyfile(self._trial(number) / name, partial)

    def _trial(self, number: int, *, make: bool = False) -> Path:
        spec = self._plan.specs[number]
        return self.trials.trial(spec) if make else self.trials.path_of(spec)

    @contextmanager
    def _writable(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StorageError(f"can't write to {self._path}: {error.strerror or error}") from error


class Records:
    """Keeps the trials that a worker has done."""

    def __init__(self, folder: WorkFolder, environment: Mapping[str, Any]) -> None:
        self._folder, self._environment = folder, environment

    def finish(self, number: int, result: TrialResult) -> None:
        """Keep how a trial ended; one that was interrupted has only its checkpoint."""
        if result.record.status in FINISHED:
            self._folder.write(number, result, self._environment)


def _read_checked(path: Path, content: bytes) -> dict[str, Any]:
    try:
        plain = json.loads(content)
        if not isinstance(plain, dict) or plain.pop("sha256") != json_digest(plain):
            raise ValueError("not what was written")
        if plain.get(_KIND) != _VERSION:
            raise ValueError(f"not of version {_VERSION}")
    except _BROKEN as error:
        raise DamagedError(f"{path} is damaged: {format_error(error)}") from error
    return plain


def _read_finished(path: Path, plain: dict[str, Any]) -> FinishedTrial:
    try:
        record = record_of(plain["record"])
        return FinishedTrial(
            record=record,
            test=_evaluation(plain["answers"], record),
            environment=dict(plain["environment"]),
            weights={name: str(plain["weights"][name]) for name in _WEIGHTS
                     if name in plain["weights"]},
        )  # fmt: skip
    except (*_BROKEN, RunError) as error:
        raise DamagedError(f"{path} can't be used: {format_error(error)}") from error


def _answers(test: Evaluation | None) -> str | None:
    """Return labels and probabilities, bit for bit, as text."""
    return None if test is None else base64.b64encode(pack_evaluation(test)).decode()


def _evaluation(answers: str | None, record: TrialRecord) -> Evaluation | None:
    if answers is None or record.test_loss is None or record.test_accuracy is None:
        return None
    content = base64.b64decode(answers, validate=True)
    return unpack_evaluation(content, record.test_loss, record.test_accuracy)


def _file_digest(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
