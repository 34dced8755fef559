"""Start the trial server, which imports torch once and forks itself for each trial.

It starts before the slow imports of this process, so that both import at once. Importing takes 2
to 4 s of a core; a fork takes milliseconds.
"""

import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext, suppress
from multiprocessing.connection import Connection, wait
from pathlib import Path

from bench.engines.fresh import FreshServer
from bench.system.forked_process import forks_keep_imports, send_descriptors
from registry.errors import RunError
from registry.processes import KILLED, kill_group, start_apart

NUMBER = struct.Struct("!i")  # a process id, then its exit code
STOP, KILL = b"t", b"k"
_BOOT = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from bench.engines.child import serve; serve(int(sys.argv[2]), int(sys.argv[3]))"
)
_LAST_CHARACTERS = 2000  # of the output of a server that failed


class Spawned:
    """A process for one trial, a child of the server.

    Attributes:
        pid: process id, and the id of the process group that it leads.
        connection: connection for the job and for its messages.
        output: descriptor of its output.
        returncode: exit code, negative for a signal; None while it runs.
    """

    def __init__(self, connection: Connection, output: int, status: socket.socket) -> None:
        self.connection, self.output, self._status = connection, output, status
        self.returncode: int | None = None
        self._lock = threading.Lock()  # two threads may wait for the exit code
        self.pid = _receive_number(status)

    def wait_for_message(self) -> bool:
        """Wait for a message without slowing the trial; return whether there is one."""
        while not self.connection.poll(0):
            wait([self.connection, self._status])
            if self.poll() is not None and not self.connection.poll(0):
                return False
        return True

    def poll(self) -> int | None:
        """Return the exit code, or None while it runs."""
        return self.wait(0.0)

    def wait(self, seconds: float | None = None) -> int | None:
        """Wait at most `seconds` until it has ended; return the exit code, or None."""
        with self._lock:
            if self.returncode is None:
                self._status.settimeout(seconds)
                try:
                    self.returncode = _receive_number(self._status)
                except (TimeoutError, BlockingIOError):
                    return None
                except (EOFError, ConnectionError):  # its server was killed, and that kills it
                    self.returncode = KILLED
                    kill_group(self.pid)  # what it has started
            return self.returncode

    def ask_to_stop(self) -> None:
        """Send it SIGTERM, if it runs."""
        self._send(STOP)

    def kill(self) -> None:
        """Kill it and its process group."""
        self._send(KILL)

    def close(self) -> None:
        """Close its connections, which kills it if it still runs."""
        self.connection.close()
        self._status.close()

    def _send(self, what: bytes) -> None:
        if self.returncode is None:
            with suppress(OSError):  # its server is gone, and so is it
                self._status.send(what)


class TrialServer:
    """A process that forks itself for each trial; it and its trials end with this process.

    It is a new process, since forks of this one would lack its threads.
    """

    def __init__(self) -> None:
        self._output = tempfile.TemporaryFile()  # noqa: SIM115  (closed in `close`)
        self._worked = False
        self._start()

    def begin(self) -> Spawned:
        """Return a process that waits for its job, once the server's imports are done.

        Raise RunError if the server ends before its first trial.
        """
        try:
            spawned = self._fork()
        except (ConnectionError, EOFError) as error:
            if not self._worked:
                raise RunError(self._why_it_ended()) from error
            self._end()  # it was killed: a new one can start the other trials
            self._start()
            self._worked = False
            return self.begin()
        self._worked = True
        return spawned

    def close(self) -> None:
        """End it and its running trials; it cannot be used again."""
        self._end()
        self._output.close()

    def _start(self) -> None:
        self._control, theirs = socket.socketpair()
        with theirs:
            self._process = self._launch(theirs.fileno(), self._output.fileno())

    def _launch(self, control: int, output: int) -> subprocess.Popen[bytes]:
        """Return a new process that serves `control`; its own group shields it from Ctrl-C."""
        return start_apart(
            [sys.executable, "-c", _BOOT, json.dumps(sys.path), str(control), str(os.getpid())],
            descriptors=[control],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )

    def _end(self) -> None:
        self._control.close()
        self._process.kill()
        self._process.wait()

    def _fork(self) -> Spawned:
        folder = os.fsencode(Path.cwd())
        ours, theirs = socket.socketpair()
        status, its_status = socket.socketpair()
        reading, writing = os.pipe()
        given = [theirs.fileno(), writing, its_status.fileno()]
        connection = Connection(ours.detach())
        try:
            with theirs, its_status:
                send_descriptors(self._control, folder, given)
            return Spawned(connection, reading, status)
        except (OSError, EOFError):
            connection.close()
            status.close()
            os.close(reading)
            raise
        finally:
            os.close(writing)

    def _why_it_ended(self) -> str:
        code = self._process.wait()
        self._output.seek(0)
        text = self._output.read().decode(errors="replace")[-_LAST_CHARACTERS:].strip()
        last = text.splitlines()[-1] if text else "it printed nothing"
        return f"no trial can start: the trial server exited with code {code}: {last}"


Server = TrialServer | FreshServer


def start_server() -> Server:
    """Return a new server, which imports torch meanwhile."""
    return TrialServer() if forks_keep_imports() else FreshServer()


@contextmanager
def trial_server(*, wanted: bool, server: Server | None = None) -> Iterator[Server | None]:
    """Yield `server` or, if wanted, a new one; then close it."""
    if server is None and wanted:
        server = start_server()
    with closing(server) if server else nullcontext():
        yield server


def _receive_number(status: socket.socket) -> int:
    """Return the next number, which arrives whole; raise EOFError if none comes."""
    content = status.recv(NUMBER.size)
    if len(content) < NUMBER.size:
        raise EOFError
    return int(NUMBER.unpack(content)[0])
