"""Run trials on a Ray cluster, one task each.

A task checks its node and runs the trial in its own process. So a crash of the network ends up in
the record of that trial. If Ray's own process or the node is lost, the trial is sent again. Ray's
own retries cannot be counted, and never end when memory is short.
"""

import os
import signal
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from bench.engines import ray_node
from bench.engines.executor import ExecutorConfig
from bench.engines.process import Job, as_plain
from bench.system.child_process import ctrl_c_blocked
from bench.system.cpu import default_threads
from bench.training.callbacks import Callback
from bench.training.evaluation import unpack_evaluation
from bench.training.record import Status, TrialRecord, TrialResult, record_of
from bench.training.spec import as_plain as record_as_plain
from registry.errors import RunError, format_error

_STORE_BYTES = 256_000_000  # for lists of images; the default is a third of the memory
_NICENESS = "RAY_worker_niceness"  # the default, 15, lets other work slow a trial
_LOOPBACK = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"  # off: as on those, no connection from outside
_LOOK_SECONDS = 1.0
_AHEAD = 2  # tasks for each slot, so that no slot is idle
_AGAIN = 3  # times that a trial lost with its process or node is sent again
_CHECK_SECONDS = 120.0  # for a node to report its versions


@dataclass(slots=True, kw_only=True)
class _Sent:
    """A trial to send, or sent: how often it was `lost`, how many `jobs` run at a time."""

    number: int
    job: Job
    lost: int = 0
    jobs: int = 1


