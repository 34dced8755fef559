"""A decode worker in a process of its own, which may hang or crash without harm."""

import io
import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, Self, cast

import psutil

from bench.system.child_process import ended_by_timer
from bench.system.pipes import PipeReader, whole_line
from registry.errors import DataError
from registry.processes import KILLED, kill_tree, signal_name, start_apart

MEMORY_BYTES = 850 * 2**20  # to allocate; with code and mapped files it stays under 1 GB
_MODULE = "bench.data.decode_worker"
PATIENCE_SECONDS = 30.0  # without CPU time: a network drive may be slow, or a process stopped
_MOST_SECONDS = 600.0  # of waiting, for a process that sleeps, wakes and sleeps
_START_SECONDS = 60.0  # of CPU time, whatever the question
_POLL_SECONDS = 0.25
_END_SECONDS = 5.0  # one that waits for a dead drive ends later, by itself
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

Message = dict[str, Any]  # plain values, as JSON has them; a file's name need not be UTF-8


class DiedError(Exception):
    """The process ended instead of answering; the message says how."""


class TookTooLongError(DiedError):
    """The process had its CPU time without an answer, and was killed."""


class HungError(DiedError):
    """The process waited for long without using CPU time, and was killed."""


class _Watch:
    """Time that a process takes for an answer, looked at every 0.25 s that pass without one.

    It counts looks: a clock would also count the time while this process itself is stopped.
    """

    def __init__(self, pid: int, seconds: float, idle: float, waited: float) -> None:
        """Take the most seconds of CPU time, without any, and in all."""
        self._pid, self._seconds = pid, seconds
        self._most_idle, self._most_waited = idle, waited
        self._first: float | None = None  # CPU time of the process at the first look
        self._last = 0.0
        self._idle = self._waited = 0.0

    def check(self) -> None:
        """Raise TookTooLongError or HungError if the process has had its time."""
        with suppress(psutil.Error):  # it has just ended
            times = psutil.Process(self._pid).cpu_times()
            spent = times.user + times.system
            self._first = spent if self._first is None else self._first
            self._idle = 0.0 if spent > self._last else self._idle
            self._last = spent
            if spent - self._first >= self._seconds:
                raise TookTooLongError(f"took over {self._seconds:g} s of CPU time")
        self._idle += _POLL_SECONDS
        self._waited += _POLL_SECONDS
        if self._idle >= self._most_idle or self._waited >= self._most_waited:
            raise HungError(f"did not answer in {self._waited:g} s")


class SandboxedProcess:
    """A decode worker in its own process, with `seconds` of CPU time for each answer.

    CPU time, since a busy machine makes every process wait. One that uses none is killed after 30 s
    of waiting. Source: getrusage(2), user and system time.

    It starts at the first question, not as a fork of this process, and again after it has died.
    It sends `{}` when it is ready.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._command = [sys.executable, "-P", "-m", _MODULE, str(MEMORY_BYTES), str(seconds)]
        self._process: subprocess.Popen[bytes] | None = None
        self._answers: PipeReader | None = None
        self.fresh = True  # whether it has not answered yet

    def ask(self, question: Message) -> Message:
        """Return the answer to `question`.

        Raises:
            DiedError: the process crashed, took too long or hung; it is gone.
            DataError: the process cannot start.
        """
        process = self._process or self._start()
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps(question).encode("ascii") + b"\n")
        except OSError:  # its end of the pipe is closed
            raise self._death(process) from None
        watch = _Watch(process.pid, self._seconds, PATIENCE_SECONDS, _MOST_SECONDS)
        answer = self._answer(process, watch)
        self.fresh = False
        return answer

    def end(self) -> None:
        """Kill the process, if it runs, and every process it has started."""
        process, self._process, self.fresh = self._process, None, True
        if process is None:
            return
        assert process.stdin is not None
        if process.poll() is None:
            kill_tree(process)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_END_SECONDS)
        process.stdin.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def _start(self) -> subprocess.Popen[bytes]:
        self._process = process = start_apart(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            env=_environment(),
        )
        assert process.stdout is not None
        self._answers = PipeReader(
            io.BufferedReader(cast("io.RawIOBase", process.stdout)), whole_line
        )
        try:
            watch = _Watch(process.pid, _START_SECONDS, 2 * _START_SECONDS, 10 * _START_SECONDS)
            self._answer(process, watch)
        except DiedError as error:
            raise DataError(f"cannot start {' '.join(self._command)}: {error}") from error
        return process

    def _answer(self, process: subprocess.Popen[bytes], watch: _Watch) -> Message:
        """Return the next answer."""
        assert self._answers is not None
        while (line := self._answers.next(_POLL_SECONDS)) is None:
            self._check_time(watch)
        if not line:
            raise self._death(process)
        return cast("Message", json.loads(line))

    def _check_time(self, watch: _Watch) -> None:
        try:
            watch.check()
        except DiedError:
            self.end()
            raise

    def _death(self, process: subprocess.Popen[bytes]) -> DiedError:
        """Return how the process ended; kill it if it still runs."""
        try:
            code = process.wait(timeout=1)
        except subprocess.TimeoutExpired:  # it closed its pipe but still runs
            code = KILLED
        self.end()
        if ended_by_timer(code):  # which was quicker than our look
            return TookTooLongError(f"took over {self._seconds:g} s of CPU time")
        return DiedError(signal_name(code) or f"exit code {code}")


def _environment() -> dict[str, str]:
    """Return our environment plus the module paths of this process, as in a source tree."""
    found = [str(Path(entry or ".").absolute()) for entry in sys.path]
    threads = dict.fromkeys(_ONE_THREAD, "1")
    return os.environ | threads | {"PYTHONPATH": os.pathsep.join(found)}
