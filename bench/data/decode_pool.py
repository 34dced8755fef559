"""Image files read and decoded in processes to be thrown away, which may hang or crash."""

import json
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from base64 import b64decode
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any, Self, TypeVar, cast

from PIL import Image

from bench.data.facts import Facts, Flaw, Verdict
from registry.errors import DataError

SECONDS_PER_FILE = 8.0  # 100 million pixels of a progressive JPEG take 4
MEMORY_BYTES = 850 * 2**20  # to allocate; with code and mapped files it stays under 1 GB
_MODULE = "bench.data.decode_worker"
_FILES_PER_EXAMINER = 50  # to start one takes as long as to decode 100 photographs
_START_SECONDS = 60.0  # what an import takes on a busy machine is not the question's fault
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

Message = dict[str, Any]  # plain values, as JSON has them; a file's name need not be UTF-8
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """What was found of a file: the verdict, its content's digest and size ("" and 0 if unread)."""

    verdict: Verdict
    sha256: str = ""
    bytes: int = 0


class DiedError(Exception):
    """The process ended instead of answering; the message says how."""


class TookTooLongError(DiedError):
    """The process did not answer in time, and was killed."""


class SandboxedProcess:
    """A decode worker in a process of its own, which has so many `seconds` for each answer.

    It is started at the first question, never forked from this process, and started anew for the
    next question after it has died. It says `{}` when it is ready.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._command = [sys.executable, "-P", "-m", _MODULE, str(MEMORY_BYTES), str(seconds)]
        self._process: subprocess.Popen[bytes] | None = None
        self._answers = selectors.DefaultSelector()
        self.fresh = True  # whether it has answered nothing yet

    def ask(self, question: Message) -> Message:
        """Return the answer to `question`.

        Raises:
            DiedError: the process crashed, or took too long; it is gone.
            DataError: it can't be started.
        """
        process = self._process or self._start()
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps(question).encode("ascii") + b"\n")
        except BrokenPipeError:
            raise self._death(process) from None
        answer = self._answer(process, self._seconds)
        self.fresh = False
        return answer

    def end(self) -> None:
        """Kill the process, if there is one, and all that it has started."""
        process, self._process, self.fresh = self._process, None, True
        if process is None:
            return
        assert process.stdin is not None
        assert process.stdout is not None
        with suppress(ProcessLookupError, PermissionError):
            if os.name == "posix" and process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        process.wait()
        self._answers.unregister(process.stdout)
        process.stdin.close()
        process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
        self._answers.close()

    def _start(self) -> subprocess.Popen[bytes]:
        self._process = process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            env=_environment(),
            process_group=0 if os.name == "posix" else None,  # Ctrl-C is for us alone
        )
        assert process.stdout is not None
        self._answers.register(process.stdout, selectors.EVENT_READ)
        try:
            self._answer(process, _START_SECONDS)
        except DiedError as error:
            raise DataError(f"can't start {' '.join(self._command)}: {error}") from error
        return process

    def _answer(self, process: subprocess.Popen[bytes], seconds: float) -> Message:
        """Return the next line."""
        assert process.stdout is not None
        deadline = time.monotonic() + seconds
        line = bytearray()
        while not line.endswith(b"\n"):
            if not self._answers.select(max(0.0, deadline - time.monotonic())):
                self.end()
                raise TookTooLongError(f"took over {seconds:g} s")
            line += (read := os.read(process.stdout.fileno(), 2**16))
            if not read:
                raise self._death(process)
        return cast("Message", json.loads(line))

    def _death(self, process: subprocess.Popen[bytes]) -> DiedError:
        """Return how it has ended, or will have in a moment."""
        try:
            code = process.wait(timeout=1)
        except subprocess.TimeoutExpired:  # it has closed its pipe and lives
            code = -signal.SIGKILL
        self.end()
        return DiedError(signal.Signals(-code).name if code < 0 else f"exit code {code}")


def examine(
    files: Sequence[Path],
    *,
    threads: int = 2,
    seconds: float = SECONDS_PER_FILE,
    on_file: Callable[[], object] = lambda: None,
) -> list[Examined]:
    """Return what is found of each of `files`, in their order, whatever they do to a decoder.

    At most `threads` processes decode at once, each taking 1 GB at most; after so many `seconds` a
    file is given up. `on_file` is called after each, by several threads.

    Raises:
        DataError: no process can be started.
    """
    return _ask_workers(files, _examine, threads, seconds, on_file)


def thumbnails(
    files: Sequence[Path], *, size: int, threads: int = 2, seconds: float = SECONDS_PER_FILE
) -> list[Image.Image | None]:
    """Return what can be drawn of each of `files`, `size` pixels a side at most, or None."""
    return _ask_workers(files, partial(_thumbnail, size=size), threads, seconds, lambda: None)


def _ask_workers(
    files: Sequence[Path],
    ask: Callable[[Path, SandboxedProcess], Answer],
    threads: int,
    seconds: float,
    on_file: Callable[[], object],
) -> list[Answer]:
    """Return an answer for each of `files`; each thread asks a process of its own."""
    answers: dict[int, Answer] = {}
    left = deque(enumerate(files))
    stop = threading.Event()

    def work() -> None:
        with SandboxedProcess(seconds) as one:
            while left and not stop.is_set():
                try:
                    number, path = left.popleft()
                except IndexError:  # another thread was quicker
                    return
                answers[number] = ask(path, one)
                on_file()

    count = max(1, min(threads, 1 + len(files) // _FILES_PER_EXAMINER))
    with ThreadPoolExecutor(count) as pool:
        try:
            for task in [pool.submit(work) for _ in range(count)]:
                task.result()
        finally:
            stop.set()
    return [answers[number] for number in range(len(files))]


def _examine(path: Path, one: SandboxedProcess) -> Examined:
    """Ask for a file; once more where an earlier one may have done harm to the process."""
    fresh = one.fresh
    try:
        answer = one.ask({"path": os.fspath(path)})
        if not answer.get("short_of_memory"):
            flawed = "flaw" in answer
            verdict = Flaw(**answer["flaw"]) if flawed else Facts.of_plain(*answer["facts"])
            content = {name: answer[name] for name in ("sha256", "bytes") if name in answer}
            return Examined(verdict=verdict, **content)
        reason = "needs more memory than the cap of 1 GB"
        one.end()
    except TookTooLongError as error:
        return Examined(verdict=Flaw(reason=f"{error} to decode"))
    except DiedError as error:
        reason = f"crashed the decoder ({error})"
    return Examined(verdict=Flaw(reason=reason)) if fresh else _examine(path, one)


def _thumbnail(path: Path, one: SandboxedProcess, size: int) -> Image.Image | None:
    try:
        answer = one.ask({"path": os.fspath(path), "thumbnail": size})
    except DiedError:
        return None
    png = answer["png"]
    return Image.open(BytesIO(b64decode(png)), formats=["PNG"]) if png else None


def _environment() -> dict[str, str]:
    """Return ours, with modules found where this process finds them, even in a source tree."""
    found = [str(Path(entry or ".").absolute()) for entry in sys.path]
    threads = dict.fromkeys(_ONE_THREAD, "1")
    return os.environ | threads | {"PYTHONPATH": os.pathsep.join(found)}
