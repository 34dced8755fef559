"""The `zoo` command in a process of its own, listened to while it runs, hit, and looked for after.

Whatever it begins carries a mark in its environment, so that an orphan is found by it. The charts
of its page are empty: drawing them takes 3 seconds a run.
"""

from __future__ import annotations

import os
import re
import resource
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path

_ROOT = Path(__file__).parents[1]
PLUGINS = Path(__file__).parent / "plugins"
_MARK = "ZOO_TEST_MARK"
_PATIENCE_SECONDS = 480.0


class ZooProcess:
    """`zoo ARGUMENTS`, running, in a process group of its own."""

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
        found = [*plugins, PLUGINS / "undrawn", _ROOT, os.environ.get("PYTHONPATH", "")]
        path = os.pathsep.join(map(str, found))
        environment = os.environ | {"PYTHONPATH": path, "ZOO_CACHE": str(cache), _MARK: self._mark}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "zoo", *map(str, arguments)],
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="backslashreplace",
            start_new_session=True,
        )
        if most_bytes is not None:  # of its own and, each, of what it begins
            limits = (most_bytes, most_bytes)
            resource.prlimit(self._process.pid, resource.RLIMIT_DATA, limits)
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
        wanted = f"{_MARK}={self._mark}".encode()
        return [int(path.parent.name) for path in Path("/proc").glob("[0-9]*/environ")
                if int(path.parent.name) != self.pid and wanted in _content(path)]  # fmt: skip

    def _listen(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.lines.append(line.rstrip("\n"))

    def _collect(self) -> None:
        assert self._process.stdout is not None
        self.output = self._process.stdout.read()


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it has just ended, or is not ours
        return b""
