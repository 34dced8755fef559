"""The trial server, started by `spawn.py`: it imports torch and forks itself for each trial.

It runs no operation of torch, since a fork would lack the threads of torch. It ends with its
parent, which is ensured before any slow import.
"""

import faulthandler
import gc
import importlib
import json
import os
import socket
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import wait
from typing import Any, NoReturn

from bench.engines.spawn import KILL, NUMBER, STOP
from bench.system.forked_process import (
    ForkedProcess,
    can_fork_now,
    end_with,
    receive_at_once,
    receive_descriptors,
)
from bench.system.quick_imports import without_collection

_JOB = "bench.engines.job"
_MOST_BYTES = 4096  # of a folder's name: the limit of Linux
_BOOT = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from bench.engines.child import do; do(int(sys.argv[2]), sys.argv[3])"
)


def serve(control: int, parent: int, module: str = _JOB) -> None:
    """Start a process for each request on the socket `control`, until it closes.

    Each process calls the function `do` of `module` with its own socket.
    """
    os.set_inheritable(control, False)  # a process that a plugin starts must not hold it open
    end_with(parent)
    with without_collection():
        importlib.import_module(module)  # takes seconds
    gc.freeze()  # else garbage collection in a fork would copy the pages of all imports
    _Server(socket.socket(fileno=control), module).run()
    os._exit(0)


class _Trial:
    """The process of a trial, as its server sees it."""

    def __init__(self, process: ForkedProcess, status: socket.socket) -> None:
        self._process, self.status = process, status
        self._asked = True  # requests may still come
        self._send(process.pid)

    @property
    def events(self) -> list[int | socket.socket]:
        """Descriptors that are readable when there is something to do."""
        return [self._process.end, self.status] if self._asked else [self._process.end]

    def heed(self) -> bool:
        """Handle requests; return whether its process group has ended."""
        if self._asked:
            self._obey()
        code = self._process.code()
        if code is not None:
            self._send(code)
            self.close()
        return code is not None

    def close(self) -> None:
        """Close its descriptors."""
        self.status.close()
        self._process.close()

    def _obey(self) -> None:
        asked = receive_at_once(self.status, 64)
        if asked is None:
            return
        if STOP in asked:
            self._process.ask_to_stop()
        if KILL in asked or not asked:  # the requester is gone
            self._asked = bool(asked)
            self._process.kill()

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
            ready = wait([self._control, *events])
            self._trials = [trial for trial in self._trials if not trial.heed()]
            if self._control in ready and not self._serve_one():
                return

    def _serve_one(self) -> bool:
        """Start the requested trial; return whether more may follow."""
        try:
            folder, given = receive_descriptors(self._control, _MOST_BYTES, 3)
        except OSError:
            return False
        if not folder or len(given) < 3:
            return False
        connection, output, status = given
        process = ForkedProcess(lambda: self._become_trial(folder, connection, output, status))
        os.close(connection)
        os.close(output)
        self._trials.append(_Trial(process, socket.socket(fileno=status)))
        return True

    def _become_trial(self, folder: bytes, connection: int, output: int, status: int) -> None:
        """Run one trial in this fork, then exit; close the descriptors of other trials."""
        os.chdir(folder)
        self._control.close()
        os.close(status)
        for trial in self._trials:
            trial.close()
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.close(output)
        if not can_fork_now():
            _begin_anew(connection, self._module)
        do(connection, self._module)


def do(connection: int, module: str) -> None:
    """Run the one trial that arrives on the socket `connection`, and exit."""

    def run() -> None:
        os.set_inheritable(connection, False)
        importlib.import_module(module).do(connection)

    run_to_exit(run)


def run_to_exit(run: Callable[[], object]) -> NoReturn:
    """Call `run`, print what it raises, and exit with its code."""
    code: object = 1
    try:
        _open_output()
        faulthandler.enable()
        run()
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
    how: dict[str, Any] = {"encoding": "utf-8", "errors": "backslashreplace", "closefd": False}
    sys.stdout = open(1, "w", **how)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, **how)  # noqa: SIM115


def _begin_anew(connection: int, module: str) -> None:
    """Replace this process by a new interpreter that runs the trial."""
    os.set_inheritable(connection, True)
    arguments = ["-c", _BOOT, json.dumps(sys.path), str(connection), module]
    os.execv(sys.executable, [sys.executable, *arguments])
