"""A process that imports plugins, seen from outside: its answers, its end and its silence."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import weakref
from contextlib import suppress
from importlib.metadata import EntryPoint
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import Any

from registry.errors import RegistryError
from registry.loaded import Loaded
from registry.patience import Patience
from registry.processes import ask_for_place, describe_end, kill_group, start_apart

LIMIT = "ZOO_IMPORT_SECONDS"
_DEFAULT_SECONDS = 5.0
_TICK = 0.05  # seconds between looks at a process that is silent
_DUMP_SECONDS = 0.1  # between two parts of a traceback
_BOOT = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from registry.loading_child import serve; serve(*map(int, sys.argv[2:]))"
)


class ImportProcess:
    """A process that imports what it is asked to; see `loading_child`."""

    def __init__(self) -> None:
        self._limit = import_seconds()
        theirs, self._requests = Pipe(duplex=False)
        self._answers, answering = Pipe(duplex=False)
        self._places, placing = os.pipe()
        given = (theirs.fileno(), answering.fileno(), placing)
        try:
            self._process = start_apart(  # Ctrl-C ends us, and so it
                [sys.executable, "-P", "-c", _BOOT, json.dumps(sys.path), *map(str, given)],
                descriptors=given,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,  # stdout is for tables and JSON
            )
        finally:
            theirs.close()
            answering.close()
            os.close(placing)
        self.end = weakref.finalize(
            self, _end, os.getpid(), self._process, self._requests, self._answers, self._places
        )
        self.runs = self._heard(None) is not None

    def load(self, claim: EntryPoint) -> Loaded:
        """Return what the child says, or why it says nothing."""
        started = time.perf_counter()
        try:
            self._requests.send((claim.name, claim.value, claim.group))
            loaded = self._answer()
        except Exception:  # noqa: BLE001  (it is gone, or wrote nonsense)
            loaded = None
        if loaded is not None:
            return loaded
        self.runs = False
        return Loaded(broken=self._why_it_ended(), seconds=time.perf_counter() - started)

    def _answer(self) -> Loaded | None:
        """Return the answer; None if the process has ended."""
        patience = Patience(self._process.pid)
        while (heard := self._heard(patience)) is not None:
            if isinstance(heard, Loaded):
                return heard
            patience.renew()  # it has imported another module
        if patience.spent <= self._limit:
            return None
        self.runs = False
        return Loaded(broken=self._why_it_hangs(), seconds=self._limit)

    def _heard(self, patience: Patience | None) -> Any:
        """Return the next message; None if the process has ended, or `patience` has."""
        while not self._answers.poll(_TICK):
            if self._process.poll() is not None and not self._answers.poll(0):
                return None
            if patience is not None and patience.after_a_look() > self._limit:
                return None
        try:
            return self._answers.recv()
        except (OSError, EOFError):
            return None

    def _why_it_hangs(self) -> str:
        place = self._place()
        return (
            f"its import does not end: it did nothing new for {self._limit:g} s{place}; "
            f"if it is only slow, set {LIMIT} to more"
        )

    def _why_it_ended(self) -> str:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
        code = self._process.poll()
        if code is None:
            return "its import closes what its process is listened to by"
        return f"its import ends the process that loads it ({describe_end(code)})"

    def _place(self) -> str:
        """Return the line where it is, ` (mine.py:3)`, or "" if it cannot be found."""
        text = ask_for_place(self._process.pid, self._places, _DUMP_SECONDS)
        return innermost(text.decode(errors="replace"))


def innermost(text: str) -> str:
    """Return the innermost line of a plugin in the main thread, as faulthandler writes it."""
    main = text.rpartition("(most recent call first)")[2]  # the oldest thread is the last one
    for line in main.splitlines():
        before, _, rest = line.strip().removeprefix('File "').rpartition('", line ')
        if before and not before.startswith("<") and not _is_pythons(before):
            return f" ({Path(before).name}:{rest.partition(' ')[0]})"
    return ""


def import_seconds() -> float:
    """Return how long an import may do nothing new.

    Raises:
        RegistryError: ZOO_IMPORT_SECONDS is not a number above 0.
    """
    text = os.environ.get(LIMIT) or str(_DEFAULT_SECONDS)
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not seconds > 0:
        raise RegistryError(f"{LIMIT} must be a number of seconds above 0, not {text!r}")
    return seconds


def _is_pythons(path: str) -> bool:
    """Return whether a file belongs to Python itself, or to this package."""
    library, ours = Path(os.__file__).parent, Path(__file__).parent
    inside = Path(path).is_relative_to(library) and "-packages" not in path
    return inside or Path(path).is_relative_to(ours)


def _end(
    owner: int,
    process: subprocess.Popen[bytes],
    requests: Connection,
    answers: Connection,
    places: int,
) -> None:
    """End a child and what it has started; a fork of this process leaves it alone."""
    requests.close()
    answers.close()
    os.close(places)
    if os.getpid() == owner:
        kill_group(process.pid)
        process.wait()
