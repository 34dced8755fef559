"""Trials of a plan done here, each as an ordinary run would, and kept in the plan's folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from bench.data.dataset_plugins import dataset_folder
from bench.data.folds import Splits
from bench.data.pixel_source import DirectPixels, PixelSource
from bench.data.synthetic import synthetic_folder
from bench.engines.spawn import TrialServer, trial_server
from bench.runs.batch.located import locate_images
from bench.runs.batch.plan_file import PlanFile, images_of, software_of, with_images
from bench.runs.batch.work_folder import Records, WorkFolder
from bench.runs.load_data import cache_pixels
from bench.runs.plan import Plan
from bench.runs.progress import Progress
from bench.runs.resolve import trial_options
from bench.runs.session import PendingTrial, Session, can_isolate
from bench.system.cpu import default_threads, tune_allocator
from bench.system.device import choose_device
from bench.system.environment import describe_environment
from bench.training.record import TrialRecord, TrialResult
from bench.training.reproducibility import code_digest, differences
from bench.training.spec import TrialSpec
from registry.errors import ReproducibilityError, RunError
from registry.exit_codes import ExitCode
from registry.from_file import file_of

_UNKNOWN = "an unknown machine"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkSummary:
    """What a share of a plan has come to.

    Attributes:
        records: of its trials that have ended or were interrupted, those done before included.
        stopped_by: the number of the signal that has stopped it, or None.
    """

    records: tuple[TrialRecord, ...]
    stopped_by: int | None = None

    @property
    def exit_code(self) -> ExitCode:
        """Whether all went well, some trial failed, or a signal has stopped it."""
        if self.stopped_by is not None:
            return ExitCode.of_signal(self.stopped_by)
        well = all(record.status == "ok" for record in self.records)
        return ExitCode.OK if well else ExitCode.FAILED


def share_of_trials(trials: int, number: int, shares: int) -> range:
    """Return the numbers of the trials in share `number`, from 0, of so many shares.

    They follow each other in the plan, so that models take turns within a share, too.
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
) -> WorkSummary:
    """Return what comes of the trials `share` of `plan`; those that are done are left as they are.

    Args:
        plan: what is to be done.
        folder: where it is kept, by any number of workers at a time.
        share: numbers of trials.
        progress: is told how it goes.
        data: folders that have the same images here, if they do not lie where the plan has them.
        inexact: go on where versions or code are not the plan's, and mark those rows.

    Raises:
        ReproducibilityError: they are not, and that was not allowed.
        DataError: the images are not here.
        RunError: a network is not here, or the folder is of another plan.
    """
    tune_allocator()
    done = folder.all_done(share, lambda error: progress.say(f"{error}: the trial is done again"))
    for number in done:
        folder.clear(number)  # what a kill has left
    left = [number for number in share if number not in done]
    progress.say(f"{plan.path}: {len(done)} of {len(share)} trials of this share are done")
    records = [each.record for each in done.values()]
    if not left:
        return WorkSummary(records=tuple(records))
    options = trial_options(plan.request)
    specs = [plan.specs[number] for number in left]
    environment, marks = _environment(plan, specs, inexact=inexact)
    _say_threads(specs, progress)
    with trial_server(wanted=any(can_isolate(options, spec) for spec in specs)) as server:
        worker = _Worker(plan, folder, environment, progress, data, server, inexact=inexact)
        with progress.showing([plan.specs[number] for number in share], records):
            stopped_by = worker.run(left, marks)
    return WorkSummary(records=(*records, *worker.records), stopped_by=stopped_by)


