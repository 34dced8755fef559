"""Run a trial in its own process; however it ends, the result is one record.

The two processes exchange JSON; labels and probabilities are sent bit for bit.
"""

import json
import re
import sys
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from safetensors import SafetensorError

from bench.data.pixel_source import PixelSource
from bench.data.split import Split, split_of
from bench.data.split import as_plain as split_as_plain
from bench.engines.channel import Channel
from bench.engines.fresh import FreshProcess
from bench.engines.spawn import Spawned
from bench.system.memory import kernel_kills
from bench.training.callbacks import Callback
from bench.training.evaluation import unpack_evaluation
from bench.training.record import (
    KILLED_BY,
    KILLED_BY_KERNEL,
    EpochRecord,
    Status,
    TrialRecord,
    TrialResult,
    record_of,
)
from bench.training.spec import TrialSpec, convert, spec_of
from bench.training.spec import as_plain as spec_as_plain
from registry.errors import RunError
from registry.processes import signal_name

_GRACE_SECONDS = 10.0  # to exit, after its last message
_BABBLE_SECONDS = 1.0  # to exit, after an unreadable message
_MOST_MESSAGE_BYTES = 2**31 - 1
_KEPT_LINES, _LINE_CHARACTERS = 60, 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One trial for a process, with everything that it needs.

    Attributes:
        folder: folder of the trial, for its weights and checkpoints.
        shared: URL for checkpoints that other machines can reach, or None.
        cadence: seconds and steps between checkpoints, the fields of `Cadence`.
        timeout: seconds after which the trial is killed, or None.
        memory_bytes: limit of its own memory, or None for no limit.
        expected_bytes: estimate of its peak memory.
        jobs: number of trials at a time, for its record.
    """

    spec: TrialSpec
    split: Split
    source: PixelSource
    folder: Path
    checkpoints: Path
    cadence: dict[str, Any]
    profile: bool
    weights: bool
    timeout: float | None
    shared: str | None = None
    memory_bytes: int | None = None
    expected_bytes: int = 0
    jobs: int = 1


class TrialProcess:
    """One process for one trial. It imports what it needs, then waits for its job."""

    def __init__(self, spawned: Spawned | FreshProcess) -> None:
        self._process, self.pid = spawned, spawned.pid
        self._connection: Channel = spawned.connection
        self._kills = kernel_kills()
        self._lines: deque[str] = deque(maxlen=_KEPT_LINES)
        self._timed_out = self._stopping = False

    def run(self, job: Job, callback: Callback) -> TrialResult:
        """Return the result of the trial after its process has ended."""
        reader = threading.Thread(target=self._pass_output_on, args=(callback,), daemon=True)
        reader.start()
        deadline = self._start_deadline(job)
        try:
            result = self._listen(job, callback)
        finally:
            deadline.cancel()
            self.end()
            reader.join(_GRACE_SECONDS)
            self._process.close()
        callback.on_end(result.record)
        return result

    def stop(self) -> None:
        """Ask it to save and end."""
        self._stopping = True
        self._process.ask_to_stop()

    def end(self) -> None:
        """End it and every process it has started, at once."""
        self._process.kill()
        self._process.wait()

    def _listen(self, job: Job, callback: Callback) -> TrialResult:
        record, wrong = TrialRecord(spec=job.spec, jobs=job.jobs), ""
        try:
            send(self._connection, "job", **as_plain(job))
            while self._process.wait_for_message():
                message = receive(self._connection)
                record = self._pass_on(message, record, job.spec, callback)
                if message["what"] == "end":
                    return self._result(message, record)
        except (OSError, EOFError):  # it ended without a last message
            pass
        except RunError as error:
            wrong = str(error)
        return TrialResult(record=self._unfinished(record, job, wrong))

    def _start_deadline(self, job: Job) -> threading.Timer:
        """Start the timer of the trial; half a message does not delay it."""

        def expire() -> None:
            self._timed_out = True
            self._process.kill()

        timer = threading.Timer(job.timeout or 0.0, expire)
        timer.daemon = True
        if job.timeout is not None:
            timer.start()
        return timer

    def _pass_on(
        self, message: dict[str, Any], record: TrialRecord, spec: TrialSpec, callback: Callback
    ) -> TrialRecord:
        """Pass a message on to the callback; return the updated record."""
        try:
            match message["what"]:
                case "say":
                    callback.say(str(message["text"]))
                case "start":
                    callback.on_start(spec, int(message["steps"]), int(message["done"]))
                case "steps":
                    for _ in range(int(message["count"])):
                        callback.on_batch(spec)
                case "epoch":
                    callback.on_epoch(spec, convert(message["record"], EpochRecord))
                case "phase" | "end":
                    record = record_of({**message["record"], "spec": spec_as_plain(spec)})
                    callback.on_phase(record)
        except (KeyError, TypeError, ValueError) as error:
            raise RunError(f"the trial's process sent an unreadable message: {error}") from error
        return record

    def _result(self, message: dict[str, Any], record: TrialRecord) -> TrialResult:
        test = None
        if message.get("answered"):
            loss, accuracy = record.test_loss or 0.0, record.test_accuracy or 0.0
            try:
                packed = self._connection.recv_bytes(_MOST_MESSAGE_BYTES)
                test = unpack_evaluation(packed, loss, accuracy)
            except (EOFError, OSError, SafetensorError, TypeError, ValueError) as error:
                raise RunError(f"the trial's process sent no predictions: {error}") from error
        self._process.wait(_GRACE_SECONDS)
        return TrialResult(record=record, test=test)

    def _unfinished(self, record: TrialRecord, job: Job, wrong: str) -> TrialRecord:
        """Return the record of a trial without a last message, or with the error `wrong`."""
        if not self._timed_out:  # after half a message it is dying; after a wrong one it may run
            self._process.wait(_BABBLE_SECONDS if wrong else _GRACE_SECONDS)
        code = self._process.poll()
        self.end()
        status, why = self._fate(code, job, wrong)
        return replace(record, status=status, error=why, traceback="\n".join(self._lines))

    def _fate(self, code: int | None, job: Job, wrong: str) -> tuple[Status, str]:
        if self._timed_out:
            return "timeout", f"not finished within the {job.timeout:g} s of --timeout"
        if wrong and (code is None or code >= 0):
            return "failed", wrong
        if code is None:
            return "failed", "its process closed its connection, and was killed"
        if code >= 0:
            return "failed", f"its process exited with code {code} before the trial had ended"
        if self._stopping:  # before it could handle the signal
            return "interrupted", "stopped by the user"
        name = signal_name(code)
        if name == "SIGKILL" and kernel_kills() > self._kills:
            return "out-of-memory", KILLED_BY_KERNEL
        if any("std::bad_alloc" in line for line in self._lines):
            return "out-of-memory", f"{KILLED_BY} {name} when it asked for memory"
        return "killed", f"{KILLED_BY} {name}"

    def _pass_output_on(self, callback: Callback) -> None:
        """Report what the process prints, line by line, and keep the last lines."""
        for line in _lines(self._process.output):
            self._lines.append(line)
            callback.say(line)


def as_plain(job: Job) -> dict[str, Any]:
    """Return `job` as JSON values, with the module paths of this process."""
    described = getattr(job.source, "as_plain", None)  # absent if images are decoded each time
    return {field.name: getattr(job, field.name) for field in fields(Job)} | {
        "path": sys.path,
        "spec": spec_as_plain(job.spec),
        "split": split_as_plain(job.split),
        "source": described() if described else None,
        "folder": str(job.folder),
        "checkpoints": str(job.checkpoints),
    }


def job_of(plain: dict[str, Any]) -> Job:
    """Return the job from the values of `as_plain`, without opening its pixel files."""
    values = {field.name: plain[field.name] for field in fields(Job)} | {
        "spec": spec_of(plain["spec"]),
        "split": split_of(plain["split"]),
        "source": SimpleNamespace(as_plain=lambda: plain["source"]),
        "folder": Path(plain["folder"]),
        "checkpoints": Path(plain["checkpoints"]),
    }
    return Job(**values)


def _lines(descriptor: int) -> Iterator[str]:
    """Yield the lines from `descriptor`, each cut to a maximum length."""
    rest = b""
    with open(descriptor, "rb", buffering=0) as output:
        while True:
            chunk = output.read(65536)
            *lines, rest = re.split(rb"[\r\n]+", rest + chunk)
            if len(rest) > _LINE_CHARACTERS or not chunk:
                lines, rest = [*lines, rest], b""
            for line in filter(None, lines):
                yield line.decode(errors="surrogateescape")[:_LINE_CHARACTERS]
            if not chunk:
                return


def send(connection: Channel, what: str, **values: object) -> None:
    """Send one message with JSON `values`; raise OSError if nobody listens."""
    connection.send_bytes(json.dumps({"what": what, **values}).encode())


def receive(connection: Channel) -> dict[str, Any]:
    """Return the next message; raise EOFError if none comes, RunError if it is unreadable."""
    try:
        message = json.loads(connection.recv_bytes(_MOST_MESSAGE_BYTES))
        if not isinstance(message, dict) or not isinstance(message.get("what"), str):
            raise ValueError("not a message")
    except (EOFError, ConnectionError) as error:  # reset: it ended with our message unread
        raise EOFError from error
    except (OSError, ValueError, RecursionError) as error:
        raise RunError(f"the trial's process sent an unreadable message: {error}") from error
    return message
