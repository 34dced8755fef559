"""Run a plan's trials here as an ordinary run would; store them in the plan's folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from bench.data.pixel_source import DirectPixels, PixelSource
from bench.engines.spawn import trial_server
from bench.runs.batch.plan_file import PlanFile, describe_trial, images_of, software_of, with_images
from bench.runs.batch.work_folder import WorkFolder
from bench.runs.load_data import cache_pixels, find_data_folder, locate_images
from bench.runs.plan import Plan
from bench.runs.progress import Progress
from bench.runs.resolve import trial_options
from bench.runs.session import PendingTrial, Session, can_isolate
from bench.runs.trust import effects_of_plan, remember, require_trust
from bench.system.cpu import default_threads, tune_allocator
from bench.system.device import choose_device
from bench.system.environment import describe_environment
from bench.training.record import TrialRecord, TrialResult
from bench.training.reproducibility import code_digest, differences
from bench.training.spec import TrialSpec
from registry.errors import ReproducibilityError, RunError
from registry.exit_codes import ExitCode
from registry.from_file import file_of


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkSummary:
    """The records of a share of a plan, and the number of the signal that stopped it.

    `records` include interrupted trials and those finished earlier.
    """

    records: tuple[TrialRecord, ...]
    stopped_by: int | None = None

    @property
    def exit_code(self) -> ExitCode:
        """Exit code: success, a failed trial, or a stop by a signal."""
        if self.stopped_by is not None:
            return ExitCode.of_signal(self.stopped_by)
        well = all(record.status == "ok" for record in self.records)
        return ExitCode.OK if well else ExitCode.FAILED


def share_of_trials(trials: int, number: int, shares: int) -> range:
    """Return the numbers of the trials in share `number`, from 0, of `shares`.

    They are consecutive in the plan, so that models also alternate within a share.
    """
    return range(number * trials // shares, (number + 1) * trials // shares)


def work(
    plan: PlanFile,
    folder: WorkFolder,
    share: Sequence[int],
    progress: Progress,
    *,
    data: Sequence[Path] = (),
    inexact: bool = False,
    trusted: bool = False,
) -> WorkSummary:
    """Return the results of the trials `share` of `plan`; finished trials are not repeated.

    Any number of workers may share `folder`. `data` are folders with the same images, if the plan's
    paths do not exist here. `inexact` continues with other versions or code and marks the rows;
    without it they raise ReproducibilityError. `trusted` lets a plan of somebody else run files and
    write elsewhere. Raises DataError if images are missing, RunError if
    a network is missing or the folder is of another plan.
    """
    tune_allocator()
    done = folder.all_done(share, lambda error: progress.say(f"{error}: the trial runs again"))
    for number in done:
        folder.clear(number)  # leftovers of a killed process
    left = [number for number in share if number not in done]
    progress.say(f"{plan.path}: {len(done)} of {len(share)} trials of this share are finished")
    records = [each.record for each in done.values()]
    if not left:
        return WorkSummary(records=tuple(records))
    options = trial_options(plan.request)
    specs = [plan.specs[number] for number in left]
    _require_networks(specs, plan.about["environment"])
    _require_trust(plan, specs, trusted=trusted)
    environment, marks = _environment(plan, specs, inexact=inexact)
    threads, cores = max(spec.threads for spec in specs), default_threads()
    if threads > cores:
        progress.say(
            f"the plan gives each trial {threads} threads on {cores} cores, which is slow: plan "
            f"with `zoo plan --threads {cores}`, or give a task more cores"
        )
    with trial_server(wanted=any(can_isolate(options, spec) for spec in specs)) as server:
        here = _plan_here(plan, data, progress)
        worker = _Worker(folder, environment, progress, inexact=inexact)
        session = Session(options, folder.trials, worker, here, progress, server=server)
        with progress.showing([plan.specs[number] for number in share], records):
            stopped_by = worker.run(session, left, marks)
    return WorkSummary(records=(*records, *worker.records), stopped_by=stopped_by)


class _Worker:
    """Runs trials one after the other, each under a lock."""

    def __init__(
        self, folder: WorkFolder, environment: dict[str, Any], progress: Progress, *, inexact: bool
    ) -> None:
        self.records: list[TrialRecord] = []
        self._folder, self._progress = folder, progress
        self._environment, self._inexact = environment, inexact

    def run(self, session: Session, numbers: Sequence[int], marks: tuple[str, ...]) -> int | None:
        """Run these trials; return the number of the signal that stopped them, or None."""
        for number in numbers:
            spec = self._folder.plan.specs[number]
            with self._folder.claim(number) as claimed:
                if not claimed:
                    self._progress.say(f"{describe_trial(spec)}: another worker runs it")
                    continue
                if done := self._folder.all_done([number], lambda error: None):  # by another one
                    self.records.append(done[number].record)
                    continue
                found = (*marks, *self._begin(number, spec))
                pending = PendingTrial(number=number, spec=spec, marks=found)
                stopped_by = session.run([pending])
            if stopped_by is not None or self.records[-1].status == "interrupted":
                return stopped_by
        return None

    def finish(self, number: int, result: TrialResult) -> None:
        """Store the result of a trial; one to try again has at most a checkpoint."""
        if result.record.finished:
            self._folder.write(number, result, self._environment)
        self.records.append(result.record)

    def _begin(self, number: int, spec: TrialSpec) -> tuple[str, ...]:
        """Note that the trial starts here; return the marks if it was started elsewhere.

        A checkpoint of another machine or of other versions would change the result. So the trial
        starts over, unless `inexact` is set.
        """
        before = self._folder.read_start(number)
        found: list[str] = []
        if before is not None:
            found = ["an unknown machine"]
            if then := before.get("environment", {}):
                found = differences(then, self._environment, [(spec, spec)])
            found += [mark for mark in before.get("marks", []) if mark not in found]
        if found and not self._inexact:
            self._progress.say(
                f"{describe_trial(spec)} was started elsewhere ({'; '.join(found)}): it restarts; "
                "--inexact resumes it and marks the row"
            )
            self._folder.clear(number)
            found = []
        self._folder.begin(number, {"environment": self._environment, "marks": found})
        return (f"resumed with {'; '.join(found)}",) if found else ()


def _plan_here(plan: PlanFile, data: Sequence[Path], progress: Progress) -> Plan:
    """Return `plan` with its images on this machine, each compared with the plan."""
    images, folders = images_of(plan.splits), search_folders(plan, data)
    with progress.counting("comparing images", len(images)) as bar:
        found = locate_images(images, folders, threads=default_threads(), on_image=bar.update)
    splits = with_images(plan.splits, found)
    source: PixelSource = DirectPixels.of(images_of(splits))
    if plan.request.cache:
        shapes = [spec.architecture.contract.input_shape for spec in plan.specs]
        source = cache_pixels(images_of(splits), splits, shapes, progress)
    return Plan(specs=plan.specs, splits=splits, source=source, about=dict(plan.about))


def search_folders(plan: PlanFile, data: Sequence[Path]) -> list[Path]:
    """Return the folders to search for images by content; empty: use the plan's paths."""
    request = plan.request
    if data:
        return list(data)
    named = request.data is None or request.names_data
    return [find_data_folder(request)] if named else []


