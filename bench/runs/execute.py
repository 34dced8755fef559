"""Runs: from architectures and images to a run folder and results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from bench.analysis.cross_validation import tested_names
from bench.analysis.results import tests_of
from bench.engines.registry import LOCAL, get_engine
from bench.engines.spawn import Server, trial_server
from bench.report.run_files import write_run, write_trial
from bench.report.submission import submission_note
from bench.report.trackers import Trackers, require_trackers
from bench.runs.lost_trials import trials_despite_loss, whole_trials
from bench.runs.next_look import growth_asked, growth_until_clear, prior_look, require_several
from bench.runs.pictures import draw_grid_of, draw_grids, keep_pictures, trials_without_grid
from bench.runs.plan import Plan, make_plan
from bench.runs.progress import Progress
from bench.runs.remaining_trials import remaining_trials
from bench.runs.request import Request, request_of
from bench.runs.resolve import ResolvedRequest, resolve_request
from bench.runs.resume_changes import apply_changes, require_no_changes
from bench.runs.run_folder import RunFolder
from bench.runs.run_options import require_named_once, require_one_rule
from bench.runs.run_results import RunResults
from bench.runs.session import PendingTrial, Session, require_isolated
from bench.runs.store import Store
from bench.runs.stored_runs import report, try_write_page, write_trials
from bench.runs.trust import effects_of, remember, require_trust
from bench.system.clock import Throttle
from bench.system.cpu import tune_allocator
from bench.training.record import TrialResult
from bench.training.stored_trial import StoredTrial
from registry.architecture import Architecture
from registry.errors import StorageError, ZooError


def run(
    models: Sequence[str | Architecture],
    data: str | Path | None = None,
    *,
    progress: bool = True,
    **options: object,
) -> RunResults:
    """Return the comparison of `models` on the images in the folder `data`.

    Args:
        models: names or patterns (`vgg*`, `!vgg19`) of installed architectures, or values.
        data: folder of images in class folders; None means the embedded drawings.
        progress: whether to print progress on stderr.
        **options: other fields of `RunOptions`; `zoo list options` shows them.

    Returns:
        Results, also written to a new run folder.

    Raises:
        ZooError: a model, data set or option is invalid or missing; no model was trained.
    """
    folder = None if data is None else Path(data)
    for name in ("runs", "test_data"):
        if isinstance(given := options.get(name), str):
            options[name] = Path(given)
    require_named_once(models)
    require_one_rule(options)
    request = Request(models=tuple(models), data=folder, **options)  # type: ignore[arg-type]
    return execute(resolve_request(request), Progress(shown=progress))


def execute(
    resolved: ResolvedRequest, progress: Progress, server: Server | None = None
) -> RunResults:
    """Return the results of a request; each trial is on disk as soon as it ends.

    Args:
        resolved: request with all choices made.
        progress: receiver of progress messages.
        server: running server that starts trial processes; it is closed on return.

    Raises:
        ZooError: a model, data set or option is invalid or missing; no model was trained.
    """
    tune_allocator()
    request, options = resolved.request, resolved.options
    remember(effects_of(request))
    wanted = options.isolate and options.engine == LOCAL.name
    with trial_server(wanted=wanted, server=server) as server:
        require_trackers(request.log)
        get_engine(options.engine)
        plan = make_plan(resolved, progress)
        require_isolated(options, plan.specs)
        models = tuple(dict.fromkeys(spec.model for spec in plan.specs))
        if request.until_clear:
            require_several(models)
            progress.say(prior_look(plan.about))
        folder = RunFolder.create(request.runs, models)
        created = Store.create(folder.database, plan.about, plan.specs)
        with _explain_storage_errors(folder), folder.held(), closing(created) as store:
            progress.say_how_to_go_on(f"zoo bench --resume {folder.path}")
            pending = [PendingTrial(number=n, spec=spec) for n, spec in enumerate(plan.specs)]
            _say_note(request, plan, progress)
            return _run(resolved, folder, store, plan, pending, progress, server)


def resume(
    name: str,
    runs: Path,
    changes: Mapping[str, Any],
    progress: Progress,
    *,
    inexact: bool = False,
    trusted: bool = False,
    server: Server | None = None,
) -> RunResults:
    """Return the results of a run after its remaining trials.

    Args:
        name: path of the run folder, its name in `runs`, or its number.
        runs: folder of the run folders.
        changes: new values for fields of the request.
        progress: receiver of progress messages.
        inexact: whether to resume despite differences and mark the affected rows.
        trusted: whether the run of somebody else may run files and write elsewhere.
        server: running server that starts trial processes; it is closed on return.

    Raises:
        ReproducibilityError: the run cannot be resumed exactly, and `inexact` is False.
        ZooError: the run does not exist or is in use.
    """
    tune_allocator()
    with trial_server(wanted=False, server=server) as server:
        folder = RunFolder.find(name, runs)
        with (
            _explain_storage_errors(folder),
            folder.held(),
            closing(Store.open(folder.database, lossy=inexact)) as store,
        ):
            about = store.about()
            if inexact:
                trials = trials_despite_loss(folder, store, progress.say)
            else:
                trials = whole_trials(folder, store)
            asked = request_of(about["request"])
            request = apply_changes(asked, changes)
            if trusted:
                remember(effects_of(request))
            require_trust(effects_of(request), f"the run {folder.path}", changes)
            folder.clean([trial.spec for trial in trials if trial.finished], request.checkpoints)
            left = [trial for trial in trials if not trial.finished]
            more = growth_asked(trials, about, request.seeds)
            more = more or (None if left else growth_until_clear(trials, about))
            if not left and more is None:
                require_no_changes(folder, asked, request, len(trials))
                progress.say(f"{folder.path}: all {len(trials)} trials are finished")
                _draw_missing(folder, store, trials, request, progress)
                results = report(folder, store)
                try_write_page(results, store, progress.say)
                return results
            if left:
                progress.say(f"{folder.path}: {len(left)} of {len(trials)} trials remain")
            if more:
                left += more.trials
                progress.say(f"{folder.path}: {more.why}")
            require_trackers(request.log)
            get_engine(request.engine)
            resolved = resolve_request(request)
            plan = make_plan(resolved, progress)
            pending = remaining_trials(left, about, plan, inexact=inexact)
            require_isolated(resolved.options, [each.spec for each in pending])
            if more:
                store.grow(
                    request.rule | {"seeds": [*more.seeds]}, [each.spec for each in more.trials]
                )
            write_trials(folder, about, trials)  # the last may be stored but not yet written
            draw_grids(trials_without_grid(folder, trials), folder, plan, progress)
            _say_note(request, plan, progress)
            return _run(resolved, folder, store, plan, pending, progress, server, inexact=inexact)


def _say_note(request: Request, plan: Plan, progress: Progress) -> None:
    """Say what is special about the files for a contest, if anything; drawings are for none."""
    if request.data and (note := submission_note(plan.about["split"]["test"])):
        progress.say(note)


@contextmanager
def _explain_storage_errors(folder: RunFolder) -> Iterator[None]:
    """Add to an error how to resume; finished trials stay stored."""
    try:
        yield
    except (OSError, StorageError) as error:
        folder.require_present()
        raise StorageError(
            f"{error}: free disk space, then run `zoo bench --resume {folder.path}`"
        ) from error


def _draw_missing(
    folder: RunFolder,
    store: Store,
    trials: Sequence[StoredTrial],
    request: Request,
    progress: Progress,
) -> None:
    """Draw the pictures that an interrupted run lacks, if its images still exist."""
    missing = trials_without_grid(folder, trials)
    tested = any(trial.test is not None for trial in trials)
    if missing or (tested and not store.thumbnails.names()):
        try:
            plan = make_plan(resolve_request(request), progress)
            draw_grids(missing, folder, plan, progress)
            keep_pictures(store, plan, progress)
        except ZooError as error:
            progress.say(f"cannot draw the test images: {error}")


def _run(
    resolved: ResolvedRequest,
    folder: RunFolder,
    store: Store,
    plan: Plan,
    pending: Sequence[PendingTrial],
    progress: Progress,
    server: Server | None,
    *,
    inexact: bool = False,
) -> RunResults:
    """Run `pending`, then the trials of the next look, if the run has looks and is not clear.

    Tables are written after each trial, page and figures after the last. Tables of many trials
    take long, so they are written less often.
    """
    trials, about = {trial.number: trial for trial in store.trials()}, store.about()
    tested = about["split"]["test"]
    trackers = Trackers(resolved.request.log, folder.path, progress.say)

    def results(stopped_by: int | None = None) -> RunResults:
        known = [trial.record for trial in trials.values() if trial.record is not None]
        tests = tests_of(trials.values())
        return RunResults.from_records(
            folder.path, about, known, planned=len(trials), tests=tests, stopped_by=stopped_by
        )

    def keep(number: int, result: TrialResult) -> None:
        record, test = result.record, result.test
        trials[number] = StoredTrial(number=number, spec=record.spec, record=record, test=test)
        where = folder.trial(record.spec)
        write_trial(where, record, tested_names(about["split"], record.spec), test, tested)
        if test is not None:
            draw_grid_of(record, test, folder, plan, progress)
            keep_pictures(store, plan, progress)
        tables()
        trackers.log(where, result.record)

    tables = Throttle(lambda: write_run(results(), about))
    session = Session(resolved.options, folder, store, plan, progress, keep, server)
    specs, jobs = [trial.spec for trial in trials.values()], resolved.options.jobs or 1
    with progress.showing(specs, [t.record for t in trials.values() if t.record], jobs):
        stopped_by = session.run(pending)
    tables.finish()
    found = results(stopped_by)
    more = None if stopped_by else growth_until_clear([*trials.values()], about)
    if more is not None:
        progress.say(more.why)
        pending = remaining_trials(more.trials, about, plan, inexact=inexact)
        store.grow({"seeds": [*more.seeds]}, [trial.spec for trial in more.trials])
        return _run(resolved, folder, store, plan, pending, progress, server, inexact=inexact)
    keep_pictures(store, plan, progress, found)
    try_write_page(found, store, progress.say)
    return found
