"""The trials of a run that are still to be done: handed to an engine, each kept as it ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from bench.checkpoint import Cadence
from bench.data.folds import Splits
from bench.data.pixel_source import PixelSource
from bench.engines.engine import Engine
from bench.engines.here import HereEngine
from bench.engines.interrupts import Interrupts
from bench.engines.local import LocalEngine
from bench.engines.process import Job, TrialProcess
from bench.engines.spawn import can_spawn
from bench.memory import expected_bytes
from bench.progress import Progress
from bench.record import FINISHED, TrialResult, TrialSpec
from bench.request import Request
from bench.run_folder import RunFolder
from registry.errors import RunError


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A trial to be done: its number in the plan, and why it can't be compared, if it can't."""

    number: int
    spec: TrialSpec
    marks: tuple[str, ...] = ()


class Keeper(Protocol):
    """Keeps how trials end: the store of a run, say."""

    def finish(self, number: int, result: TrialResult) -> None:
        """Keep how a trial ended, durably; one that was interrupted can end once more."""


class Session:
    """Has trials done, keeps each result in the store, and tells `on_result` of it."""

    def __init__(
        self,
        request: Request,
        folder: RunFolder,
        store: Keeper,
        splits: Splits,
        source: PixelSource,
        progress: Progress,
        on_result: Callable[[int, TrialResult], object],
    ) -> None:
        self._request, self._folder, self._store = request, folder, store
        self._splits, self._source, self._progress = splits, source, progress
        self._on_result = on_result
        self._interrupts = Interrupts(progress.say)
        self._pending: dict[int, Pending] = {}
        self._asked: dict[int, Pending] = {}  # what had to be done at a smaller batch, as it was

    def run(self, pending: Sequence[Pending], first: TrialProcess | None) -> int | None:
        """Do `pending`, and return the number of the signal that has stopped it, or None.

        After a trial that was interrupted none is begun. `first` is a process for the first of
        them, begun before.

        Raises:
            RunError: they can't be done so many at a time.
        """
        engine = self._engine(pending, first)
        with self._interrupts, self._interrupts.stopping(engine):
            for each in pending:
                self._submit(engine, each)
            for number, result in engine.ended():
                if self._halves(result):
                    self._submit(engine, self._halved(number, result))
                    continue
                self._keep(number, result)
                if result.record.status == "interrupted":
                    engine.stop()
        return self._interrupts.number

    def _engine(self, pending: Sequence[Pending], first: TrialProcess | None) -> Engine:
        jobs = self._request.jobs
        if all(isolated(self._request, each.spec) for each in pending):
            return LocalEngine(self._progress, jobs=jobs, first=first)
        if jobs > 1:
            raise RunError(
                f"--jobs {jobs} needs a process for each trial: what a notebook defines has none; "
                "put it in a file, or leave --jobs and --no-isolate out"
            )
        return HereEngine(self._progress)

    def _submit(self, engine: Engine, pending: Pending) -> None:
        self._pending[pending.number] = pending
        engine.submit(pending.number, self._job(pending.spec))

    def _keep(self, number: int, result: TrialResult) -> None:
        marks, jobs = self._pending[number].marks, self._request.jobs
        result = replace(result, record=replace(result.record, marks=marks, jobs=jobs))
        self._store.finish(number, result)
        if result.record.status in FINISHED:
            self._folder.checkpoints(result.record.spec).clear()
        self._on_result(number, result)

    def _halves(self, result: TrialResult) -> bool:
        wanted = self._request.on_oom == "halve" and result.record.status == "out-of-memory"
        small = result.record.spec.recipe.batch_size == 1
        return wanted and not small and self._interrupts.number is None

    def _halved(self, number: int, result: TrialResult) -> Pending:
        """Return a trial that had too little memory, at half its batch."""
        spec, pending = result.record.spec, self._pending[number]
        self._folder.checkpoints(spec).clear()
        recipe = replace(spec.recipe, batch_size=spec.recipe.batch_size // 2)
        asked = self._asked.setdefault(number, pending)
        mark = f"batch size {recipe.batch_size} instead of {asked.spec.recipe.batch_size}"
        self._progress.say(f"{spec.model}: again with batch size {recipe.batch_size}")
        return replace(asked, spec=replace(spec, recipe=recipe), marks=(*asked.marks, mark))

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
            expected_bytes=expected_bytes(spec.architecture.contract.parameters),
        )


def isolated(request: Request, spec: TrialSpec) -> bool:
    """Say whether the trial can have a process of its own: what `__main__` defines can't be had."""
    return (
        request.isolate
        and can_spawn()
        and not spec.architecture.constructor.startswith("__main__:")
    )
