"""A process that looks at one network after another, and the end of it that asks.

Importing torch and timm takes seconds, so that one process looks at many; it is replaced when it
hangs, crashes, or has kept too much memory.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from paths import python_path

_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
_OWN_SHARE = 0.5  # of its memory limit, that it may keep from one network to the next
_KEPT_CHARACTERS = 300

# What trains is dear: an image forwards and backwards some hundred times. A network above a limit
# gets the checks of the next row.
TIERS = (
    ("all", 150_000_000, 600_000_000),
    ("untrained", 150_000_000, 8_000_000_000),
    ("shapes", None, None),
)
SHAPES = ("contract", "shapes", "head")  # nothing is computed


class Worker:
    """One such process, begun when it is first asked."""

    def __init__(self, memory_bytes: int, log: Path) -> None:
        self._memory_bytes, self._log = memory_bytes, log
        self._process: subprocess.Popen[str] | None = None
        self._timed_out = False

    def ask(self, job: dict, seconds: float) -> Iterator[dict]:
        """Yield what it tells of `job`; at the end, where it did not get there, why: `lost`."""
        process = self._running()
        self._timed_out = False
        deadline = threading.Timer(seconds, self._expire)
        deadline.start()
        try:
            yield from self._told(process, job)
        finally:
            deadline.cancel()
        if self._timed_out:
            yield {"lost": f"time limit of {seconds:g} s"}
        elif process.poll() not in (None, 0):
            yield {"lost": _ended(process.returncode)}

    def end(self) -> None:
        """End it, with all that it has begun."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None or self._process.poll() is not None:
            self._process = self._begun()
        return self._process

    def _begun(self) -> subprocess.Popen[str]:
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, __file__, str(self._memory_bytes)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
                env=os.environ | {"PYTHONPATH": python_path()} | dict.fromkeys(_THREADS, "1"),
            )

    def _told(self, process: subprocess.Popen[str], job: dict) -> Iterator[dict]:
        assert process.stdin is not None
        assert process.stdout is not None
        with suppress(BrokenPipeError):
            process.stdin.write(json.dumps(job) + "\n")
            process.stdin.flush()
        for line in process.stdout:
            message = json.loads(line)
            if "end" in message:
                if message["end"] == "leaves":
                    process.wait()
                return
            yield message
        process.wait()
        self.end()  # what it has begun lives on

    def _expire(self) -> None:
        self._timed_out = True
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)


def _ended(code: int) -> str:
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


def tier_of(parameters: int, multiply_adds: int | None) -> str:
    """Return which checks a network of that size gets; one whose work can't be counted, all."""
    for name, most_parameters, most_work in TIERS:
        if most_parameters is None:
            break
        if parameters <= most_parameters and (multiply_adds or 0) <= most_work:
            return name
    return TIERS[-1][0]


def checks_of(tier: str) -> tuple[str, ...]:
    """Return the names of the checks of a tier."""
    from registry.checks import CHECKS

    names = tuple(check.name for check in CHECKS)
    return {"all": names, "untrained": names[: names.index("learns")], "shapes": SHAPES}[tier]


def _serve(memory_bytes: int) -> None:
    """Answer jobs that come by stdin, a line of JSON each, until there are no more."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a network prints is no answer

    def tell(**message: object) -> None:
        print(json.dumps(message), file=answers, flush=True)

    _prepare(memory_bytes)
    for line in sys.stdin:
        job = json.loads(line)
        if "sizes" in job:
            tell(sizes=_sizes(job["family"], job["sizes"]))
        else:
            _examine(job["name"], set(job["known"]), tell)
        if _kept_bytes() > _OWN_SHARE * memory_bytes:
            tell(end="leaves")
            return
        tell(end="waits")


def _prepare(memory_bytes: int) -> None:
    from bench.system.cpu import tune_allocator
    from bench.system.memory import limit_memory
    from registry.checks import alone

    # Its forks find the libraries imported, which saves seconds each.
    alone._BOOT = f"import torchvision.models, timm; {alone._BOOT}"
    limit_memory(memory_bytes)
    tune_allocator()


def _kept_bytes() -> int:
    """Return how much this process holds of its own, freed memory that glibc keeps included."""
    gc.collect()
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmData")), 0)


def _sizes(family: str, members: list[str]) -> dict[str, int | None]:
    """Return the parameters of each member; None where it can't be built without numbers."""
    import importlib

    import torch

    build = importlib.import_module(f"zoo.family_{family}").build
    found: dict[str, int | None] = {}
    for member in members:
        try:
            with torch.device("meta"):
                network = build(member=member, num_classes=2)
            found[member] = sum(each.numel() for each in network.parameters())
        except Exception:  # noqa: BLE001  (the checks will say what is wrong with it)
            found[member] = None
    return found


def _examine(name: str, known: set[str], tell) -> None:
    """Tell the size of `name`, and a finding for each check that its size allows, but `known`."""
    from bench.training.layer_summary import count_multiply_adds
    from registry.catalog import Catalog
    from registry.checks import run_checks

    entry = Catalog.installed().looked_into(name)
    if entry.found is None:
        tell(refused=entry.broken)
        return
    contract = entry.found.contract
    work = count_multiply_adds(entry.found, contract.num_classes)
    tier = tier_of(contract.parameters, work)
    tell(
        parameters=contract.parameters, multiply_adds=work, tier=tier, side=contract.input_shape[1]
    )
    only = [check for check in checks_of(tier) if check not in known]
    if only:
        run_checks(
            entry.found,
            only,
            lambda check: tell(begun=check.name),
            lambda found: tell(
                found={
                    "check": found.check,
                    "status": found.status,
                    "seen": found.seen[:_KEPT_CHARACTERS],
                    "seconds": round(found.seconds, 2),
                }
            ),
        )


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
