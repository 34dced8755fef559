"""The `zoo` command in a process of its own, listened to while it runs, hit, and looked for after.

Whatever it begins carries a mark, in its environment or its name, so that an orphan is found by it.
The charts of its page are empty: drawing them takes 3 seconds a run.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path

from warm import ADDED, MARK, MARKED_CHARACTERS, warm

__all__ = ["COLD", "ZooProcess"]
COLD = "ZOO_TEST_COLD"  # in the environment: each is a new process, as on a user's machine
_PATIENCE_SECONDS = 480.0


class ZooProcess:
    """`zoo ARGUMENTS`, running, in a process group of its own.

    It is a fork of a Python that has imported torch, unless the environment has `ZOO_TEST_COLD`.
    """

    def __init__(
        self,
        arguments: Iterable[object],
        *,
        cwd: Path,
        plugins: Sequence[Path],
        cache: Path,
        most_bytes: int | None = None,
    ) -> None:
        self._mark = uuid.uuid4().hex
        environment = os.environ | {"ZOO_CACHE": str(cache), MARK: self._mark}
        self._process = (_cold if COLD in os.environ else _Warm)(
            ["-m", "zoo", *map(str, arguments)], cwd, plugins, environment, most_bytes
        )
        self.lines: list[str] = []
        self.output = ""
        self._readers = [
            threading.Thread(target=each, daemon=True) for each in (self._listen, self._collect)
        ]
        for reader in self._readers:
            reader.start()

    @property
    def running(self) -> bool:
        """It has not ended yet."""
        return self._process.poll() is None

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    def hit(self, number: int) -> None:
        """Send the signal to its process group, as a terminal does."""
        if self.running:
            os.killpg(self._process.pid, number)

    def wait(self) -> int:
        """Return its exit code as a shell tells it: 128 and the signal's number after a signal."""
        try:
            code = self._process.wait(_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self.hit(signal.SIGKILL)
            raise AssertionError(f"it hangs: {self.lines[-5:]}") from None
        for reader in self._readers:
            reader.join(5)
        return code if code >= 0 else 128 - code

    def orphans(self, patience: float = 5.0) -> list[int]:
        """Return what is still there of all that it has begun, having ended those."""
        until = time.monotonic() + patience
        while (left := self._marked()) and time.monotonic() < until:
            time.sleep(0.05)
        for each in left:
            os.kill(each, signal.SIGKILL)
        return left

    def resume_command(self) -> list[str] | None:
        """Return the arguments that its last message says it is gone on with, or None."""
        found = re.findall(r"zoo (bench --resume [^\s`]+)", "\n".join(self.lines))
        return found[-1].split() if found else None

    def _marked(self) -> list[int]:
        wanted = f"{MARK}={self._mark}".encode()
        name = f"{self._mark[:MARKED_CHARACTERS]}\n".encode()
        return [
            int(each.name)
            for each in Path("/proc").glob("[0-9]*")
            if (wanted in _content(each / "environ") or _content(each / "comm") == name)
            and int(each.name) != self.pid
            and not _is_zombie(each)
        ]

    def _listen(self) -> None:
        for line in self._process.stderr:
            self.lines.append(line.rstrip("\n"))

    def _collect(self) -> None:
        self.output = self._process.stdout.read()


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it has just ended, or is not ours
        return b""


def _is_zombie(process: Path) -> bool:
    return b"\nState:\tZ" in _content(process / "status")


def _cold(
    arguments: list[str], cwd: Path, plugins: Sequence[Path], env: dict[str, str], most: int | None
) -> subprocess.Popen[str]:
    """Begin a new Python."""
    path = os.pathsep.join(map(str, [*plugins, *ADDED, env.get("PYTHONPATH", "")]))
    limit = [] if most is None else ["prlimit", f"--data={most}"]
    return subprocess.Popen(
        [*limit, sys.executable, *arguments],
        cwd=cwd,
        env=env | {"PYTHONPATH": path},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="backslashreplace",
        start_new_session=True,
    )


class _Warm:
    """A fork of a warm Python, with as much of `subprocess.Popen` as is asked for here."""

    def __init__(
        self,
        arguments: list[str],
        cwd: Path,
        plugins: Sequence[Path],
        env: dict[str, str],
        most: int | None,
    ) -> None:
        (reading_out, writing_out), (reading_err, writing_err) = os.pipe(), os.pipe()
        self._spawned = warm().start(
            arguments,
            cwd=cwd,
            path=plugins,
            env=env,
            most_bytes=most,
            stdout=writing_out,
            stderr=writing_err,
        )
        os.close(writing_out)
        os.close(writing_err)
        self.stdout = os.fdopen(reading_out, errors="backslashreplace")
        self.stderr = os.fdopen(reading_err, errors="backslashreplace")
        self.pid = self._spawned.pid

    def poll(self) -> int | None:
        return self._spawned.poll()

    def wait(self, seconds: float) -> int:
        code = self._spawned.wait(seconds)
        if code is None:
            raise subprocess.TimeoutExpired("zoo", seconds)
        return code
