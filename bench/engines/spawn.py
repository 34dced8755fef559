"""A process that imports what trials need, once, and forks itself for each of them.

It is begun before anything slow is imported here, so that both import at once. Importing takes 2 to
4 s of a core; a fork takes milliseconds.
"""

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext, suppress
from multiprocessing.connection import Connection
from pathlib import Path

from registry.errors import RunError

NUMBER = struct.Struct("!i")  # a process's number, and then how it has ended
STOP, KILL = b"t", b"k"
_BOOT = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from bench.engines.child import serve; serve(int(sys.argv[2]), int(sys.argv[3]))"
)
_LAST_CHARACTERS = 2000  # of what the server printed, where it has ended by itself


class Spawned:
    """A process for one trial, a child of the server.

    Attributes:
        pid: its number, and that of the process group that it leads.
        connection: by which its job is to come, and what it says goes back.
        output: descriptor of what it prints.
        returncode: None until it is known to have ended; negative: the signal that ended it.
    """

    def __init__(self, connection: Connection, output: int, status: socket.socket) -> None:
        self.connection, self.output, self._status = connection, output, status
        self.returncode: int | None = None
        self._lock = threading.Lock()  # two threads may wait for the one number
        self.pid = _receive_number(status)

    def fileno(self) -> int:
        """Return what can be read as soon as it has ended."""
        return self._status.fileno()

    def poll(self) -> int | None:
        """Return how it has ended, or None while it runs."""
        return self.wait(0.0)

    def wait(self, seconds: float | None = None) -> int | None:
        """Wait until it has ended, so long at most; return how, or None."""
        with self._lock:
            if self.returncode is None:
                self._status.settimeout(seconds)
                try:
                    self.returncode = _receive_number(self._status)
                except (TimeoutError, BlockingIOError):
                    return None
                except (EOFError, ConnectionError):  # its server was killed, which kills it
                    self.returncode = -signal.SIGKILL
                    with suppress(ProcessLookupError, PermissionError):
                        os.killpg(self.pid, signal.SIGKILL)  # what it has begun
            return self.returncode

    def ask_to_stop(self) -> None:
        """Send it SIGTERM, if it runs."""
        self._send(STOP)

    def kill(self) -> None:
        """End it and all of its process group, at once."""
        self._send(KILL)

    def close(self) -> None:
        """Give back what is held; it is killed if it still runs."""
        self.connection.close()
        self._status.close()

    def _send(self, what: bytes) -> None:
        if self.returncode is None:
            with suppress(OSError):  # its server is gone, and it with that
                self._status.send(what)


class TrialServer:
    """A process that forks itself for each trial; it ends with this one, and its trials with it.

    It is a new process: were trials forked from this one, they would lack its threads.
    """

    def __init__(self) -> None:
        self._output = tempfile.TemporaryFile()  # noqa: SIM115  (closed in `close`)
        self._worked = False
        self._start()

    def begin(self) -> Spawned:
        """Return a process that waits for its job, once the server has imported all.

        RunError says how the server has ended before it could begin any.
        """
        try:
            spawned = self._fork()
        except (ConnectionError, EOFError) as error:
            if not self._worked:
                raise RunError(self._why_it_ended()) from error
            self._end()  # something has killed it: another can still begin the others
            self._start()
            self._worked = False
            return self.begin()
        self._worked = True
        return spawned

    def close(self) -> None:
        """End it, and the trials that still run; nothing is asked of it after that."""
        self._end()
        self._output.close()

    def _start(self) -> None:
        self._control, theirs = socket.socketpair()
        with theirs:
            self._process = self._launch(theirs.fileno(), self._output.fileno())

    def _launch(self, control: int, output: int) -> subprocess.Popen[bytes]:
        """Return a new process that serves `control`; its own group keeps Ctrl-C from it."""
        return subprocess.Popen(
            [sys.executable, "-c", _BOOT, json.dumps(sys.path), str(control), str(os.getpid())],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=[control],
            process_group=0,
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
                socket.send_fds(self._control, [folder], given)
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
        last = text.splitlines()[-1] if text else "it said nothing"
        return f"no trial can be started: the process that starts them left with {code}: {last}"


@contextmanager
def trial_server(
    *, wanted: bool, server: TrialServer | None = None
) -> Iterator[TrialServer | None]:
    """Yield `server`, or, where wanted, one that imports torch meanwhile; close it in the end."""
    if server is None and wanted and can_spawn():
        server = TrialServer()
    with closing(server) if server else nullcontext():
        yield server


def can_spawn() -> bool:
    """Say whether this system has what that needs: sockets to pass on, and process groups."""
    return os.name == "posix"


def _receive_number(status: socket.socket) -> int:
    """Return the next number, which comes whole or not at all; raise EOFError if none does."""
    content = status.recv(NUMBER.size)
    if len(content) < NUMBER.size:
        raise EOFError
    return int(NUMBER.unpack(content)[0])
