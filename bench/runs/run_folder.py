"""Run folders: create, find, lock and remove them."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from bench.system.atomic_files import write_text
from bench.training.checkpoint import Checkpoints
from bench.training.spec import TrialSpec
from registry.errors import RunError

_LOCK, _HOLDER = "lock", "holder.json"


class RunFolder:
    """The folder of one run, `runs/0007-lenet-alexnet/`, with a folder for each trial.

    Methods raise RunError if it cannot be created, found or removed, or another process uses it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._held: tuple[int, int] | None = None  # device and inode since it was locked

    @classmethod
    def create(cls, runs: Path, models: tuple[str, ...]) -> RunFolder:
        """Return a new numbered folder under `runs`, named after its first three models."""
        label = "-".join(_plain(model) for model in models[:3])
        try:
            runs.mkdir(parents=True, exist_ok=True)
            number = 1 + max((_number(path) for path in runs.iterdir()), default=0)
            while True:
                path = runs / f"{number:04d}-{label}"
                with suppress(FileExistsError):  # another run has just taken the number
                    path.mkdir()
                    return cls(path)
                number += 1
        except OSError as error:
            raise RunError(
                f"cannot create a run folder in {runs}: {error.strerror}: choose another --runs-dir"
            ) from error

    @classmethod
    def find(cls, name: str, runs: Path) -> RunFolder:
        """Return the run folder of a path, a name in `runs`, or a number."""
        try:
            for path in (Path(name), runs / name):
                if (path / "run.db").is_file():
                    return cls(path)
        except OSError as error:  # such as a name that is too long
            raise RunError(f"no run {name!r}: {error.strerror}") from error
        number = name.lstrip("0")
        numbered = [each for each in run_folders(runs) if str(_number(each.path)) == number]
        if len(numbered) != 1:
            raise RunError(f"no run {name!r} here or in {runs}: `zoo runs` lists the existing runs")
        return numbered[0]

    @property
    def database(self) -> Path:
        """The database file with the records."""
        return self.path / "run.db"

    def trial(self, spec: TrialSpec) -> Path:
        """Return the folder of the trial, created if missing."""
        self.require_present()
        path = self.path_of(spec)
        path.mkdir(parents=True, exist_ok=True)
        return path

    def path_of(self, spec: TrialSpec) -> Path:
        """Return the path of the trial's folder, which may not exist."""
        path = self.path / _plain(spec.model) / f"seed-{spec.seed}"
        return path if spec.fold is None else path / f"fold-{spec.fold}"

    def checkpoints(self, spec: TrialSpec, place: str | None = None) -> Checkpoints:
        """Return the trial's checkpoints, with copies under the URL `place` if given."""
        return Checkpoints(self.trial(spec) / "checkpoints", self.shared_url(spec, place))

    def shared_url(self, spec: TrialSpec, place: str | None) -> str | None:
        """Return the URL of the trial's checkpoints under `place`, or None."""
        return place and f"{place.rstrip('/')}/{self.path.name}/{spec.id[:16]}"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Lock out other processes; the system releases the lock when this one dies."""
        lock = FileLock(self.path / _LOCK)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            text = f"{self.path} is in use{self._holder()}: wait for that process or end it"
            raise RunError(text) from None
        except OSError as error:
            raise RunError(f"cannot write to {self.path}: {error.strerror}") from error
        try:
            now = datetime.now(UTC).isoformat(timespec="seconds")
            who = {"process": os.getpid(), "host": platform.node(), "since": now}
            write_text(self.path / _HOLDER, json.dumps(who) + "\n")
            self._held = _identity(self.path)
            yield
        finally:
            (self.path / _HOLDER).unlink(missing_ok=True)
            lock.release()

    def require_present(self) -> None:
        """Raise RunError if the folder was renamed or removed since it was locked."""
        if self._held is None or _identity(self.path) == self._held:
            return
        there = [each for each in _folders_in(self.path.parent) if _identity(each) == self._held]
        if not there:
            raise RunError(
                f"{self.path} was moved or removed during the run: finished trials are where it is "
                "now; resume it there with `zoo bench --resume FOLDER`"
            )
        raise RunError(
            f"{self.path} was renamed during the run: finished trials are in {there[0]}; resume "
            f"with `zoo bench --resume {there[0]}`"
        )

    def is_held(self) -> bool:
        """Return whether a process uses the folder."""
        if not (self.path / _LOCK).exists():
            return False
        try:
            with FileLock(self.path / _LOCK).acquire(timeout=0):
                return False
        except Timeout:
            return True
        except OSError:
            return False

    def clean(self, finished: Iterable[TrialSpec], place: str | None = None) -> None:
        """Remove leftovers of a killed process: checkpoints of finished trials, partial files."""
        for spec in finished:
            self.checkpoints(spec, place).clear()
        for path in self.path.rglob(".*.partial"):
            with suppress(OSError):
                path.unlink()

    def remove(self) -> None:
        """Remove the folder and its content."""
        with self.held():
            try:
                shutil.rmtree(self.path)
            except OSError as error:
                raise RunError(f"cannot remove {self.path}: {error.strerror}") from error

    def _holder(self) -> str:
        try:
            who = json.loads((self.path / _HOLDER).read_text(encoding="utf-8"))
            return f" by process {who['process']} on {who['host']} since {who['since']}"
        except (OSError, ValueError, KeyError, TypeError):
            return ""


def run_folders(runs: Path) -> list[RunFolder]:
    """Return the run folders in `runs`, in the order of their numbers."""
    if not runs.is_dir():
        return []
    found = [path for path in runs.iterdir() if (path / "run.db").is_file()]
    return [RunFolder(path) for path in sorted(found, key=lambda path: (_number(path), path.name))]


def _identity(path: Path) -> tuple[int, int] | None:
    """Return device and inode, which a new name does not change; None if nothing is there."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _folders_in(path: Path) -> list[Path]:
    try:
        return sorted(each for each in path.iterdir() if each.is_dir())
    except OSError:
        return []


def _plain(model: str) -> str:
    """Return a model's name as a file name: `dist/net` becomes `dist--net`, never a model."""
    name, sign, _ = model.partition("(")
    if sign:  # arguments may be long, and differ in signs alone
        name = f"{name}-{hashlib.sha256(model.encode()).hexdigest()[:12]}"
    return re.sub(r"[^\w.-]", "--", name.replace(":", "-"), flags=re.ASCII)


def _number(path: Path) -> int:
    digits = re.match(r"(\d+)-", path.name)
    return int(digits.group(1)) if digits else 0