def _environment(
    plan: PlanFile, specs: Sequence[TrialSpec], *, inexact: bool
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the local environment, and the marks of rows if it differs from the plan's."""
    then = plan.about["environment"]
    here = describe_environment(choose_device(specs[0].device))
    here["code"] = {spec.model: code_digest(spec.architecture) for spec in specs}
    changed = differences(software_of(then), software_of(here), [(spec, spec) for spec in specs])
    changed += _other_versions(specs)
    what = "; ".join(dict.fromkeys(changed))
    if what and not inexact:
        raise ReproducibilityError(
            f"the plan was made with other software: {what}: fix this, make a new plan, or pass "
            "--inexact to work anyway and mark the rows"
        )
    return here, (f"other software: {what}",) if what else ()


def _require_trust(plan: PlanFile, specs: Sequence[TrialSpec], *, trusted: bool) -> None:
    effects = effects_of_plan(plan.request, [spec.architecture for spec in specs])
    if trusted:
        remember(effects)
    require_trust(effects, f"the plan {plan.path}", {})


def _require_networks(specs: Sequence[TrialSpec], then: Mapping[str, Any]) -> None:
    """Raise RunError if the code of a network is missing, in any version."""
    for spec in specs:
        known = then.get("code", {}).get(spec.model)
        if known is not None and code_digest(spec.architecture) is None:
            file = file_of(spec.architecture)
            where = f"no file {file}" if file else f"no {spec.architecture.constructor}"
            raise RunError(
                f"cannot train {spec.model} here: there is {where}, which the plan has from "
                f"{spec.origin}: install it where the trials run"
            )


def _other_versions(specs: Sequence[TrialSpec]) -> Iterator[str]:
    for model, origin in dict.fromkeys((spec.model, spec.origin) for spec in specs):
        distribution, _, rest = origin.partition(" ")
        version = rest.partition(" ")[0]
        with suppress(metadata.PackageNotFoundError, ValueError):  # a file: code is compared
            now = metadata.version(distribution)
            if version and version != now:
                yield f"{model} is from {distribution} {now} instead of {version}"