class RayExecutor:
    """Runs trials on a cluster, a bounded number of tasks at a time.

    Results come back to this process. The node of a trial writes weights and checkpoints into the
    run folder. Every node must see that folder and the images under the same path.
    """

    def __init__(self, callback: Callback, setup: ExecutorConfig) -> None:
        """Join the cluster and check each node; raise RunError if that fails."""
        self._callback, self._setup = callback, setup
        self._waiting: deque[_Sent] = deque()
        self._running: dict[Any, _Sent] = {}  # by task reference
        self._large: dict[str, Any] = {}  # values that many tasks share, stored once
        self._stopping = False
        self._started_here = _join_cluster(setup.address)
        self._ray = import_module("ray")
        try:
            self._architectures = record_as_plain(dict(setup.architectures))
            self._path = [each or str(Path.cwd()) for each in sys.path]
            self._facts = ray_node.facts(self._architectures, self._path)
            self._require_alike()
            self._trial = self._ray.remote(max_retries=0)(ray_node.trial)
        except BaseException:
            self.close()
            raise

    def submit(self, number: int, job: Job) -> None:
        """Add a trial, identified by its `number`."""
        self._waiting.append(_Sent(number=number, job=job))

    def ended(self) -> Iterator[tuple[int, TrialResult]]:
        """Yield the number and result of each trial when it ends, until none is left."""
        while True:
            self._send()
            if not self._running:
                return
            ready, _ = self._ray.wait(list(self._running), num_returns=1, timeout=_LOOK_SECONDS)
            for reference in ready:
                sent = self._running.pop(reference)
                result = self._result(reference, sent)
                _ask_to_stop(sent, wanted=False)
                if result is not None:
                    for epoch in result.record.history:
                        self._callback.on_epoch(result.record.spec, epoch)
                    self._callback.on_end(result.record)
                    yield sent.number, result

    def stop(self) -> None:
        """Ask running trials to save and end; start no more."""
        self._stopping = True
        for sent in list(self._running.values()):
            _ask_to_stop(sent, wanted=True)

    def end(self) -> None:
        """End running trials at once."""
        self._stopping = True
        for reference in list(self._running):
            with suppress(Exception):
                self._ray.cancel(reference, force=True)

    def close(self) -> None:
        """End running trials and leave the cluster; shut it down if it was started here."""
        self.end()
        for sent in self._running.values():
            _ask_to_stop(sent, wanted=False)
        self._running.clear()
        self._large.clear()
        if self._started_here:
            self._ray.shutdown()

    def _places(self, job: Job) -> int:
        """Return how many such trials the cluster has room for; raise RunError if for none."""
        each = job.spec.threads
        nodes = [node["Resources"] for node in _alive_nodes()]
        places = sum(int(node.get("CPU", 0)) // each for node in nodes)
        needs_gpu = job.spec.device.startswith("cuda")
        if needs_gpu:
            places = min(places, sum(int(node.get("GPU", 0)) for node in nodes))
        if not places:
            most = max((int(node.get("CPU", 0)) for node in nodes), default=0)
            needed = f"{each} cores{' and a GPU' * needs_gpu}"
            raise RunError(
                f"no node of the cluster has {needed}: the largest has {most}; "
                "give fewer --threads, or add a node"
            )
        return places

    def _send(self) -> None:
        while self._waiting and not self._stopping:
            places = self._places(self._waiting[0].job)
            most = self._setup.jobs or _AHEAD * places
            if len(self._running) >= most:
                return
            sent = self._waiting.popleft()
            sent.jobs = min(self._setup.jobs or places, places)
            self._running[self._submit_task(sent)] = sent
            if self._stopping:  # a signal has just come
                _ask_to_stop(sent, wanted=True)

    def _submit_task(self, sent: _Sent) -> Any:
        """Return the reference of a task that runs the trial."""
        job = sent.job
        _ask_to_stop(sent, wanted=False)  # what an earlier run has left
        plain = as_plain(job) | {"jobs": sent.jobs, "path": self._path}
        split, source = plain.pop("split"), plain.pop("source")
        self._callback.on_phase(TrialRecord(spec=job.spec, jobs=sent.jobs))
        others = {f"the code of {name}" for name in self._architectures if name != job.spec.model}
        return self._trial.options(**_resources_of(job)).remote(
            plain,
            self._once(job.spec.split_fingerprint, split),
            self._once("source", source),
            {name: value for name, value in self._facts.items() if name not in others},
        )

    def _once(self, name: str, value: Any) -> Any:
        """Return a reference to a value that many tasks share."""
        if name not in self._large:
            self._large[name] = self._ray.put(value)
        return self._large[name]

    def _result(self, reference: Any, sent: _Sent) -> TrialResult | None:
        """Return the result of a trial; None if it is sent again or did not start."""
        try:
            found = self._ray.get(reference)
        except self._ray.exceptions.OutOfMemoryError as error:
            return _unfinished(sent, "out-of-memory", f"Ray killed it: {_one_line(error)}")
        except self._ray.exceptions.RayTaskError as error:  # before its trial had a process
            return _unfinished(sent, "failed", _one_line(error.cause or error))
        except self._ray.exceptions.RayError as error:  # its process or its node is lost
            return self._lost(sent, error)
        if not found["begun"]:
            return None
        if "refused" in found:
            return _unfinished(sent, "failed", found["refused"])
        for line in found["said"]:
            self._callback.say(line)
        record = record_of(found["record"])
        test = None
        if found["answers"] is not None:
            loss, accuracy = record.test_loss or 0.0, record.test_accuracy or 0.0
            test = unpack_evaluation(found["answers"], loss, accuracy)
        return TrialResult(record=record, test=test)

    def _lost(self, sent: _Sent, error: BaseException) -> TrialResult | None:
        if self._stopping:
            return _unfinished(sent, "interrupted", "stopped by the user")
        if sent.lost >= _AGAIN:
            why = f"lost {sent.lost + 1} times with the process or node that it ran on"
            return _unfinished(sent, "killed", f"{why}: {_one_line(error)}")
        name = f"{sent.job.spec.model} ({sent.job.spec.turn})"
        self._callback.say(f"{name} was lost with its process or node: sending it again")
        sent.lost += 1
        self._waiting.appendleft(sent)
        return None

    def _require_alike(self) -> None:
        """Raise RunError if a node has other versions or code, or does not respond."""
        self._ray.cloudpickle.register_pickle_by_value(ray_node)  # nodes may lack it
        look = self._ray.remote(max_retries=0)(ray_node.facts)
        only_on = import_module("ray.util.scheduling_strategies").NodeAffinitySchedulingStrategy
        asked = {}
        for node in _alive_nodes():
            host = f"{node['NodeManagerHostname']} ({node['NodeManagerAddress']}"
            name = f"{host}, {node['NodeID'][:8]})"
            where = only_on(node["NodeID"], soft=False)
            task = look.options(num_cpus=0, scheduling_strategy=where)
            asked[name] = task.remote(self._architectures, self._path)
        for name, reference in asked.items():
            try:
                found = self._ray.get(reference, timeout=_CHECK_SECONDS)
            except self._ray.exceptions.RayError as error:
                why = f"the node {name} does not report its versions: {_one_line(error)}"
                raise RunError(why) from error
            if wrong := ray_node.describe_differences(self._facts, found):
                raise RunError(
                    f"the node {name} differs from this machine: {'; '.join(wrong)}: install the "
                    "same versions there, or remove it from the cluster"
                )


def _unfinished(sent: _Sent, status: Status, why: str) -> TrialResult:
    record = TrialRecord(spec=sent.job.spec, status=status, error=why, jobs=sent.jobs)
    return TrialResult(record=record)


def _ask_to_stop(sent: _Sent, *, wanted: bool) -> None:
    """Create the file that asks a trial to stop, or remove it."""
    path = sent.job.folder / ray_node.STOP
    with suppress(OSError):
        path.touch() if wanted else path.unlink(missing_ok=True)


def _join_cluster(address: str | None) -> bool:
    """Join a cluster; return whether this process was in none before."""
    own = (_LOOPBACK, _NICENESS) if address is None else ()
    for name in ("RAY_USAGE_STATS_ENABLED", "RAY_DEDUP_LOGS", *own):
        os.environ.setdefault(name, "0")
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
        raise RunError(f"no Ray cluster {where}: {_one_line(error)}") from error
    return True


@contextmanager
def _same_signals() -> Iterator[None]:
    """Keep the handlers of Ctrl-C and SIGTERM, which Ray would replace.

    Processes that start in here do not get a terminal's Ctrl-C: Ray's must still save the trials.
    """
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.getsignal(number) for number in numbers}
    try:
        with ctrl_c_blocked():
            yield
    finally:
        for number, handler in before.items():
            with suppress(ValueError, TypeError):  # not the main thread, or none of Python's
                signal.signal(number, handler)


def _resources_of(job: Job) -> dict[str, Any]:
    """Return the resources that `job` needs; memory at most that of the largest node."""
    most_bytes = max((node["Resources"].get("memory", 0) for node in _alive_nodes()), default=0)
    return {
        "num_cpus": job.spec.threads,
        "num_gpus": 1 if job.spec.device.startswith("cuda") else 0,
        "memory": int(min(job.expected_bytes, most_bytes)) or None,
        "scheduling_strategy": "SPREAD",
    }


def _one_line(error: BaseException) -> str:
    """Return the error as one short line: those of Ray are long."""
    return format_error(error)[:300]


def _alive_nodes() -> list[dict[str, Any]]:
    """Return the nodes of the cluster that are alive, as Ray describes them."""
    import ray

    return [node for node in ray.nodes() if node["Alive"]]
