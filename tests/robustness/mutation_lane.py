"""A process that tries faults: in a copy of the code, each in a fork of it that runs pytest.

It has imported the libraries that most tests need, once, and none of the code.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import psutil
import pytest
from code_mutant import Mutant
from paths import ROOT, SHARED, TESTS

ROOMS = ("registry", "zoo", "bench")
_MODULES = ("zoo_bench_pytest.py", "zoo_bench_start.py")
_COPIED = (
    *ROOMS, *_MODULES, "tests", "docs", "README.md", "CHANGELOG.md", "Makefile", "pyproject.toml"
)  # fmt: skip
_LIBRARIES = (
    "torch._dynamo", "torchvision", "numpy", "pandas", "scipy.stats",
    "statsmodels.stats.proportion", "cv2", "PIL.Image", "rich.live", "typer",
    "tqdm.auto", "msgspec", "safetensors.torch", "filelock", "fsspec", "httpx2",
)  # fmt: skip
_PLUGINS = ("zoo_bench_pytest", "registry.pytest_plugin")  # ours, and its earlier name
_MOST_SECONDS = 120.0  # for one fault
_ALL_SECONDS = 600.0  # for all tests without a fault
_BETWEEN_FILES = 60.0  # seconds by which a file with a fault seems to be younger than the last
_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
_OURS = {*SHARED, str(TESTS)}
_OTHER_CODE = 70  # exit code: it was not the copy that was tested


class NotOnceError(Exception):
    """The text that a fault takes the place of is not there, or is there more than once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of some tests.

    Attributes:
        code: pytest's exit code; None where they were ended, having taken too long.
        failed: the test that failed first.
        output: the end of what pytest said.
    """

    code: int | None
    seconds: float
    failed: str = ""
    output: str = ""


def spoilt(text: str, mutant: Mutant) -> str:
    """Return the text of a file with the fault in it.

    Raises:
        NotOnceError: what the fault takes the place of is not there exactly once.
    """
    count = text.count(mutant.old)
    if count != 1:
        raise NotOnceError(f"{mutant.name}: its text is {count} times in {mutant.file}, not once")
    return text.replace(mutant.old, mutant.new)


@dataclass(slots=True, kw_only=True)
class _Lane:
    """What this process has: a folder with the copy, and how many faults it has planted."""

    folder: Path
    planted: int = 0

    @property
    def code(self) -> Path:
        return self.folder / "code"

    def run(self, tests: Sequence[str], seconds: float) -> Outcome:
        """Return what pytest, in a fork of this process, makes of `tests`."""
        output, failed = self.folder / "output", self.folder / "failed"
        failed.write_text("")
        started = time.monotonic()
        child = os.fork()
        if child == 0:
            _redirect(output)
            self._be_pytest(tests, failed)
        code = _waited(child, seconds)
        return Outcome(
            code=code,
            seconds=time.monotonic() - started,
            failed=failed.read_text(),
            output=output.read_text(errors="replace")[-5000:],
        )

    def _be_pytest(self, tests: Sequence[str], failed: Path) -> None:
        """Run `tests` and end this process, whatever happens."""
        code = _OTHER_CODE
        try:
            options = ["-x", *_without_plugins(), f"--basetemp={self.folder / 'tmp'}"]
            found = int(pytest.main([*options, *tests], plugins=[_First(failed)]))
            code = found if not _strays(self.code) else _OTHER_CODE
        finally:
            sys.stdout.flush()
            os._exit(code)

    @contextmanager
    def spoilt(self, mutant: Mutant) -> Iterator[None]:
        """Have the fault in the copy in here; no compiled code of before or after is taken for it.

        Python knows by the time of a file's last change whether what it has compiled is of it.
        """
        path = self.code / mutant.file
        sound, times = path.read_text(encoding="utf-8"), path.stat()
        self.planted += 1
        path.write_text(spoilt(sound, mutant), encoding="utf-8")
        later = times.st_mtime + _BETWEEN_FILES * self.planted
        os.utime(path, (later, later))
        try:
            yield
        finally:
            path.write_text(sound, encoding="utf-8")
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


_LANE: list[_Lane] = []  # of this process, once it has begun


class _First:
    """A plugin of pytest that writes down which test failed first."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and not self._path.read_text():
            self._path.write_text(report.nodeid)


def begin(folder: Path, cores: Any) -> None:
    """Make this process one that tries faults, in a folder below `folder`, on one of `cores`."""
    lane = _Lane(folder=Path(tempfile.mkdtemp(dir=folder)))
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)  # what a test leaves behind is ours to end
    os.sched_setaffinity(0, {cores.get()})  # on shared ones, threads wait for each other
    _copy_to(lane.code)
    os.chdir(lane.code)
    os.environ["PYTHONPATH"] = str(lane.code)
    sys.path[:] = [str(lane.code), *(each for each in sys.path if each not in _OURS)]
    for name in _LIBRARIES:
        importlib.import_module(name)
    _require_copy(lane.code)
    gc.freeze()  # else each fork looks through all of it
    _LANE.append(lane)


def run_sound(tests: Sequence[str]) -> Outcome:
    """Return what comes of `tests` without a fault."""
    return _LANE[0].run(tests, _ALL_SECONDS)


def run_spoilt(mutant: Mutant) -> Outcome:
    """Return what comes of a fault's tests with the fault."""
    with _LANE[0].spoilt(mutant):
        return _LANE[0].run(mutant.tests, _MOST_SECONDS)


def _copy_to(code: Path) -> None:
    code.mkdir()
    for name in _COPIED:
        source, target = ROOT / name, code / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, target)


def _require_copy(code: Path) -> None:
    """Raise RuntimeError unless this Python and others take the copy, and not what is installed."""
    ask = "import registry, zoo, bench; print(registry.__file__, zoo.__file__, bench.__file__)"
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    strays = [file for file in done.stdout.split() if not Path(file).is_relative_to(code)]
    if strays or _strays(code):
        raise RuntimeError(f"the copy is not what is imported: {[*strays, *_strays(code)]}")


def _strays(code: Path) -> list[str]:
    """Return the modules of ours that are not those of the copy."""
    ours = {name: module for name, module in [*sys.modules.items()]
            if name.partition(".")[0] in ROOMS}  # fmt: skip
    files = {name: getattr(module, "__file__", None) for name, module in ours.items()}
    return [name for name, file in files.items() if file and not Path(file).is_relative_to(code)]


def _without_plugins() -> Iterator[str]:
    """Yield the options that leave out pytest's plugins but ours, and its memory of failures."""
    others = [each.name for each in entry_points(group="pytest11") if each.value not in _PLUGINS]
    yield from (f"-pno:{name}" for name in (*others, "cacheprovider"))


def _redirect(output: Path) -> None:
    """Let this process read nothing and print to a file."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    told = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for source, target in ((nothing, 0), (told, 1), (told, 2)):
        os.dup2(source, target)


def _waited(child: int, seconds: float) -> int | None:
    """Return the exit code of `child`, or None where it had to be ended; nothing of it is left."""
    until, code = time.monotonic() + seconds, None
    while code is None and time.monotonic() < until:
        ended, status = os.waitpid(-1, os.WNOHANG)  # its orphans are ours
        if ended == child:
            code = os.waitstatus_to_exitcode(status)
        elif not ended:
            time.sleep(0.02)
    for left in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            left.kill()
    with suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)
    return code
