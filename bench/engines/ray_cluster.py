"""A Ray cluster: joined or started on this machine, its nodes, and what a job takes of them."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from bench.engines.process import Job
from bench.system.cpu import default_threads
from registry.errors import RunError, format_error

_LINE_CHARACTERS = 300
_STORE_BYTES = 256_000_000  # for lists of images; by itself it would be a third of the memory
_QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_DEDUP_LOGS": "0"}
_NICENESS = "RAY_worker_niceness"  # 15 by itself, so that others' work makes a trial slower
_LOOPBACK = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"  # off: as on those, nothing is heard from outside


def join_cluster(address: str | None) -> bool:
    """Be in a cluster from now on; say whether that was not so before.

    Raises:
        RunError: there is none at `address`, or none can be begun.
    """
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    if address is None:
        os.environ.setdefault(_LOOPBACK, "0")
        os.environ.setdefault(_NICENESS, "0")
    import ray

    if ray.is_initialized():
        return False
    options: dict[str, Any] = {"address": address, "log_to_driver": False, "logging_level": "error"}
    if address is None:
        options |= {"address": "local", "num_cpus": default_threads(), "include_dashboard": False}
        options["object_store_memory"] = _STORE_BYTES
    try:
        with _same_signals():
            ray.init(**options)
    except Exception as error:
        where = f"at {address}" if address else "on this machine"
        raise RunError(f"no Ray cluster {where}: {one_line(error)}") from error
    return True


@contextmanager
def _same_signals() -> Iterator[None]:
    """Keep the handlers of Ctrl-C and SIGTERM, which Ray would replace.

    What is begun in here does not get the Ctrl-C of a terminal, which all processes get: the
    trials are still to be saved by Ray's.
    """
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.getsignal(number) for number in numbers}
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # is inherited
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for number, handler in before.items():
            with suppress(ValueError, TypeError):  # not the main thread, or none of Python's
                signal.signal(number, handler)


def resources_of(job: Job) -> dict[str, Any]:
    """Return what `job` takes of a node; of memory no more than the largest has, by Ray's count."""
    most_bytes = max((node["Resources"].get("memory", 0) for node in alive_nodes()), default=0)
    return {
        "num_cpus": job.spec.threads,
        "num_gpus": 1 if job.spec.device.startswith("cuda") else 0,
        "memory": int(min(job.expected_bytes, most_bytes)) or None,
        "scheduling_strategy": "SPREAD",
    }


def one_line(error: BaseException) -> str:
    """Return what was raised on one short line: Ray tells stories."""
    return format_error(error)[:_LINE_CHARACTERS]


def alive_nodes() -> list[dict[str, Any]]:
    """Return the nodes of the cluster that are alive, as Ray tells of them."""
    import ray

    return [node for node in ray.nodes() if node["Alive"]]
