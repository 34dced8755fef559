"""Trials on a Ray cluster, one task each: begun on this machine, or there already.

A task looks into its node, and does the trial in a process of its own, so that whatever the
network does is that trial's record. What becomes of Ray's own process or of the node is no trial's
fault: the trial is sent again. Ray's own retries are not used, since they can't be counted, and
never end where Ray itself ends a task for want of memory.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.engines import ray_node
from bench.engines.executor import ExecutorConfig
from bench.engines.process import Job, as_plain
from bench.engines.ray_cluster import (
    alive_nodes,
    as_remote,
    join_cluster,
    needs_gpu,
    node_name,
    one_line,
    only_on,
    resources_of,
)
from bench.training.callbacks import Callback
from bench.training.evaluate import unpack_evaluation
from bench.training.record import Status, TrialRecord, TrialResult, record_of
from bench.training.spec import as_plain as record_as_plain
from registry.errors import RunError

_LOOK_SECONDS = 1.0
_AHEAD = 2  # tasks for each place, so that none waits for one that is empty
_AGAIN = 3  # times that a trial is sent again, having been lost with its process or its node
_CHECK_SECONDS = 120.0  # for a node to say what it has


@dataclass(slots=True, kw_only=True)
class _Sent:
    """A trial that is under way, or waits for a place in the cluster.

    Attributes:
        lost: how often it was, with its process or node.
        jobs: how many the cluster had room for at a time.
    """

    number: int
    job: Job
    lost: int = 0
    jobs: int = 1


class RayExecutor:
    """Has what is submitted done by a cluster, a bounded number of tasks at a time.

    Results come back to this process alone. Weights and checkpoints are written where the trial
    runs, into the run folder, which every node must see under the same path; images, too.
    """

    def __init__(self, watcher: Callback, setup: ExecutorConfig) -> None:
        """Join the cluster, and look into each of its nodes.

        Raises:
            RunError: it can't be reached, or a node has other versions or other code.
        """
        self._watcher, self._setup = watcher, setup
        self._waiting: deque[_Sent] = deque()
        self._running: dict[Any, _Sent] = {}
        self._large: dict[str, Any] = {}  # what many tasks are given, once in the cluster
        self._stopping = False
        self._begun_here = join_cluster(setup.address)
        try:
            self._architectures = {
                model: record_as_plain(value) for model, value in setup.architectures.items()
            }
            self._path = [each or str(Path.cwd()) for each in sys.path]
            self._facts = ray_node.facts(self._architectures, self._path)
            self._require_alike()
            self._trial = as_remote(ray_node.trial)
        except BaseException:
            self.close()
            raise

    def submit(self, number: int, job: Job) -> None:
        """Take on a trial, to be known by its `number`."""
        self._waiting.append(_Sent(number=number, job=job))

    def ended(self) -> Iterator[tuple[int, TrialResult]]:
        """Yield each trial's number and result as it ends, once each, until none is left."""
        import ray

        while True:
            self._send()
            if not self._running:
                return
            ready, _ = ray.wait(list(self._running), num_returns=1, timeout=_LOOK_SECONDS)
            for reference in ready:
                sent = self._running.pop(reference)
                result = self._result(reference, sent)
                _ask_to_stop(sent, wanted=False)
                if result is not None:
                    self._tell(result)
                    yield sent.number, result

    def stop(self) -> None:
        """Ask all that run to save where they stand, and to end; begin no more."""
        self._stopping = True
        for sent in list(self._running.values()):
            _ask_to_stop(sent, wanted=True)

    def end(self) -> None:
        """End all that run at once."""
        import ray

        self._stopping = True
        for reference in list(self._running):
            with suppress(Exception):
                ray.cancel(reference, force=True)

    def close(self) -> None:
        """End what still runs, and leave the cluster; one that was begun here is ended."""
        import ray

        self.end()
        for sent in self._running.values():
            _ask_to_stop(sent, wanted=False)
        self._running.clear()
        self._large.clear()
        if self._begun_here:
            ray.shutdown()

    def _places(self, job: Job) -> int:
        """Return how many such trials the cluster has room for at a time.

        Raises:
            RunError: it has room for none.
        """
        each = job.spec.threads
        nodes = [node["Resources"] for node in alive_nodes()]
        places = sum(int(node.get("CPU", 0)) // each for node in nodes)
        if needs_gpu(job):
            places = min(places, sum(int(node.get("GPU", 0)) for node in nodes))
        if not places:
            most = max((int(node.get("CPU", 0)) for node in nodes), default=0)
            needed = f"{each} cores{' and a GPU' * needs_gpu(job)}"
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
            self._running[self._begun(sent)] = sent
            if self._stopping:  # a signal has come just now
                _ask_to_stop(sent, wanted=True)

    def _begun(self, sent: _Sent) -> Any:
        """Return the reference of a task that does the trial."""
        job = sent.job
        _ask_to_stop(sent, wanted=False)  # what an earlier run has left
        plain = as_plain(job) | {"jobs": sent.jobs, "path": self._path}
        split, source = plain.pop("split"), plain.pop("source")
        self._watcher.on_phase(TrialRecord(spec=job.spec, jobs=sent.jobs))
        task = self._trial.options(**resources_of(job))
        return task.remote(
            plain,
            self._once(job.spec.split_fingerprint, split),
            self._once("source", source),
            self._facts_of(job.spec.model),
        )

    def _facts_of(self, model: str) -> dict[str, str | None]:
        others = {f"the code of {other}" for other in self._architectures if other != model}
        return {name: value for name, value in self._facts.items() if name not in others}

    def _once(self, name: str, value: Any) -> Any:
        """Return a reference to a value that many tasks are given."""
        import ray

        if name not in self._large:
            self._large[name] = ray.put(value)
        return self._large[name]

    def _result(self, reference: Any, sent: _Sent) -> TrialResult | None:
        """Return what came of a trial; None where it is sent again, or was not begun."""
        import ray

        try:
            found = ray.get(reference)
        except ray.exceptions.OutOfMemoryError as error:
            return self._unfinished(sent, "out-of-memory", f"Ray ended it: {one_line(error)}")
        except ray.exceptions.RayTaskError as error:  # before its trial had a process
            return self._unfinished(sent, "failed", one_line(error.cause or error))
        except ray.exceptions.RayError as error:  # its process or its node is gone
            return self._lost(sent, error)
        if not found["begun"]:
            return None
        if "refused" in found:
            return self._unfinished(sent, "failed", found["refused"])
        for line in found["said"]:
            self._watcher.say(line)
        record = record_of(found["record"])
        test = None
        if found["answers"] is not None:
            loss, accuracy = record.test_loss or 0.0, record.test_accuracy or 0.0
            test = unpack_evaluation(found["answers"], loss, accuracy)
        return TrialResult(record=record, test=test)

    def _lost(self, sent: _Sent, error: BaseException) -> TrialResult | None:
        name = f"{sent.job.spec.model} ({sent.job.spec.turn})"
        if self._stopping:
            return self._unfinished(sent, "interrupted", "stopped by the user")
        if sent.lost >= _AGAIN:
            why = f"lost {sent.lost + 1} times with the process or node that it ran on"
            return self._unfinished(sent, "killed", f"{why}: {one_line(error)}")
        self._watcher.say(f"{name} was lost with its process or node: sending it again")
        sent.lost += 1
        self._waiting.appendleft(sent)
        return None

    def _unfinished(self, sent: _Sent, status: Status, why: str) -> TrialResult:
        record = TrialRecord(spec=sent.job.spec, status=status, error=why, jobs=sent.jobs)
        return TrialResult(record=record)

    def _tell(self, result: TrialResult) -> None:
        for epoch in result.record.history:
            self._watcher.on_epoch(result.record.spec, epoch)
        self._watcher.on_end(result.record)

    def _require_alike(self) -> None:
        """Do nothing where each node has the versions and the code that this process has.

        Raises:
            RunError: one has not, or does not say.
        """
        import ray

        ray.cloudpickle.register_pickle_by_value(ray_node)  # it may not be there
        look = as_remote(ray_node.facts)
        asked = {
            node_name(node): look.options(
                num_cpus=0, scheduling_strategy=only_on(node["NodeID"])
            ).remote(self._architectures, self._path)
            for node in alive_nodes()
        }
        for name, reference in asked.items():
            try:
                found = ray.get(reference, timeout=_CHECK_SECONDS)
            except ray.exceptions.RayError as error:
                raise RunError(
                    f"the node {name} does not say what it has: {one_line(error)}"
                ) from error
            if wrong := ray_node.describe_differences(self._facts, found):
                raise RunError(
                    f"the node {name} is unlike this machine: {'; '.join(wrong)}: install the same "
                    "there, or leave it out of the cluster"
                )


def _ask_to_stop(sent: _Sent, *, wanted: bool) -> None:
    """Leave the file in its folder that a trial looks for, or take it away."""
    path = sent.job.folder / ray_node.STOP
    with suppress(OSError):
        path.touch() if wanted else path.unlink(missing_ok=True)
