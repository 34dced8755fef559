"""A new interpreter for each trial, where a fork cannot use what was imported: macOS, Windows.

It takes 2 to 4 s of a core to import torch. The first one does so while this process checks images.
"""

import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from bench.engines.channel import PipeChannel
from registry.processes import kill_group_left, kill_tree, start_apart

STOP = b"t"
_BOOT = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from bench.engines.fresh_child import main; main()"
)


class FreshProcess:
    """A process for one trial. It ends when its stdin does, so it ends with this one.

    Attributes:
        pid: process id.
        connection: channel for the job and for its messages.
        output: descriptor of its output.
    """

    def __init__(self) -> None:
        pipe = subprocess.PIPE
        command = [sys.executable, "-c", _BOOT, json.dumps(sys.path)]
        self._process = start_apart(command, stdin=pipe, stdout=pipe, stderr=pipe)
        assert self._process.stdin
        assert self._process.stdout
        assert self._process.stderr
        self.pid = self._process.pid
        self.connection = PipeChannel(self._process.stdout, self._process.stdin)
        self.output = os.dup(self._process.stderr.fileno())
        self._process.stderr.close()

    def wait_for_message(self) -> bool:
        """Wait for a message; return whether there is one, or it has ended."""
        return self.connection.wait()

    def poll(self) -> int | None:
        """Return the exit code, or None while it runs."""
        return self._process.poll()

    def wait(self, seconds: float | None = None) -> int | None:
        """Wait at most `seconds` until it has ended; return the exit code, or None."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        return self._process.returncode

    def ask_to_stop(self) -> None:
        """Ask it to save and end, if it runs."""
        with suppress(OSError):
            self.connection.send_bytes(STOP)

    def kill(self) -> None:
        """Kill it and what it has started."""
        if self._process.poll() is None:
            kill_tree(self._process)
        else:
            kill_group_left(self.pid)

    def close(self) -> None:
        """Close its channel, which ends it if it still runs."""
        self.connection.close()


class FreshServer:
    """Starts a new interpreter for each trial, and the first one early."""

    def __init__(self) -> None:
        self._waiting: FreshProcess | None = FreshProcess()

    def begin(self) -> FreshProcess:
        """Return a process that waits for its job."""
        process, self._waiting = self._waiting or FreshProcess(), None
        with suppress(OSError):  # it has ended, and the reader of its messages says so
            process.connection.send_bytes(os.fsencode(Path.cwd()))
        return process

    def close(self) -> None:
        """End the process that no trial has needed."""
        process, self._waiting = self._waiting, None
        if process is not None:
            process.kill()
            process.wait()
            process.close()
            os.close(process.output)
