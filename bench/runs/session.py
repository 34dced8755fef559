"""A session: hands the remaining trials to an engine and stores each result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from itertools import groupby
from typing import Protocol

from bench.engines.executor import Executor, ExecutorConfig, Interrupts, start_executor
from bench.engines.process import Job
from bench.engines.registry import LOCAL
from bench.engines.spawn import Server
from bench.runs.plan import Plan
from bench.runs.progress import Progress
from bench.runs.resolve import TrialOptions
from bench.runs.run_folder import RunFolder
from bench.system.memory import expected_bytes
from bench.training.budget import overruns
from bench.training.record import TrialResult
from bench.training.spec import TrialSpec
from registry.errors import RunError


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingTrial:
    """A remaining trial: number in the plan, specification, and reasons against comparing it."""

    number: int
    spec: TrialSpec
    marks: tuple[str, ...] = ()


class ResultSink(Protocol):
    """Receives results of trials: the store of a run, or a worker."""

    def finish(self, number: int, result: TrialResult) -> None:
        """Store the result of a trial durably; it may replace that of an interrupted one."""


class Session:
    """Runs trials, stores each result, and calls `on_result` with it."""

    def __init__(
        self,
        options: TrialOptions,
        folder: RunFolder,
        store: ResultSink,
        plan: Plan,
        progress: Progress,
        on_result: Callable[[int, TrialResult], object] = lambda number, result: None,
        server: Server | None = None,
    ) -> None:
        """`server` is a running server that starts trial processes; it stays open."""
        self._options, self._folder, self._store = options, folder, store
        self._splits, self._source, self._progress = plan.splits, plan.source, progress
        self._on_result, self._server = on_result, server
        self._interrupts = Interrupts(progress.say)
        self._pending: dict[int, PendingTrial] = {}
        self._interrupted = False
        self._whole: dict[int, PendingTrial] = {}  # trials at full batch size, where halved

    def run(self, pending: Sequence[PendingTrial]) -> int | None:
        """Run `pending`; return the number of the signal that stopped it, or None.

        No trial starts after an interrupted one.
        """
        with self._interrupts:
            for alone, some in groupby(pending, lambda each: can_isolate(self._options, each.spec)):
                if not self._stopped:
                    self._do(list(some), isolated=alone)
        return self._interrupts.number

    @property
    def _stopped(self) -> bool:
        return self._interrupted or self._interrupts.number is not None

    def _do(self, pending: Sequence[PendingTrial], *, isolated: bool) -> None:
        executor = self._executor(pending) if isolated else self._in_process()
        with closing(executor), self._interrupts.stopping(executor):
            for each in pending:
                self._submit(executor, each)
            for number, result in executor.ended():
                if self._must_halve(result):
                    self._submit(executor, self._with_half_batch(number, result))
                    continue
                self._keep(number, result)
                if result.record.status == "interrupted":
                    self._interrupted = True
                    executor.stop()

    def _in_process(self) -> Executor:
        from bench.engines.in_process import InProcessExecutor  # with all that trains

        return InProcessExecutor(self._progress)

    def _executor(self, pending: Sequence[PendingTrial]) -> Executor:
        setup = ExecutorConfig(
            jobs=self._options.jobs,
            address=self._options.address,
            architectures={each.spec.model: each.spec.architecture for each in pending},
            server=self._server,
        )
        return start_executor(self._options.engine, self._progress, setup)

    def _submit(self, executor: Executor, pending: PendingTrial) -> None:
        self._pending[pending.number] = pending
        executor.submit(pending.number, self._job(pending.spec))

    def _keep(self, number: int, result: TrialResult) -> None:
        record = result.record
        marks = (*self._pending.pop(number).marks, *record.marks, *overruns(record))
        record = replace(record, marks=tuple(dict.fromkeys(marks)))
        result = replace(result, record=record)
        self._store.finish(number, result)
        self._folder.require_present()
        if record.finished:
            self._folder.checkpoints(record.spec, self._options.checkpoints).clear()
        self._on_result(number, result)

    def _must_halve(self, result: TrialResult) -> bool:
        wanted = self._options.halve_on_oom and result.record.status == "out-of-memory"
        return wanted and result.record.spec.recipe.batch_size != 1 and not self._stopped

    def _with_half_batch(self, number: int, result: TrialResult) -> PendingTrial:
        """Return a trial that ran out of memory, with half its batch size."""
        spec = result.record.spec
        self._folder.checkpoints(spec, self._options.checkpoints).clear()
        size = spec.recipe.batch_size // 2
        whole = self._whole.setdefault(number, self._pending[number])
        mark = f"batch size {size} instead of {whole.spec.recipe.batch_size}"
        self._progress.say(f"{spec.model}: out of memory; again with batch size {size}")
        spec = replace(spec, recipe=replace(spec.recipe, batch_size=size))
        return replace(whole, spec=spec, marks=(*whole.marks, mark))

    def _job(self, spec: TrialSpec) -> Job:
        return Job(
            spec=spec,
            split=self._splits.of(spec.fold),
            source=self._source,
            folder=self._folder.trial(spec),
            checkpoints=self._folder.trial(spec) / "checkpoints",
            shared=self._folder.shared_url(spec, self._options.checkpoints),
            cadence=asdict(self._options.cadence),
            profile=self._options.profile,
            weights=self._options.weights,
            timeout=self._options.timeout,
            expected_bytes=expected_bytes(spec.architecture.contract.parameters),
        )


def require_isolated(options: TrialOptions, specs: Sequence[TrialSpec]) -> None:
    """Raise RunError if parallel trials include one that cannot have its own process."""
    here = [spec.model for spec in specs if not can_isolate(options, spec)]
    asked = f"--jobs {options.jobs}" if options.jobs else f"--engine {options.engine}"
    if here and (options.shares_machine or options.engine != LOCAL.name):
        raise RunError(
            f"{asked} needs a process for each trial, which {here[0]} cannot have: move a "
            "notebook's network to a file, and leave out --no-isolate"
        )


def can_isolate(options: TrialOptions, spec: TrialSpec) -> bool:
    """Return whether the trial can have its own process; a network of `__main__` cannot."""
    in_notebook = spec.architecture.constructor.startswith("__main__:")
    return options.isolate and not in_notebook
