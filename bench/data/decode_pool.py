"""Examine image files in sandboxed processes, which may hang or crash without harm."""

import os
import threading
from base64 import b64decode
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TypeVar

from PIL import Image

from bench.data.facts import Facts, Flaw, Verdict
from bench.data.sandbox import DiedError, HungError, SandboxedProcess, TookTooLongError
from bench.system.waiting import result_of

SECONDS_PER_FILE = 8.0  # of CPU time; 100 million pixels of a progressive JPEG take 4
_FILES_PER_EXAMINER = 50  # starting one takes as long as decoding 100 photographs
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """Verdict on a file, with the digest and size of its content ("" and 0 if unread).

    Attributes:
        note: what the owner of a used file should know about it, or "".
    """

    verdict: Verdict
    sha256: str = ""
    bytes: int = 0
    note: str = ""


def examine(
    files: Sequence[Path],
    *,
    threads: int = 2,
    seconds: float = SECONDS_PER_FILE,
    on_file: Callable[[], object] = lambda: None,
) -> list[Examined]:
    """Return the verdict on each of `files`, in order, even if some crash the decoder.

    At most `threads` processes decode at once, each with at most 1 GB of memory and `seconds` of
    CPU time per file. A file whose process hangs, as a network drive may cause, is tried again
    alone. Several threads call `on_file`, once after each file.

    Raises:
        DataError: no process can start.
    """
    hung: list[Path] = []
    found = _ask_workers(files, partial(_examine, hung=hung), threads, seconds, on_file)
    if hung:
        again = {path: _examine_alone(path, seconds) for path in hung}
        found = [again.get(path, each) for path, each in zip(files, found, strict=True)]
    return found


def thumbnails(
    files: Sequence[Path], *, size: int, threads: int = 2, seconds: float = SECONDS_PER_FILE
) -> list[Image.Image | None]:
    """Return a thumbnail of each of `files`, at most `size` pixels a side, or None."""
    return _ask_workers(files, partial(_thumbnail, size=size), threads, seconds, lambda: None)


def _ask_workers(
    files: Sequence[Path],
    ask: Callable[[Path, SandboxedProcess], Answer],
    threads: int,
    seconds: float,
    on_file: Callable[[], object],
) -> list[Answer]:
    """Return an answer for each of `files`; each thread asks its own process."""
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
                result_of(task)
        finally:
            stop.set()
    return [answers[number] for number in range(len(files))]


def _examine(path: Path, one: SandboxedProcess, hung: list[Path]) -> Examined:
    """Return the verdict on a file; retry if an earlier file may have harmed the process.

    A file at which the process hangs is added to `hung`.
    """
    fresh = one.fresh
    try:
        answer = one.ask({"path": os.fspath(path)})
        if not answer.get("short_of_memory"):
            flawed = "flaw" in answer
            verdict = Flaw(**answer["flaw"]) if flawed else Facts.of_plain(*answer["facts"])
            rest = {name: answer[name] for name in ("sha256", "bytes", "note") if name in answer}
            return Examined(verdict=verdict, **rest)
        reason = "needs more memory than the cap of 1 GB"
        one.end()
    except TookTooLongError as error:
        return Examined(verdict=Flaw(reason=f"{error} to decode"))
    except HungError as error:
        hung.append(path)
        return Examined(verdict=Flaw(reason=f"its decoder {error}, twice: is its drive slow?"))
    except DiedError as error:
        reason = f"crashed the decoder ({error})"
    return Examined(verdict=Flaw(reason=reason)) if fresh else _examine(path, one, hung)


def _examine_alone(path: Path, seconds: float) -> Examined:
    """Return the verdict on a file of a process that does nothing else."""
    with SandboxedProcess(seconds) as one:
        return _examine(path, one, [])


def _thumbnail(path: Path, one: SandboxedProcess, size: int) -> Image.Image | None:
    try:
        answer = one.ask({"path": os.fspath(path), "thumbnail": size})
    except DiedError:
        return None
    png = answer["png"]
    return Image.open(BytesIO(b64decode(png)), formats=["PNG"]) if png else None
