"""The trials of a run that are still to be done: handed to an engine, each kept as it ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Protocol

from bench.checkpoint import Cadence
from bench.engine import LOCAL
from bench.engines.begin import begin_engine
from bench.engines.engine import RunningEngine, Setup
from bench.engines.here import HereEngine
from bench.engines.interrupts import Interrupts
from bench.engines.process import Job
from bench.engines.ranks import RanksEngine
from bench.engines.spawn import TrialServer, can_spawn
from bench.memory import expected_bytes
from bench.parallel import ALONE, Group, Ranks
from bench.plan import Plan
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
        plan: Plan,
        progress: Progress,
        on_result: Callable[[int, TrialResult], object],
        group: Group = ALONE,
        server: TrialServer | None = None,
    ) -> None:
        """`server` begins processes for trials, if it is there already; it is left as it is."""
        self._request, self._folder, self._store = request, folder, store
        self._splits, self._source, self._progress = plan.splits, plan.source, progress
        self._planned = plan.about["environment"]
        self._on_result, self._group, self._server = on_result, group, server
        self._interrupts = Interrupts(progress.say)
        self._pending: dict[int, Pending] = {}
        self._interrupted = False
        self._asked: dict[int, Pending] = {}  # what had to be done at a smaller batch, as it was

    def run(self, pending: Sequence[Pending]) -> int | None:
        """Do `pending`, and return the number of the signal that has stopped it, or None.

        After a trial that was interrupted none is begun.
        """
        with self._interrupts:
            for _, some in groupby(pending, self._is_here):
                if not self._stopped:
                    trials = list(some)
                    self._do(trials, self._engine(trials))
        return self._interrupts.number

    @property
    def _stopped(self) -> bool:
        return self._interrupted or self._interrupts.number is not None

    def _do(self, pending: Sequence[Pending], engine: RunningEngine) -> None:
        with closing(engine), self._interrupts.stopping(engine):
            for each in pending:
                self._submit(engine, each)
            for number, result in engine.ended():
                if self._halves(result):
                    self._submit(engine, self._halved(number, result))
                    continue
                self._keep(number, result)
                if result.record.status == "interrupted":
                    self._interrupted = True
                    engine.stop()

    def _is_here(self, pending: Pending) -> bool:
        """Say whether a trial is done in this very process, by none that others have begun."""
        alone = not isinstance(self._group, Ranks)
        return alone and not isolated(self._request, pending.spec)

    def _engine(self, pending: Sequence[Pending]) -> RunningEngine:
        if isinstance(self._group, Ranks):
            return RanksEngine(self._group, self._progress)
        if self._is_here(pending[0]):
            return HereEngine(self._progress)
        setup = Setup(
            jobs=self._request.jobs,
            address=self._request.address,
            architectures={each.spec.model: each.spec.architecture for each in pending},
            planned=self._planned,
            server=self._server,
        )
        return begin_engine(self._request.engine, self._progress, setup)

    def _submit(self, engine: RunningEngine, pending: Pending) -> None:
        self._pending[pending.number] = pending
        engine.submit(pending.number, self._job(pending.spec))

    def _keep(self, number: int, result: TrialResult) -> None:
        result = replace(
            result, record=replace(result.record, marks=self._pending.pop(number).marks)
        )
        self._store.finish(number, result)
        if result.record.status in FINISHED:
            self._folder.checkpoints(result.record.spec, self._request.checkpoints).clear()
        self._on_result(number, result)

    def _halves(self, result: TrialResult) -> bool:
        wanted = self._request.on_oom == "halve" and result.record.status == "out-of-memory"
        small = result.record.spec.recipe.batch_size == 1
        return wanted and not small and not self._stopped

    def _halved(self, number: int, result: TrialResult) -> Pending:
        """Return a trial that had too little memory, at half its batch."""
        spec, pending = result.record.spec, self._pending[number]
        self._folder.checkpoints(spec, self._request.checkpoints).clear()
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
            shared=self._folder.shared_url(spec, self._request.checkpoints),
            cadence={"seconds": cadence.seconds, "steps": cadence.steps},
            profile=self._request.profile,
            weights=self._request.weights,
            timeout=self._request.timeout,
            expected_bytes=expected_bytes(spec.architecture.contract.parameters),
        )


def require_isolated(request: Request, specs: Sequence[TrialSpec]) -> None:
    """Do nothing unless trials are to be done beside each other that have no process of their own.

    Raises:
        RunError: they are.
    """
    here = [spec.model for spec in specs if not isolated(request, spec)]
    asked = f"--jobs {request.jobs}" if request.jobs else f"--engine {request.engine}"
    if here and (request.shares or request.engine != LOCAL.name):
        raise RunError(
            f"{asked} needs a process for each trial, and {here[0]} has none: what a "
            "notebook defines has to be put in a file; --no-isolate has to be left out"
        )


def isolated(request: Request, spec: TrialSpec) -> bool:
    """Say whether the trial can have a process of its own: what `__main__` defines can't be had."""
    return (
        request.isolate
        and can_spawn()
        and not spec.architecture.constructor.startswith("__main__:")
    )
