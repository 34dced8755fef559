"""An ordinary run folder from the results of a plan's trials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from bench.data.pixel_source import DirectPixels
from bench.report.run_files import answers_path
from bench.report.trackers import Trackers
from bench.runs.batch.plan_file import PlanFile, describe_trial, images_of, with_images
from bench.runs.batch.work import search_folders
from bench.runs.batch.work_folder import FinishedTrial, WorkFolder
from bench.runs.load_data import locate_images
from bench.runs.pictures import draw_grids, keep_pictures, trials_without_grid
from bench.runs.plan import Plan
from bench.runs.progress import Progress
from bench.runs.run_folder import RunFolder
from bench.runs.run_results import RunResults
from bench.runs.store import Store
from bench.runs.stored_runs import find_last_run, report, try_write_page
from bench.training.record import TrialResult
from registry.errors import RunError, StorageError, ZooError
from registry.exit_codes import ExitCode

_NAMED = 6  # missing trials that a message names
_OF_MACHINES = (
    "platform", "cpu", "cpu_capability", "cores", "load_1_minute", "openmp_wait_policy",
    "device_name",
)  # fmt: skip
_AND = " and "  # between the machines of a run
_Finished = Mapping[int, FinishedTrial]  # by number


@dataclass(frozen=True, slots=True, kw_only=True)
class GatherResult:
    """The results of the finished trials, if any, and the numbers of the missing ones."""

    results: RunResults | None
    missing: tuple[int, ...]

    @property
    def exit_code(self) -> ExitCode:
        """Exit code of the run; FAILED if it is successful so far but trials are missing."""
        if self.results is None:
            return ExitCode.NOTHING_MEASURED
        return self.results.exit_code or (ExitCode.FAILED if self.missing else ExitCode.OK)


def gather(
    plan: PlanFile, folder: WorkFolder, runs: Path, progress: Progress, *, data: Sequence[Path] = ()
) -> GatherResult:
    """Return the results that a plain run of the plan would have, for its finished trials.

    They go to a new run folder in `runs`, or to the plan's existing one. Damaged and missing trials
    are reported. Without the images no pictures are drawn. Raises RunError if the folder is of
    another plan or the run is in use, StorageError if the disk is full.
    """
    done = folder.all_done(range(len(plan.specs)), lambda error: progress.say(str(error)))
    run = find_last_run(runs, lambda made: made.about()["environment"].get("plan") == plan.first)
    if run is None and plan.first != plan.id:
        raise RunError(f"{runs} has not the run that this plan adds seeds to: name its --runs-dir")
    there = {plan.specs[number].key for number in done}
    if run is not None:
        with closing(Store.open(run.database, read_only=True)) as store:
            there |= {trial.spec.key for trial in store.trials() if trial.finished}
    missing = tuple(n for n, spec in enumerate(plan.specs) if spec.key not in there)
    if missing:
        names = [describe_trial(plan.specs[number]) for number in missing]
        rest = f" and {len(names) - _NAMED} more" if names[_NAMED:] else ""
        progress.say(
            f"{len(missing)} of {len(plan.specs)} trials are missing: {', '.join(names[:_NAMED])}"
            f"{rest}: run `zoo work {plan.path}`, then gather again"
        )
    if len(missing) == len(plan.specs):
        return GatherResult(results=None, missing=missing)
    _say_machines(done, progress)
    try:
        if run is None:
            run = RunFolder.create(runs, tuple(dict.fromkeys(spec.model for spec in plan.specs)))
            request = {**plan.about["request"], "runs": str(runs.resolve())}
            about = {**plan.about, "request": request, "environment": _environment(plan, done)}
            Store.create(run.database, about, plan.specs).close()
        results = _fill_run(folder, run, done, progress, data)
    except OSError as error:
        raise StorageError(f"{error}: free disk space, then gather again") from error
    return GatherResult(results=results, missing=missing)


def _fill_run(
    folder: WorkFolder, run: RunFolder, done: _Finished, progress: Progress, data: Sequence[Path]
) -> RunResults:
    """Return the results of `run` after adding the trials in `done`."""
    plan = folder.plan
    with run.held(), closing(Store.open(run.database)) as store:
        there = {trial.spec.key: trial for trial in store.trials()}
        if more := [spec for spec in plan.specs if spec.key not in there]:
            store.grow(plan.request.rule, more)
            there = {trial.spec.key: trial for trial in store.trials()}
        if done:
            grown = len(there) > len(plan.specs)
            before = store.about()["environment"] if grown else {}
            store.tell("environment", _environment(plan, done, before))
        trackers = Trackers(plan.request.log, run.path, progress.say)
        for number, each in done.items():
            planned = there[plan.specs[number].key]
            if planned.record != each.record:
                where = run.trial(each.record.spec)
                answers_path(where).unlink(missing_ok=True)  # of an older record
                folder.copy_weights(number, each, where)  # before the record
                store.finish(planned.number, TrialResult(record=each.record, test=each.test))
                trackers.log(where, each.record)
        results = report(run, store)
        here = _plan_with_images(plan, data, progress)
        if here is not None:
            draw_grids(trials_without_grid(run, store.trials()), run, here, progress)
            keep_pictures(store, here, progress, results)
        try_write_page(results, store, progress.say)
    return results


def _plan_with_images(plan: PlanFile, data: Sequence[Path], progress: Progress) -> Plan | None:
    """Return the plan with its test images on this machine; without them print why, return None."""
    test = tuple(dict.fromkeys(plan.splits.test))
    try:
        here = locate_images(test, search_folders(plan, data))
    except ZooError as error:
        progress.say(f"cannot draw the test images: {error}")
        return None
    splits = with_images(plan.splits, {image: image for image in images_of(plan.splits)} | here)
    source = DirectPixels.of(splits.test)
    return Plan(specs=plan.specs, splits=splits, source=source, about=dict(plan.about))


def _environment(
    plan: PlanFile, done: _Finished, before: Mapping[str, Any] = MappingProxyType({})
) -> dict[str, Any]:
    """Return the plan's environment with the machines that ran its trials.

    `before` is that of the run to which the plan adds seeds.
    """
    machines = {
        name: _merge_values(
            [each.environment.get(name) for each in done.values()], before.get(name)
        )
        for name in _OF_MACHINES
    }
    return {**(before or plan.about["environment"]), **machines, "plan": plan.first}


def _merge_values(values: Sequence[Any], before: Any = None) -> Any:
    """Return the common value; of different texts all, of different numbers the largest."""
    earlier = before.split(_AND) if isinstance(before, str) else [before]
    different = list(dict.fromkeys(v for v in [*earlier, *values] if v is not None))
    if len(different) < 2:
        return different[0] if different else None
    if all(isinstance(value, int | float) for value in different):
        return max(different)
    return _AND.join(sorted(map(str, different)))


def _say_machines(done: _Finished, progress: Progress) -> None:
    names = ("cpu", "cores", "device_name")
    machines = {tuple(str(each.environment.get(name)) for name in names) for each in done.values()}
    if len(machines) > 1:
        kinds = "; ".join(sorted(f"{cpu}, {cores} cores" for cpu, cores, _ in machines))
        progress.say(
            f"trials ran on {len(machines)} kinds of machine ({kinds}): their times are not "
            "comparable, and figures may differ by rounding"
        )
