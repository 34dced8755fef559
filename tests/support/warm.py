"""Python processes that need not import torch anew: forks of one that has done so, once.

What is tested in them is the program, not its start: whatever hangs on that (what is imported when,
a signal before the first line) needs a process of its own, by `subprocess`.
"""

from __future__ import annotations

import atexit
import functools
import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from multiprocessing.reduction import send_handle
from pathlib import Path

from paths import PLUGINS, ROOT, SHARED

from bench.engines.spawn import Spawned, TrialServer

_BOOT = (
    "import json, sys; sys.path[:0] = json.loads(sys.argv[1]); "
    "from bench.engines.child import serve; serve(int(sys.argv[2]), int(sys.argv[3]), 'warm_child')"
)
MARK = "ZOO_TEST_MARK"  # in the environment of whatever a test begins
MARKED_CHARACTERS = 15  # of the mark, in a process's name, which forks keep: Linux has no more
ADDED = [str(PLUGINS / "undrawn"), str(ROOT), *SHARED]


class WarmPython(TrialServer):
    """A Python that has imported torch and the program, and forks itself for each command."""

    def start(
        self,
        arguments: Sequence[object],
        *,
        cwd: Path | None = None,
        path: Sequence[object] = (),
        env: Mapping[str, str] | None = None,
        stdout: int,
        stderr: int,
        most_bytes: int | None = None,
    ) -> Spawned:
        """Begin `python ARGUMENTS`, that is `-m MODULE`, `-c CODE` or a file, and what follows.

        Args:
            arguments: what `python` is given.
            cwd: where it runs; None: here.
            path: where modules are looked for first.
            env: its environment; None: that of this process.
            stdout: the descriptor that it prints to.
            stderr: the descriptor that it complains to.
            most_bytes: of data that it may hold.
        """
        spawned = self.begin()
        first = [str(each) for each in path]
        given = dict(os.environ if env is None else env)
        given["PYTHONPATH"] = os.pathsep.join([*first, *ADDED, given.get("PYTHONPATH", "")])
        _tell(
            spawned,
            env=given,
            command={
                "arguments": [str(each) for each in arguments],
                "cwd": str(cwd or Path.cwd()),
                "path": first,
                "most_bytes": most_bytes,
            },
        )
        for descriptor in (stdout, stderr):
            send_handle(spawned.connection, descriptor, spawned.pid)
        return spawned

    def begin_trial(self) -> Spawned:
        """Return a process that waits for a trial's job, where this one is and as it is now."""
        spawned = self.begin()
        _tell(spawned, env=dict(os.environ), command=None)
        return spawned

    def run(
        self,
        arguments: Sequence[object],
        *,
        cwd: Path | None = None,
        path: Sequence[object] = (),
        env: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Return what has come of `python ARGUMENTS`, as `subprocess.run` does."""
        pipes = [os.pipe(), os.pipe()]
        spawned = self.start(
            arguments, cwd=cwd, path=path, env=env, stdout=pipes[0][1], stderr=pipes[1][1]
        )
        for _, writing in pipes:
            os.close(writing)
        found: dict[int, str] = {}
        readers = [
            threading.Thread(target=_read, args=(reading, found), daemon=True)
            for reading, _ in pipes
        ]
        for reader in readers:
            reader.start()
        code = spawned.wait()
        for reader in readers:
            reader.join()
        spawned.close()
        os.close(spawned.output)
        (out, err) = (found[reading] for reading, _ in pipes)
        return subprocess.CompletedProcess([*map(str, arguments)], code or 0, out, err)

    def _launch(self, control: int, output: int) -> subprocess.Popen[bytes]:
        given = [json.dumps(ADDED), str(control), str(os.getpid())]
        return subprocess.Popen(
            [sys.executable, "-c", _BOOT, *given],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=[control],
            process_group=0,
        )


def _tell(spawned: Spawned, **told: object) -> None:
    """Tell the process what to be, with the cores that this one has now."""
    told["cores"] = sorted(os.sched_getaffinity(0))
    spawned.connection.send_bytes(json.dumps(told).encode())


def _read(descriptor: int, into: dict[int, str]) -> None:
    with open(descriptor, errors="backslashreplace") as file:
        into[descriptor] = file.read()


@functools.cache
def warm() -> WarmPython:
    """Return the one of this process, begun at the first call."""
    python = WarmPython()
    atexit.register(python.close)
    return python
