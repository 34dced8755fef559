"""A decode worker in a process of its own, which may hang or crash without harm."""

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Self, cast

from registry.errors import DataError

MEMORY_BYTES = 850 * 2**20  # to allocate; with code and mapped files it stays under 1 GB
_MODULE = "bench.data.decode_worker"
_START_SECONDS = 60.0  # an import on a busy machine takes long, whatever the question
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

Message = dict[str, Any]  # plain values, as JSON has them; a file's name need not be UTF-8


class DiedError(Exception):
    """The process ended instead of answering; the message says how."""


class TookTooLongError(DiedError):
    """The process did not answer in time, and was killed."""


class SandboxedProcess:
    """A decode worker in its own process, with `seconds` for each answer.

    It starts at the first question, not as a fork of this process, and again after it has died.
    It sends `{}` when it is ready.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._command = [sys.executable, "-P", "-m", _MODULE, str(MEMORY_BYTES), str(seconds)]
        self._process: subprocess.Popen[bytes] | None = None
        self._answers = selectors.DefaultSelector()
        self.fresh = True  # whether it has not answered yet

    def ask(self, question: Message) -> Message:
        """Return the answer to `question`.

        Raises:
            DiedError: the process crashed, or took too long; it is gone.
            DataError: the process cannot start.
        """
        process = self._process or self._start()
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps(question).encode("ascii") + b"\n")
        except BrokenPipeError:
            raise self._death(process) from None
        answer = self._answer(process, self._seconds)
        self.fresh = False
        return answer

    def end(self) -> None:
        """Kill the process, if it runs, and every process it has started."""
        process, self._process, self.fresh = self._process, None, True
        if process is None:
            return
        assert process.stdin is not None
        assert process.stdout is not None
        with suppress(ProcessLookupError, PermissionError):
            if os.name == "posix" and process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        process.wait()
        self._answers.unregister(process.stdout)
        process.stdin.close()
        process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
        self._answers.close()

    def _start(self) -> subprocess.Popen[bytes]:
        self._process = process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            env=_environment(),
            process_group=0 if os.name == "posix" else None,  # Ctrl-C reaches only this process
        )
        assert process.stdout is not None
        self._answers.register(process.stdout, selectors.EVENT_READ)
        try:
            self._answer(process, _START_SECONDS)
        except DiedError as error:
            raise DataError(f"cannot start {' '.join(self._command)}: {error}") from error
        return process

    def _answer(self, process: subprocess.Popen[bytes], seconds: float) -> Message:
        """Return the next answer."""
        assert process.stdout is not None
        deadline = time.monotonic() + seconds
        line = bytearray()
        while not line.endswith(b"\n"):
            if not self._answers.select(max(0.0, deadline - time.monotonic())):
                self.end()
                raise TookTooLongError(f"took over {seconds:g} s")
            line += (read := os.read(process.stdout.fileno(), 2**16))
            if not read:
                raise self._death(process)
        return cast("Message", json.loads(line))

    def _death(self, process: subprocess.Popen[bytes]) -> DiedError:
        """Return how the process ended; kill it if it still runs."""
        try:
            code = process.wait(timeout=1)
        except subprocess.TimeoutExpired:  # it closed its pipe but still runs
            code = -signal.SIGKILL
        self.end()
        return DiedError(signal.Signals(-code).name if code < 0 else f"exit code {code}")


def _environment() -> dict[str, str]:
    """Return our environment plus the module paths of this process, as in a source tree."""
    found = [str(Path(entry or ".").absolute()) for entry in sys.path]
    threads = dict.fromkeys(_ONE_THREAD, "1")
    return os.environ | threads | {"PYTHONPATH": os.pathsep.join(found)}
