"""The trials of a run that are still to be done: one after the other, each kept as it ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bench.checkpoint import Cadence
from bench.data.folds import Splits
from bench.data.pixel_source import PixelSource
from bench.engines.here import Here, run_here
from bench.engines.interrupts import Interrupts
from bench.engines.process import Job, TrialProcess
from bench.engines.spawn import can_spawn
from bench.memory import available_bytes
from bench.progress import Progress
from bench.record import FINISHED, TrialResult, TrialSpec
from bench.request import Request
from bench.run_folder import RunFolder
from bench.store import Store
from bench.watcher import Service


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A trial to be done: its number in the plan, and why it can't be compared, if it can't."""

    number: int
    spec: TrialSpec
    marks: tuple[str, ...] = ()


class Session:
    """Does trials, keeps each result in the store, and tells `on_result` of it."""

    def __init__(
        self,
        request: Request,
        folder: RunFolder,
        store: Store,
        splits: Splits,
        source: PixelSource,
        progress: Progress,
        on_result: Callable[[int, TrialResult], object],
    ) -> None:
        self._request, self._folder, self._store = request, folder, store
        self._splits, self._source, self._progress = splits, source, progress
        self._on_result = on_result
        self._interrupts = Interrupts(progress.say)

    def run(self, pending: Sequence[Pending], first: TrialProcess | None) -> int | None:
        """Do `pending`, and return the number of the signal that has stopped it, or None.

        A trial that was interrupted is the last. `first` is a process for the first of them,
        begun before.
        """
        with self._interrupts:
            for each in pending:
                result = self._done(each, first)
                first = None
                self._keep(each.number, result)
                if result.record.status == "interrupted" or self._interrupts.number is not None:
                    break
        return self._interrupts.number

    def _keep(self, number: int, result: TrialResult) -> None:
        self._store.finish(number, result)
        if result.record.status in FINISHED:
            self._folder.checkpoints(result.record.spec).clear()
        self._on_result(number, result)

    def _done(self, pending: Pending, process: TrialProcess | None) -> TrialResult:
        """Return the result of a trial, at a smaller batch where that was allowed and needed."""
        spec, marks = pending.spec, pending.marks
        asked = spec.recipe.batch_size
        result = self._attempt(spec, process)
        while self._halves(result):
            self._folder.checkpoints(spec).clear()
            smaller = replace(spec.recipe, batch_size=spec.recipe.batch_size // 2)
            spec = replace(spec, recipe=smaller)
            marks = (*pending.marks, f"batch size {smaller.batch_size} instead of {asked}")
            self._progress.say(f"{spec.model}: again with batch size {smaller.batch_size}")
            result = self._attempt(spec, None)
        return replace(result, record=replace(result.record, marks=marks))

    def _halves(self, result: TrialResult) -> bool:
        wanted = self._request.on_oom == "halve" and result.record.status == "out-of-memory"
        small = result.record.spec.recipe.batch_size == 1
        return wanted and not small and self._interrupts.number is None

    def _attempt(self, spec: TrialSpec, process: TrialProcess | None) -> TrialResult:
        if not isolated(self._request, spec):
            return self._here(spec)
        process = process or TrialProcess()
        with self._interrupts.stopping(process):
            return process.run(self._job(spec), self._progress)

    def _job(self, spec: TrialSpec) -> Job:
        cadence = Cadence.parse(self._request.checkpoint_every)
        return Job(
            spec=spec,
            split=self._splits.of(spec.fold),
            source=self._source,
            folder=self._folder.trial(spec),
            checkpoints=self._folder.trial(spec) / "checkpoints",
            cadence={"seconds": cadence.seconds, "steps": cadence.steps},
            profile=self._request.profile,
            weights=self._request.weights,
            timeout=self._request.timeout,
            memory_bytes=available_bytes() if spec.device == "cpu" else None,
        )

    def _here(self, spec: TrialSpec) -> TrialResult:
        service = Service(
            source=self._source,
            profile=self._request.profile,
            weights=self._request.weights,
            checkpoints=self._folder.checkpoints(spec),
            cadence=Cadence.parse(self._request.checkpoint_every),
        )
        # deferred outside: a stop that was asked for before is a trial that was interrupted
        with service.stop.deferred(), self._interrupts.stopping(Here(service.stop)):
            split, folder = self._splits.of(spec.fold), self._folder.trial(spec)
            return run_here(spec, split, self._progress, service, folder)


def isolated(request: Request, spec: TrialSpec) -> bool:
    """Say whether the trial can have a process of its own: what `__main__` defines can't be had."""
    return (
        request.isolate
        and can_spawn()
        and not spec.architecture.constructor.startswith("__main__:")
    )