class _Worker:
    """Does trials one after the other, each while nobody else does."""

    def __init__(
        self,
        plan: PlanFile,
        folder: WorkFolder,
        environment: Mapping[str, Any],
        progress: Progress,
        data: Sequence[Path],
        server: TrialServer | None,
        *,
        inexact: bool,
    ) -> None:
        self.records: list[TrialRecord] = []
        self._plan, self._folder, self._progress = plan, folder, progress
        self._environment, self._inexact = environment, inexact
        splits = locate_splits(plan, data, progress)
        source: PixelSource = DirectPixels()
        if plan.request.cache:
            shapes = [spec.architecture.contract.input_shape for spec in plan.specs]
            source = cache_pixels(images_of(splits), splits, shapes, progress)
        keeper = Records(folder, environment)
        here = Plan(specs=plan.specs, splits=splits, source=source, about=dict(plan.about))
        self._session = Session(
            trial_options(plan.request),
            folder.trials,
            keeper,
            here,
            progress,
            self._ended,
            server=server,
        )

    def run(self, numbers: Sequence[int], marks: tuple[str, ...]) -> int | None:
        """Do these trials, and return the number of the signal that has stopped it, or None."""
        for number in numbers:
            spec = self._plan.specs[number]
            with self._folder.claimed(number) as claimed:
                if not claimed:
                    self._progress.say(f"{_describe(spec)}: another worker is at it")
                    continue
                if self._done_meanwhile(number):
                    continue
                pending = PendingTrial(
                    number=number, spec=spec, marks=(*marks, *self._taken_up(number))
                )
                stopped_by = self._session.run([pending])
            if stopped_by is not None or self.records[-1].status == "interrupted":
                return stopped_by
        return None

    def _ended(self, number: int, result: TrialResult) -> None:
        self.records.append(result.record)

    def _done_meanwhile(self, number: int) -> bool:
        done = self._folder.all_done([number], lambda error: None)
        self.records += [each.record for each in done.values()]
        return bool(done)

    def _taken_up(self, number: int) -> tuple[str, ...]:
        """Note that the trial is begun here; return the marks of one that was begun elsewhere.

        From a checkpoint of another machine, or of other versions, it would not end as an unbroken
        trial: it is begun anew, unless that is allowed.
        """
        before, spec = self._folder.began(number), self._plan.specs[number]
        found: list[str] = []
        if before is not None:
            then = before.get("environment", {})
            found = differences(then, self._environment, [(spec, spec)]) if then else [_UNKNOWN]
            found += [mark for mark in before.get("marks", []) if mark not in found]
        if found and not self._inexact:
            self._progress.say(
                f"{_describe(spec)} was begun elsewhere ({'; '.join(found)}): beginning anew; "
                "--inexact goes on and marks the row"
            )
            self._folder.clear(number)
            found = []
        self._folder.begin(number, {"environment": dict(self._environment), "marks": found})
        return (f"gone on with {'; '.join(found)}",) if found else ()


def locate_splits(plan: PlanFile, data: Sequence[Path], progress: Progress) -> Splits:
    """Return the splits of `plan`, every image of them being read and compared with the plan.

    Raises:
        DataError: the images are not here.
    """
    images, folders = images_of(plan.splits), search_folders(plan, data)
    with progress.counting("comparing images", len(images)) as bar:
        found = locate_images(images, folders, threads=default_threads(), on_image=bar.update)
    return with_images(plan.splits, found)


def search_folders(plan: PlanFile, data: Sequence[Path]) -> list[Path]:
    """Return where the images are to be looked for by content; nowhere: they have their paths."""
    request = plan.request
    if data:
        return list(data)
    if request.data is None:
        return [synthetic_folder()]
    return [dataset_folder(str(request.data))] if request.names_data else []


def _environment(
    plan: PlanFile, specs: Sequence[TrialSpec], *, inexact: bool
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return what there is here, and how rows are to be marked where it is not the plan's."""
    then = plan.about["environment"]
    _require_networks(specs, then)
    here = describe_environment(choose_device(specs[0].device))
    here["code"] = {spec.model: code_digest(spec.architecture) for spec in specs}
    changed = differences(software_of(then), software_of(here), [(spec, spec) for spec in specs])
    changed += _other_versions(specs)
    if changed and not inexact:
        raise ReproducibilityError(
            f"this is not what the plan was made with: {'; '.join(dict.fromkeys(changed))}: fix "
            "this, plan anew, or pass --inexact to work anyway and mark the rows"
        )
    return here, (f"other software: {'; '.join(dict.fromkeys(changed))}",) if changed else ()


def _require_networks(specs: Sequence[TrialSpec], then: Mapping[str, Any]) -> None:
    """Do nothing where the code of each network is here, in whatever version.

    Raises:
        RunError: one is not; it is named.
    """
    for spec in specs:
        known = then.get("code", {}).get(spec.model)
        if known is not None and code_digest(spec.architecture) is None:
            file = file_of(spec.architecture)
            where = f"no file {file}" if file else f"no {spec.architecture.constructor}"
            raise RunError(
                f"{spec.model} can't be trained here: there is {where}, and the plan has it from "
                f"{spec.origin}: install that where the trials run"
            )


def _other_versions(specs: Sequence[TrialSpec]) -> Iterator[str]:
    for model, origin in dict.fromkeys((spec.model, spec.origin) for spec in specs):
        distribution, _, rest = origin.partition(" ")
        version = rest.partition(" ")[0]
        try:
            now = metadata.version(distribution)
        except (metadata.PackageNotFoundError, ValueError):  # a file's; what it has is compared
            continue
        if version and version != now:
            yield f"{model} is of {distribution} {now} instead of {version}"


def _say_threads(specs: Sequence[TrialSpec], progress: Progress) -> None:
    threads, cores = max(spec.threads for spec in specs), default_threads()
    if threads > cores:
        progress.say(
            f"the plan gives each trial {threads} threads, and there are {cores} cores here, which "
            f"is slow: `zoo plan --threads {cores}`, or give a task more cores"
        )


def _describe(spec: TrialSpec) -> str:
    return f"{spec.model} ({spec.turn})"
