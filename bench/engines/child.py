"""The trial server, started by `spawn.py`: it imports torch and forks itself for each trial.

It runs no operation of torch, since a fork would lack the threads of torch. It ends with its
parent, which is ensured before any slow import.
"""

import faulthandler
import gc
import importlib
import json
import os
import signal
import socket
import sys
import traceback
from contextlib import suppress
from multiprocessing.connection import wait
from pathlib import Path

from bench.engines.spawn import KILL, NUMBER, STOP
from bench.system.child_process import die_with_parent
from bench.system.quick_imports import without_collection

_JOB = "bench.engines.job"
_MOST_BYTES = 4096  # of a folder's name: the limit of Linux
_LOOK_SECONDS = 0.05  # between polls for ended trials, on systems without pidfd
_BOOT = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from bench.engines.child import do; do(int(sys.argv[2]), sys.argv[3])"
)


def serve(control: int, parent: int, module: str = _JOB) -> None:
    """Start a process for each request on the socket `control`, until it closes.

    Each process calls the function `do` of `module` with its own socket.
    """
    os.set_inheritable(control, False)  # a process that a plugin starts must not hold it open
    die_with_parent()
    if os.getppid() != parent:  # the parent has already ended
        os._exit(1)
    if sys.platform == "linux":  # on macOS a fork cannot use what its parent has loaded
        with without_collection():
            importlib.import_module(module)  # takes seconds
        gc.freeze()  # else garbage collection in a fork would copy the pages of all imports
    _Server(socket.socket(fileno=control), module).run()
    os._exit(0)


class _Trial:
    """The process of a trial, as its server sees it."""

    def __init__(self, pid: int, status: socket.socket) -> None:
        self.pid, self.status = pid, status
        self._end = os.pidfd_open(pid) if hasattr(os, "pidfd_open") else None
        self._asked = True  # requests may still come
        self._send(pid)

    @property
    def events(self) -> list[int | socket.socket]:
        """Descriptors that are readable when there is something to do."""
        end = [] if self._end is None else [self._end]
        return [*end, self.status] if self._asked else [*end]

    def heed(self) -> bool:
        """Handle requests; return whether its process group has ended."""
        if self._asked:
            self._obey()
        if hasattr(os, "waitid"):  # macOS has it from Python 3.13 on
            if os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
                return False  # still running
            self._kill()  # its id stays reserved until waitpid
        ended, status = os.waitpid(self.pid, os.WNOHANG)
        if ended:
            self._send(os.waitstatus_to_exitcode(status))
            self.close()
        return bool(ended)

    def close(self) -> None:
        """Close its descriptors."""
        self.status.close()
        if self._end is not None:
            os.close(self._end)

    def _obey(self) -> None:
        try:
            asked = self.status.recv(64, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        except OSError:
            asked = b""
        if STOP in asked:
            os.kill(self.pid, signal.SIGTERM)
        if KILL in asked or not asked:  # the requester is gone
            self._asked = bool(asked)
            self._kill()

    def _kill(self) -> None:
        for kill in (os.killpg, os.kill):
            with suppress(ProcessLookupError, PermissionError):
                kill(self.pid, signal.SIGKILL)

    def _send(self, number: int) -> None:
        with suppress(OSError):
            self.status.send(NUMBER.pack(number))


class _Server:
    """Forks a process for each requested trial, and reports its exit code."""

    def __init__(self, control: socket.socket, module: str) -> None:
        self._control, self._module = control, module
        self._trials: list[_Trial] = []

    def run(self) -> None:
        """Serve until the requester is gone."""
        while True:
            events = [event for trial in self._trials for event in trial.events]
            polled = self._trials and not hasattr(os, "pidfd_open")
            ready = wait([self._control, *events], _LOOK_SECONDS if polled else None)
            self._trials = [trial for trial in self._trials if not trial.heed()]
            if self._control in ready and not self._serve_one():
                return

    def _serve_one(self) -> bool:
        """Start the requested trial; return whether more may follow."""
        try:
            folder, given, _, _ = socket.recv_fds(self._control, _MOST_BYTES, 3)
        except OSError:
            return False
        if not folder or len(given) < 3:
            return False
        connection, output, status = given
        server, pid = os.getpid(), os.fork()
        if pid == 0:
            self._become_trial(server, folder, connection, output, status)
        with suppress(OSError):  # parent or child, whichever is first
            os.setpgid(pid, pid)
        os.close(connection)
        os.close(output)
        self._trials.append(_Trial(pid, socket.socket(fileno=status)))
        return True

    def _become_trial(
        self, server: int, folder: bytes, connection: int, output: int, status: int
    ) -> None:
        """Run one trial in this fork, then exit; close the descriptors of other trials."""
        try:
            os.chdir(folder)
            die_with_parent()
            if os.getppid() != server:  # the parent has already ended
                os._exit(1)
            os.setpgid(0, 0)
            self._control.close()
            os.close(status)
            for trial in self._trials:
                trial.close()
            os.dup2(output, 1)
            os.dup2(output, 2)
            os.close(output)
            if not _can_fork():
                _begin_anew(connection, self._module)
            do(connection, self._module)
        finally:
            os._exit(1)


def do(connection: int, module: str) -> None:
    """Run the one trial that arrives on the socket `connection`, and exit."""
    code: object = 1
    try:
        os.set_inheritable(connection, False)
        _open_output()
        faulthandler.enable()
        importlib.import_module(module).do(connection)
        code = 0
    except SystemExit as error:
        code = error.code
    except BaseException:  # noqa: BLE001  (nothing else would report it)
        traceback.print_exc()
    finally:
        with suppress(OSError, ValueError):  # closed, or without a reader
            sys.stdout.flush()
            sys.stderr.flush()
        # saves the second of shutting torch down; all files are synced
        os._exit(code if isinstance(code, int) else int(code is not None))


def _open_output() -> None:
    """Print to the descriptors of this process, not to those of the server."""
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, errors="backslashreplace", closefd=False)  # noqa: SIM115


def _begin_anew(connection: int, module: str) -> None:
    """Replace this process by a new interpreter that runs the trial."""
    os.set_inheritable(connection, True)
    arguments = ["-c", _BOOT, json.dumps(sys.path), str(connection), module]
    os.execv(sys.executable, [sys.executable, *arguments])


def _can_fork() -> bool:
    """Return whether a fork can use the imports: not once CUDA's driver is loaded."""
    if sys.platform != "linux":
        return False
    return "libcuda.so" not in Path("/proc/self/maps").read_text()
