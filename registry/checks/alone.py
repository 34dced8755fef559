"""Calls in a separate process that has imported torch and nothing else.

One process imports torch once (3 to 10 s) and waits. A fork of it makes each call: it takes
milliseconds and starts clean. The process runs no operation itself, so it has no threads that a
fork would lack.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import json
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, TypeVar

from registry.processes import can_fork, content_of_fork, describe_end

T = TypeVar("T")
_BOOT = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from registry.checks.alone import serve; serve()"
)


def run_in_fork(call: Callable[[], T]) -> T | str | None:
    """Return the result of `call`; the reason as text if its process died; None without fork.

    What the call prints goes to stderr. The call and its result must be picklable.
    """
    if not can_fork():
        return None
    server, answers = _server()
    assert server.stdin is not None
    here = (sys.path, Path.cwd(), dict(os.environ))
    try:
        pickle.dump((call, here), server.stdin)
        server.stdin.flush()
        answer: T | str = pickle.load(answers)
    except (BrokenPipeError, EOFError):
        _server.cache_clear()
        return f"the process that watches it ended with {server.wait()}"
    except KeyboardInterrupt:  # otherwise the next call would read this result
        _server.cache_clear()
        server.kill()
        raise
    return answer


def begin() -> None:
    """Start the import of torch early, before the first call."""
    if can_fork():
        _server()


@functools.cache
def _server() -> tuple[subprocess.Popen[bytes], IO[bytes]]:
    """Return the waiting process, started at the first call; it ends with this one."""
    process = subprocess.Popen(
        [sys.executable, "-c", _BOOT, json.dumps(sys.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    atexit.register(process.communicate)  # closes its stdin and waits until it has ended
    return process, process.stdout


def serve() -> None:
    """Run the calls that arrive on stdin, each in a fork, until stdin ends."""
    calls, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # a network cannot read the calls,
    os.dup2(2, 1)  # and prints to stderr
    import torch  # noqa: F401  (once, for all forks)

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the parent, and then us
    with contextlib.suppress(EOFError):
        while True:
            answers.write(_answer_of_fork(pickle.load(calls)))
            answers.flush()


def _answer_of_fork(call: Any) -> bytes:
    """Return the pickled result of `call` in a fork, or why there is none."""
    content, code = content_of_fork(functools.partial(_answer, call))
    return content or pickle.dumps(f"its process ended with {describe_end(code)}")


def _answer(call: Any, writing: int) -> None:
    """Run `call`, and write its result."""
    function, (path, folder, environment) = call
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.path[:] = path
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    with os.fdopen(writing, "wb") as answer:
        answer.write(pickle.dumps(function()))
