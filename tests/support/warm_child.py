"""What a fork of a warm Python does: it becomes the command that it was begun for."""

from __future__ import annotations

import atexit
import importlib
import json
import os
import resource
import runpy
import signal
import sys
import threading
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle
from pathlib import Path
from typing import Any

from warm import MARK, MARKED_CHARACTERS

from bench.engines import child, job
from bench.engines.spawn import TrialServer

_PROGRAM = (
    "bench.engines.job",
    "bench.runs.execute",
    "bench.runs.batch.gather",
    "bench.runs.batch.work",
    "zoo.cli.app",
)
_LATER = ("scipy.stats", "altair")  # what it imports when it tells of a run
for _name in _PROGRAM:
    importlib.import_module(_name)  # once for all
OF_THE_PROGRAM = frozenset(sys.modules)  # what it has imported before it does anything
for _name in _LATER:
    importlib.import_module(_name)
_LAUNCH = TrialServer._launch


def do(connection: int) -> None:
    """Be the command that comes by the socket `connection`."""
    given = Connection(connection)
    try:
        told = json.loads(given.recv_bytes())
    except EOFError:  # it is not needed
        return
    os.sched_setaffinity(0, told["cores"])
    os.environ.clear()
    os.environ.update(told["env"])
    command = told["command"]
    if command is None:
        job.do(connection)
        return
    for descriptor in (1, 2):
        handle = recv_handle(given)
        os.dup2(handle, descriptor)
        os.close(handle)
    _be_as(command)
    TrialServer._launch = _forked  # type: ignore[method-assign]
    try:
        _run(command["arguments"])
    finally:
        threading._shutdown()  # type: ignore[attr-defined]  # as an interpreter ends
        atexit._run_exitfuncs()


def _be_as(command: dict[str, Any]) -> None:
    """Have the place, the limits, the mark and the modules that were asked for."""
    os.chdir(command["cwd"])
    sys.path[:0] = command["path"]
    if mark := os.environ.get(MARK):
        Path("/proc/self/comm").write_text(mark[:MARKED_CHARACTERS])
    if command["most_bytes"] is not None:
        resource.setrlimit(resource.RLIMIT_DATA, (command["most_bytes"],) * 2)


def _run(arguments: list[str]) -> None:
    """Run `-m MODULE`, `-c CODE` or a file, as `python` does."""
    first, *rest = arguments
    if first == "-m":
        sys.path.insert(0, str(Path.cwd()))
        sys.argv = rest
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    elif first == "-c":
        sys.path.insert(0, "")
        sys.argv = ["-c", *rest[1:]]
        exec(compile(rest[0], "<string>", "exec"), {"__name__": "__main__"})
    else:
        sys.path.insert(0, str(Path(first).parent.resolve()))
        sys.argv = arguments
        runpy.run_path(first, run_name="__main__")


def _forked(self: TrialServer, control: int, output: int) -> Any:
    """Begin a trial server by a fork, while nothing was computed yet and there is one thread."""
    TrialServer._launch = _LAUNCH  # type: ignore[method-assign]
    if threading.active_count() > 1:
        return self._launch(control, output)
    here, pid = os.getpid(), os.fork()
    if pid == 0:
        try:
            os.setpgid(0, 0)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            for descriptor in (1, 2):
                os.dup2(output, descriptor)
            os.closerange(3, control)
            os.closerange(control + 1, 1024)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            child.serve(control, here)
        finally:
            os._exit(1)
    return _Fork(pid)


class _Fork:
    """As much of `subprocess.Popen` as the server's owner asks for."""

    def __init__(self, pid: int) -> None:
        self._pid, self._code = pid, None

    def kill(self) -> None:
        """End it."""
        with suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)

    def wait(self) -> int:
        """Return how it has ended."""
        if self._code is None:
            self._code = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
        return self._code
