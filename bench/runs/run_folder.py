"""Run folders: create, find, lock and remove them."""

from __future__ import annotations

import errno
import json
import os
import platform
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from bench.system.atomic_files import write_text
from bench.system.file_names import is_device
from bench.system.own_files import is_own
from bench.system.received_files import (
    MB,
    is_link,
    make_inside,
    read_regular,
    require_inside,
    require_regular,
)
from bench.training.spec import TrialSpec
from registry.errors import RunError, StorageError

if TYPE_CHECKING:
    from bench.training.checkpoint import Checkpoints

_LOCK, _HOLDER = "lock", "holder.json"
_WRITTEN_IN_PLACE = (_LOCK, "run.db", "run.db-wal", "run.db-shm", "run.db-journal")
_FULL = (errno.ENOSPC, errno.EDQUOT)
_LONGEST = 120  # characters of a name; file systems take 255 bytes
_FILES = re.compile(  # of the run, which has the trials beside them
    r"lock|run\.db.*|report\.html|(holder|config|environment)\.json|(history|profile)\.csv"
    r"|comparison\.(csv|json|md)", re.IGNORECASE,
)  # fmt: skip


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
        label = "-".join(_plain(model) for model in models[:3])[:_LONGEST]
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
        """Return the run folder of a path, a name in `runs`, a number there, or `FOLDER/NUMBER`."""
        try:
            for path in (Path(name), runs / name):
                if (path / "run.db").is_file():
                    return cls(path)
        except OSError as error:  # such as a name that is too long
            raise RunError(f"no run {name!r}: {error.strerror}") from error
        place = Path(name)
        within = runs if place.parent == Path() else place.parent
        number = place.name.lstrip("0")
        numbered = [each for each in run_folders(within) if str(_number(each.path)) == number]
        if len(numbered) != 1:
            asked = f"no run {place.name!r} here or in {within}"
            raise RunError(f"{asked}: `zoo runs` lists the existing runs")
        return numbered[0]

    @property
    def database(self) -> Path:
        """The database file with the records."""
        return self.path / "run.db"

    def trial(self, spec: TrialSpec) -> Path:
        """Return the folder of the trial, created if missing."""
        self.require_present()
        path = self.path_of(spec)
        make_inside(self.path, path)
        return path

    def path_of(self, spec: TrialSpec) -> Path:
        """Return the path of the trial's folder, which may not exist."""
        path = self.path / _plain(spec.model) / f"seed-{spec.seed}"
        return path if spec.fold is None else path / f"fold-{spec.fold}"

    def checkpoints(self, spec: TrialSpec, place: str | None = None) -> Checkpoints:
        """Return the trial's checkpoints, with copies under the URL `place` if given."""
        from bench.training.checkpoint import Checkpoints  # which needs torch

        folder = self.trial(spec) / "checkpoints"
        require_inside(self.path, folder)
        return Checkpoints(folder, self.shared_url(spec, place))

    def shared_url(self, spec: TrialSpec, place: str | None) -> str | None:
        """Return the URL of the trial's checkpoints under `place`, or None."""
        return place and f"{place.rstrip('/')}/{self.path.name}/{spec.id[:16]}"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Lock out other processes; the system releases the lock when this one dies."""
        if not is_own(self.database):
            raise RunError(
                f"{self.database} is a link or another user's, so nothing is written there: copy "
                "the run folder, and use the copy"
            )
        for name in _WRITTEN_IN_PLACE:
            require_regular(self.path / name)
        lock = FileLock(self.path / _LOCK)
        try:
            lock.acquire(timeout=0)
            self._note_holder()
        except Timeout:
            text = f"{self.path} is in use{self._holder()}: wait for that process or end it"
            raise RunError(text) from None
        except OSError as error:
            lock.release()
            kind = StorageError if error.errno in _FULL else RunError
            raise kind(f"cannot write to {self.path}: {error.strerror}") from error
        try:
            self._held = _identity(self.path)
            yield
        finally:
            with suppress(OSError):  # such as a folder of that name
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
        if is_link(self.path / _LOCK) or not (self.path / _LOCK).is_file():
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
        for path in self.path.rglob(".*.partial"):  # which follows no link
            with suppress(OSError):
                path.unlink()

    def remove(self) -> None:
        """Remove the folder and its content."""
        try:
            with self.held():
                for each in self.path.iterdir():
                    if each.name != _LOCK:  # Windows removes nothing that is open
                        _remove(each)
            shutil.rmtree(self.path)
        except OSError as error:
            raise RunError(f"cannot remove {self.path}: {error.strerror}") from error

    def _note_holder(self) -> None:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        who = {"process": os.getpid(), "host": platform.node(), "since": now}
        write_text(self.path / _HOLDER, json.dumps(who) + "\n")

    def _holder(self) -> str:
        try:
            who = json.loads(read_regular(self.path / _HOLDER, most=MB))
            return f" by process {who['process']} on {who['host']} since {who['since']}"
        except (OSError, ValueError, KeyError, TypeError):
            return ""


def require_own_folders(models: Iterable[str]) -> None:
    """Raise RunError if two of the models would have one folder where case does not count.

    So it is on macOS and Windows, to which a run may be copied.
    """
    taken: dict[str, str] = {}
    for model in dict.fromkeys(models):
        other = taken.setdefault(_plain(model).casefold(), model)
        if other != model:
            raise RunError(
                f"{other} and {model} would share the folder {_plain(model)} on systems that "
                "ignore case: rename one"
            )


def run_folders(runs: Path) -> list[RunFolder]:
    """Return the run folders in `runs`, in the order of their numbers."""
    try:
        if not runs.is_dir():
            return []
        found = [path for path in runs.iterdir() if _may_have_records(path)]
    except OSError as error:
        raise RunError(f"cannot read {runs}: {error.strerror}") from error
    return [RunFolder(path) for path in sorted(found, key=lambda path: (_number(path), path.name))]


def _may_have_records(path: Path) -> bool:
    """Return whether `path` has a run; an unreadable folder counts, so that it is named."""
    try:
        return (path / "run.db").is_file()
    except PermissionError:
        return True


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
    """Return a model's name as a file name: `dist/net` becomes `dist--net`, never a model.

    Names of another folder, a device or a file of the run get a prefix; long ones, and those
    with arguments, end with their digest.
    """
    base, sign, _ = model.partition("(")  # arguments may be long, and differ in signs alone
    name = re.sub(r"[^\w.-]", "--", base.replace(":", "-"), flags=re.ASCII)
    if sign or len(name) > _LONGEST:
        name = f"{name[:_LONGEST]}-{sha256(os.fsencode(model)).hexdigest()[:16]}"
    foreign = not name.strip(".") or name.endswith(".")
    if foreign or is_device(name) or _FILES.fullmatch(name):
        return f"model-{name.replace('.', '--')}"
    return name


def _remove(path: Path) -> None:
    if path.is_dir() and not is_link(path):
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _number(path: Path) -> int:
    digits = re.match(r"(\d+)-", path.name)
    return int(digits.group(1)) if digits else 0
