"""A new process for a trial, begun before anything slow is imported here: both import at once."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from multiprocessing.connection import Connection

_BOOT = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from bench.engines.child import main; main(int(sys.argv[2]), int(sys.argv[3]))"
)


@dataclass(frozen=True, slots=True)
class Spawned:
    """A process that waits for its job, and the socket by which it is to come."""

    process: subprocess.Popen[bytes]
    connection: Connection


def spawn() -> Spawned:
    """Return a new process. It is not forked from this one, whose threads it would lack.

    It leads a process group of its own, so that it can be ended with all that it has begun.
    """
    ours, theirs = socket.socketpair()
    process = subprocess.Popen(
        [sys.executable, "-c", _BOOT, json.dumps(sys.path), str(theirs.fileno()), str(os.getpid())],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        pass_fds=[theirs.fileno()],
        process_group=0,
    )
    theirs.close()
    return Spawned(process, Connection(ours.detach()))


def can_spawn() -> bool:
    """Say whether this system has what that needs: sockets to pass on, and process groups."""
    return os.name == "posix"
