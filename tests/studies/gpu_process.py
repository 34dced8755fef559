"""A step of `make gpu` in a process of its own, and how busy the GPU is meanwhile."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from statistics import mean
from types import TracebackType
from typing import Any, Self

_FORK = multiprocessing.get_context("fork")  # this process has imported torch, and used no device
_EVERY_SECONDS = 0.2


class NotRunError(Exception):
    """A step that makes no sense here; the message is the reason."""


def in_a_process(
    step: Callable[[Any], Any], given: object, *, seconds: float, device: str = ""
) -> dict[str, Any]:
    """Return status, reason, seconds, findings and utilisation of `step(given)` in a fork.

    It and its children end then, at the latest after `seconds`.
    """
    started = time.monotonic()
    ours, theirs = _FORK.Pipe(duplex=False)
    process = _FORK.Process(target=_do, args=(step, given, theirs))
    process.start()
    theirs.close()
    outcome = {"status": "failed", "why": f"stopped after {seconds:.0f} s", "found": None}
    with Utilisation(device) as utilisation:  # its thread begins after the fork
        answered = ours.poll(seconds)
    if answered:
        try:
            outcome = ours.recv()
        except EOFError:
            process.join()
            outcome["why"] = f"its process ended with exit code {process.exitcode}"
    with suppress(ProcessLookupError):
        os.killpg(process.pid or 0, signal.SIGKILL)
    process.kill()
    process.join()
    spent = round(time.monotonic() - started, 1)
    return outcome | {"seconds": spent, "utilisation": utilisation.found()}


def _do(step: Callable[[Any], Any], given: object, into: Connection) -> None:
    os.setsid()  # its children end with it
    try:
        into.send({"status": "ok", "why": "", "found": step(given)})
    except NotRunError as reason:
        into.send({"status": "not run", "why": str(reason), "found": None})
    except Exception as error:  # noqa: BLE001  (whatever it is, the others go on)
        why = f"{type(error).__name__}: {error}".splitlines()[0]
        into.send({"status": "failed", "why": why, "found": None})


class Utilisation:
    """How busy the GPU is in this context, by NVML, if nvidia-ml-py is there."""

    def __init__(self, device: str) -> None:
        self._index = int(device.partition(":")[2] or 0) if device.startswith("cuda") else None
        self._busy: list[float] = []
        self._bytes: list[int] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        """Begin to look."""
        if self._index is not None:
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def _look(self) -> None:
        try:
            import pynvml

            pynvml.nvmlInit()
            handle = pynvml.nvmlDeviceGetHandleByIndex(self._index)
            while not self._ended.wait(_EVERY_SECONDS):
                self._busy.append(pynvml.nvmlDeviceGetUtilizationRates(handle).gpu / 100)
                self._bytes.append(int(pynvml.nvmlDeviceGetMemoryInfo(handle).used))
        except Exception:  # noqa: BLE001  (without the package or the driver's library: no figures)
            return

    def found(self) -> dict[str, float] | None:
        """Return mean and highest share of time in which a kernel ran, and the most memory used."""
        if not self._busy:
            return None
        return {
            "mean": round(mean(self._busy), 3),
            "highest": max(self._busy),
            "peak_bytes": max(self._bytes),
        }
