"""The process that imports plugins for `import_process`; it needs no torch itself."""

from __future__ import annotations

import os
import pickle
import sys
import threading
from contextlib import suppress
from dataclasses import replace
from importlib.metadata import EntryPoint
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import Any

from registry.errors import format_error
from registry.loaded import Loaded, load_watched
from registry.processes import write_place_when_asked

Request = tuple[str, str, str]


def serve(asked: int, answering: int, placing: int) -> None:
    """Load each entry point that arrives on the descriptor `asked`, and answer, until it closes.

    Each new module that is imported meanwhile sends False. When asked where it is, the process
    writes that to `placing`.
    """
    for descriptor in (asked, answering, placing):
        os.set_inheritable(descriptor, False)  # a process that a plugin starts must not hold them
    write_place_when_asked(placing)
    answers, requests = _Answers(answering), SimpleQueue[Request]()
    listener = threading.Thread(target=_listen, args=(asked, requests), daemon=True)
    listener.start()
    with suppress(OSError):
        os.dup2(2, 1)  # what it prints goes to stderr
    sys.meta_path.insert(0, answers)
    answers.send(True)
    while True:
        answers.send(_loaded(EntryPoint(*requests.get())))


class _Answers:
    """The way back, which as the first finder of modules hears of each new one."""

    def __init__(self, descriptor: int) -> None:
        self._connection = Connection(descriptor, readable=False)
        self._lock = threading.Lock()  # imports may run in several threads
        self._names: set[str] = set()
        self._owner = os.getpid()

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        """Send a sign of life for the first import of `name`; find nothing."""
        if name not in self._names and os.getpid() == self._owner:
            self._names.add(name)
            self.send(False)

    def send(self, what: object) -> None:
        """Send `what`; a fork that a plugin made ends here."""
        if os.getpid() != self._owner:
            os._exit(1)
        with self._lock:
            self._connection.send(what)


def _listen(asked: int, requests: SimpleQueue[Request]) -> None:
    """Pass on requests; end the process with the one that asks, even during an import."""
    connection = Connection(asked, writable=False)
    while True:
        try:
            requests.put(connection.recv())
        except (EOFError, OSError):
            os._exit(0)


def _loaded(claim: EntryPoint) -> Loaded:
    try:
        loaded = load_watched(claim)
    except KeyboardInterrupt as error:  # the plugin's own: Ctrl-C is for the other process
        return Loaded(broken=format_error(error))
    try:
        pickled = pickle.dumps(loaded.found)
    except Exception:  # noqa: BLE001  (whatever a plugin's value raises)
        pickled = b""
    return replace(loaded, found=None, pickled=pickled)
