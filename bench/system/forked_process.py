"""Forks of this process that lead a process group, and sockets that carry descriptors: Linux."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from bench.system.child_process import die_with_parent
from registry.processes import kill_group

_DRIVER = "libcuda.so"  # once it is loaded, a fork cannot use what was imported


def forks_keep_imports() -> bool:
    """Return whether a fork can use what this process has imported, as on Linux alone."""
    return sys.platform == "linux"


def can_fork_now() -> bool:
    """Return whether a fork can use the imports: not once CUDA's driver is loaded."""
    if not forks_keep_imports():
        return False
    return _DRIVER not in Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace")


class ForkedProcess:
    """A fork of this process; it dies with it, and leads a process group of its own.

    Attributes:
        pid: its process id.
        end: descriptor that is readable once it has ended.
    """

    def __init__(self, run: Callable[[], object]) -> None:
        """Fork; the fork calls `run`, and exits with 1 if that returns."""
        server, self.pid = os.getpid(), os.fork()
        if self.pid == 0:
            try:
                end_with(server)
                os.setpgid(0, 0)
                run()
            finally:
                os._exit(1)
        with suppress(OSError):  # parent or child, whichever is first
            os.setpgid(self.pid, self.pid)
        self.end = os.pidfd_open(self.pid)

    def code(self) -> int | None:
        """Return the exit code, or None while it runs; what it has started is killed first."""
        if os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            return None
        self.kill()  # its id stays reserved until waitpid
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def ask_to_stop(self) -> None:
        """Send it SIGTERM."""
        os.kill(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        """Kill it and its process group."""
        kill_group(self.pid)
        with suppress(ProcessLookupError, PermissionError):
            os.kill(self.pid, signal.SIGKILL)

    def close(self) -> None:
        """Close its descriptor."""
        os.close(self.end)


def end_with(parent: int) -> None:
    """Let this process end with its parent, which had the id `parent`; now, if it has ended."""
    die_with_parent()
    if os.getppid() != parent:
        os._exit(1)


def send_descriptors(connection: socket.socket, text: bytes, descriptors: Sequence[int]) -> None:
    """Send `text` and open descriptors to the process at the other end."""
    socket.send_fds(connection, [text], descriptors)


def receive_descriptors(
    connection: socket.socket, most_bytes: int, count: int
) -> tuple[bytes, list[int]]:
    """Return what `send_descriptors` sent; raise OSError if the connection fails."""
    text, descriptors, _, _ = socket.recv_fds(connection, most_bytes, count)
    return text, descriptors


def receive_at_once(connection: socket.socket, most_bytes: int) -> bytes | None:
    """Return what has arrived, b"" at its end, or None if there is nothing yet."""
    try:
        return connection.recv(most_bytes, socket.MSG_DONTWAIT)
    except BlockingIOError:
        return None
    except OSError:
        return b""
