"""Processes and their ends, as each system has them. `bench/system` has the rest.

This module and that folder alone name what only some systems have; `tests/studies/rooms.py` looks.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

KILLED = -9  # the exit code of a process that was killed, as `subprocess` tells SIGKILL


def start_apart(
    command: Sequence[str], *, descriptors: Sequence[int] = (), **options: Any
) -> subprocess.Popen[bytes]:
    """Start a process that a terminal's Ctrl-C does not reach, and return it.

    It leads a group of its own, so that `kill_tree` ends what it has started, too.

    Args:
        command: program and arguments.
        descriptors: descriptors that it inherits; only where `can_pass_descriptors`.
        options: as for `subprocess.Popen`.
    """
    if sys.platform == "win32":
        return subprocess.Popen(
            command, creationflags=subprocess.CREATE_NEW_PROCESS_GROUP, **options
        )
    return subprocess.Popen(command, pass_fds=descriptors, process_group=0, **options)


def can_pass_descriptors() -> bool:
    """Return whether a process can inherit single descriptors, as on POSIX systems."""
    return os.name == "posix"


def kill_group(leader: int) -> None:
    """Kill the process group that `leader` leads, if there is one."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def kill_group_left(leader: int) -> None:
    """Kill what is left of the group of a process that has just ended; nothing without groups."""
    if hasattr(os, "killpg"):
        kill_group(leader)


def kill_tree(process: subprocess.Popen[bytes]) -> None:
    """Kill a process of `start_apart` that was not waited for, and what it has started.

    Without process groups, as on Windows, these are the processes that name it as an ancestor.
    """
    if hasattr(os, "killpg"):
        kill_group(process.pid)
    else:
        import psutil  # 20 ms

        with suppress(psutil.Error):
            for each in psutil.Process(process.pid).children(recursive=True):
                with suppress(psutil.Error):
                    each.kill()
    process.kill()


def signal_name(code: int) -> str | None:
    """Return the name of the signal that ended a process with exit `code`, or None."""
    if code >= 0:
        return None
    known = {int(each): each.name for each in signal.Signals}
    return known.get(-code, f"signal {-code}")


def describe_end(code: int) -> str:
    """Return how a process with exit `code` has ended: `signal SIGKILL`, or `exit code 3`."""
    name = signal_name(code)
    if name is None:
        return f"exit code {code}"
    return name if name.startswith("signal") else f"signal {name}"


def can_fork() -> bool:
    """Return whether a process can make a copy of itself."""
    return hasattr(os, "fork")


def content_of_fork(write: Callable[[int], object]) -> tuple[bytes, int]:
    """Return what `write` writes to its descriptor in a fork of this process, and the exit code."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        code = 1
        try:
            write(writing)
            code = 0
        finally:
            sys.stderr.flush()
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading, "rb") as answer:
        content = answer.read()
    return content, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def write_place_when_asked(descriptor: int) -> None:
    """Let this process write where it is, as faulthandler does, when `ask_for_place` is called.

    It does so even if it runs no Python then.
    """
    import faulthandler

    faulthandler.register(signal.SIGUSR1, file=descriptor)


def ask_for_place(process: int, reading: int, seconds: float) -> bytes:
    """Return what `process` writes about where it is, until it is silent for `seconds`.

    Args:
        process: id of a process that has called `write_place_when_asked`.
        reading: descriptor from which its answer is read.
        seconds: longest time between two parts of the answer.
    """
    text = b""
    with suppress(OSError):
        os.kill(process, signal.SIGUSR1)
        while select.select([reading], [], [], seconds)[0]:
            if not (part := os.read(reading, 1 << 16)):
                break
            text += part
    return text


def stays_in_machine(connection: socket.socket) -> bool:
    """Return whether a socket connects processes of this machine alone, as AF_UNIX does."""
    return connection.family == getattr(socket, "AF_UNIX", None)


def cores_allowed() -> set[int] | None:
    """Return the numbers of the cores this process may use; None if that is unknown."""
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None


def allow_cores(cores: set[int] | None) -> None:
    """Let this process use these cores alone; None changes nothing."""
    if cores is not None:
        os.sched_setaffinity(0, cores)
