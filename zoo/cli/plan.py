"""`zoo plan`, `zoo work`, `zoo gather`: a comparison through files, for batch systems."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.runs.run_options import OPTIONS
from registry.errors import RunError
from zoo.cli.bench import KEPT, require_models, show_results
from zoo.cli.options import Columns, Config, Json, Names, given_options, with_run_options
from zoo.cli.output import column_names, end_when_interrupted, say

if TYPE_CHECKING:
    from bench.runs.plan import Plan

_NOT_OF_A_PLAN = ("jobs", "engine", "address", "runs")

PlanPath = Annotated[Path, typer.Argument(metavar="PLAN", help="A plan file of `zoo plan`.")]
Folder = Annotated[
    Path | None, typer.Option(help="Folder of the trials; default: plan.work beside plan.json.")
]
DataHere = Annotated[
    list[Path] | None,
    typer.Option(metavar="FOLDER", help="A folder with the plan's images; their names may differ."),
]


@with_run_options(option for name, option in OPTIONS.items() if name not in _NOT_OF_A_PLAN)
def plan(
    context: typer.Context,
    names: Names = None,
    config: Config = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write to this file instead of stdout.")
    ] = None,
    resume: Annotated[
        str | None,
        typer.Option(
            metavar="RUN", help="Plan more seeds for a gathered run: its folder or number."
        ),
    ] = None,
    runs_dir: Annotated[Path, typer.Option(help="With --resume: folder for runs.")] = Path("runs"),
    **options: Any,
) -> None:
    """Write a comparison to one plan file; `zoo work` runs it on any machine.

    The options are those of `zoo bench`, without --jobs, --engine and
    --address; a --config may have them, but they are ignored. Nothing is trained.
    """
    asked = given_options(context, config)
    given = {name: value for name, value in asked.items() if name not in _NOT_OF_A_PLAN}
    require_models(given, "zoo plan --models lenet alexnet --out plan.json", needed=resume is None)

    from bench.runs.batch.next_plan import next_plan
    from bench.runs.batch.plan_file import plan_text
    from bench.runs.progress import Progress

    found = next_plan(resume, runs_dir, given, Progress()) if resume else _plan(given)
    text, spec = plan_text(found), found.specs[0]
    if out is None:
        sys.stdout.write(text)
    else:
        _write(out, text)
    name = out or "plan.json"
    say(
        f"{len(found.specs)} trials, each on {spec.device} with {spec.threads} threads: "
        f"`zoo work {name} --array-task 0/4` runs a quarter, `zoo gather {name}` makes the table"
    )


def _plan(given: dict[str, Any]) -> Plan:
    """Return the plan of a new comparison."""
    from bench.report.trackers import require_trackers
    from bench.runs.next_look import prior_look, require_several
    from bench.runs.plan import make_plan
    from bench.runs.progress import Progress
    from bench.runs.request import Request
    from bench.runs.resolve import resolve_request
    from bench.runs.trust import effects_of, remember

    resolved = resolve_request(Request(**given))
    require_trackers(resolved.request.log)
    remember(effects_of(resolved.request))
    found = make_plan(resolved, Progress(), elsewhere=True)
    if resolved.request.until_clear:
        require_several(tuple(dict.fromkeys(spec.model for spec in found.specs)))
        say(prior_look(found.about))
    return found


def _write(path: Path, text: str) -> None:
    from bench.system.atomic_files import write_text

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, text, shared=True)
    except OSError as error:
        raise RunError(f"cannot write {path}: {error.strerror or error}") from error


def work(
    plan: PlanPath,
    array_task: Annotated[
        str | None,
        typer.Option(
            metavar="I/N",
            help="Run share I of N, from 0: 0/4 to 3/4 (--array=0-3). Default: all trials.",
        ),
    ] = None,
    array_from: Annotated[
        int, typer.Option(min=0, max=1, help="1 if ids start at 1: 1/4 to 4/4 (--array=1-4).")
    ] = 0,
    data: DataHere = None,
    folder: Folder = None,
    inexact: Annotated[
        bool,
        typer.Option("--inexact", help="Resume despite differences; flag affected rows."),
    ] = False,
    trust: Annotated[
        bool, typer.Option("--trust", help="Let a plan of others run files and write elsewhere.")
    ] = False,
) -> None:
    """Run the trials of a plan, or a share of them; finished trials are skipped.

    Any number of these commands may run at a time, on all machines that share the folder. Repeat
    an interrupted one to resume from its last checkpoint.
    """
    share = None if array_task is None else _share(array_task, array_from)

    from bench.system.cpu import wait_asleep

    wait_asleep()
    from bench.runs.batch.plan_file import read_plan
    from bench.runs.batch.work import share_of_trials
    from bench.runs.batch.work import work as do
    from bench.runs.batch.work_folder import WorkFolder
    from bench.runs.progress import Progress

    found = read_plan(plan)
    trials = len(found.specs)
    wanted = range(trials) if share is None else share_of_trials(trials, *share)
    place = WorkFolder(found, folder or found.folder)
    with end_when_interrupted(KEPT):
        worked = do(
            found, place, wanted, Progress(), data=data or (), inexact=inexact, trusted=trust
        )
    if worked.stopped_by is not None:
        say("zoo: stopped; repeat the command to resume")
    raise typer.Exit(worked.exit_code)


def gather(
    plan: PlanPath,
    runs_dir: Annotated[Path, typer.Option(help="Folder for runs.")] = Path("runs"),
    data: DataHere = None,
    folder: Folder = None,
    columns: Columns = None,
    as_json: Json = False,
) -> None:
    """Make a run folder from the finished trials, and print the table of `zoo bench`.

    Missing trials are listed, with exit code 4. Gather again to complete the run.
    """
    shown = column_names(columns, as_json=as_json)

    from bench.runs.batch.gather import gather as gathered_of
    from bench.runs.batch.plan_file import read_plan
    from bench.runs.batch.work_folder import WorkFolder
    from bench.runs.progress import Progress

    found = read_plan(plan)
    place = WorkFolder(found, folder or found.folder)
    gathered = gathered_of(found, place, runs_dir, Progress(), data=data or ())
    if gathered.results is not None:
        show_results(gathered.results, shown, as_json=as_json)
    raise typer.Exit(gathered.exit_code)


def _share(text: str, first: int) -> tuple[int, int]:
    """Return the number of a share, from 0, and the number of shares, from `--array-task`."""
    given = re.fullmatch(r"(\d{1,9})/(\d{1,9})", text)
    if given is None or not int(given[2]):
        wanted = "a share such as $SLURM_ARRAY_TASK_ID/4"
        raise RunError(f"--array-task takes {wanted}, not {text!r}: is the id empty?")
    number, shares = int(given[1]), int(given[2])
    last = shares - 1 + first
    other = "" if first else f", or give --array-from 1 with --array=1-{shares}"
    ids = (
        f"ids start at {first}: {first}/{shares} to {last}/{shares}; "
        f"use `#SBATCH --array={first}-{last}`{other}"
    )
    if not first <= number < shares + first:
        raise RunError(f"--array-task {text}: {ids}")
    # if Slurm counts this array from 1, all tasks must stop, not only the last
    slurm = {name: os.environ.get(f"SLURM_ARRAY_TASK_{name}") for name in ("ID", "MIN", "MAX")}
    if first == 0 and slurm == {"ID": str(number), "MIN": "1", "MAX": str(shares)}:
        raise RunError(f"--array-task {text} of an array 1-{shares}: {ids}")
    return number - first, shares
