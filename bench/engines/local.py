"""Run trials on this machine, several at a time, each in its own process."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from queue import SimpleQueue
from typing import cast

import psutil

from bench.engines.executor import ExecutorConfig
from bench.engines.process import Job, TrialProcess
from bench.engines.spawn import start_server
from bench.system.memory import available_bytes
from bench.system.waiting import next_item
from bench.training.callbacks import Callback, LockedCallback
from bench.training.record import TrialResult
from registry.errors import RunError

_GRACE_SECONDS = 10.0  # for a thread to notice that its process has ended


@dataclass(slots=True, kw_only=True)
class _Running:
    """A running trial, and the most bytes of memory that it is expected to hold."""

    process: TrialProcess
    thread: threading.Thread
    bytes: int


class LocalExecutor:
    """Runs trials, `jobs` at a time; the next starts when memory is available.

    The main thread, which alone gets signals, waits in `ended`; a thread listens to each trial.
    """

    def __init__(
        self,
        callback: Callback,
        setup: ExecutorConfig,
        available: Callable[[], int] = available_bytes,
    ) -> None:
        """Start nothing yet; `available` returns the number of free bytes."""
        if setup.address is not None:
            raise RunError("--address names a cluster: add --engine ray")
        self._jobs, self._available = setup.jobs or 1, available
        self._server, self._own_server = setup.server, setup.server is None
        self._callback = callback if self._jobs == 1 else cast("Callback", LockedCallback(callback))
        self._waiting: deque[tuple[int, Job]] = deque()
        self._running: dict[int, _Running] = {}
        self._results: SimpleQueue[tuple[int, TrialResult | BaseException]] = SimpleQueue()
        self._peaks: dict[str, int] = {}  # by model, of its last successful trial
        self._announced: set[int] = set()  # trials whose wait was reported
        self._stopping = False

    def submit(self, number: int, job: Job) -> None:
        """Add a trial, identified by its `number`."""
        self._waiting.append((number, job))

    def ended(self) -> Iterator[tuple[int, TrialResult]]:
        """Yield the number and result of each trial when it ends; more may be added meanwhile."""
        while True:
            self._start_waiting()
            if not self._running:
                return
            number, result = next_item(self._results)
            self._running.pop(number).thread.join()
            if isinstance(result, BaseException):
                raise result
            record = result.record
            if record.status == "ok" and record.peak_bytes is not None:  # failed ones hold less
                self._peaks[record.model] = record.peak_bytes
            if record.status == "ok":  # its files and pictures are written meanwhile
                self._start_waiting()
            yield number, result

    def stop(self) -> None:
        """Ask running trials to save and end; start no more."""
        self._stopping = True
        for running in self._running.values():
            running.process.stop()

    def end(self) -> None:
        """End running trials at once."""
        self._stopping = True
        for running in self._running.values():
            running.process.end()

    def close(self) -> None:
        """End running trials, and the server if this executor started it."""
        self.end()
        for running in self._running.values():
            running.thread.join(_GRACE_SECONDS)
        self._running.clear()
        if self._own_server and self._server is not None:
            self._server.close()

    def _start_waiting(self) -> None:
        while self._waiting and len(self._running) < self._jobs and not self._stopping:
            number, job = self._waiting[0]
            free = self._available() - sum(map(_outstanding, self._running.values()))
            wanted = self._peaks.get(job.spec.model, job.expected_bytes)
            if self._running and wanted > free:  # a trial alone may always try
                if number not in self._announced:
                    self._announced.add(number)
                    self._callback.say(
                        f"{job.spec.model} ({job.spec.turn}) waits for memory: it may need "
                        f"{wanted / 1e9:.1f} GB, and {max(0, free) / 1e9:.1f} GB are free"
                    )
                return  # the next trial to end makes room
            self._waiting.popleft()
            limited = replace(job, memory_bytes=free) if job.spec.device == "cpu" else job
            self._start(number, replace(limited, jobs=self._jobs), wanted)

    def _start(self, number: int, job: Job, wanted: int) -> None:
        self._server = self._server or start_server()
        process = TrialProcess(self._server.begin())
        thread = threading.Thread(target=self._listen, args=(number, process, job), daemon=True)
        self._running[number] = _Running(process=process, thread=thread, bytes=wanted)
        if self._stopping:  # a signal has just come
            process.stop()
        thread.start()

    def _listen(self, number: int, process: TrialProcess, job: Job) -> None:
        try:
            self._results.put((number, process.run(job, self._callback)))
        except BaseException as error:  # noqa: BLE001  (`ended` raises it)
            self._results.put((number, error))


def _outstanding(running: _Running) -> int:
    """Return how many more bytes a trial may allocate."""
    try:
        held = psutil.Process(running.process.pid).memory_info().rss
    except psutil.Error:  # it has just ended
        return 0
    return max(0, running.bytes - held)
