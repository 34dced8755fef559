"""The `zoo bench` command: train, test, compare; and go on where a run was interrupted."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from registry.catalog import Catalog
from registry.errors import RunError
from zoo.cli.options import (
    MACHINE,
    SAFETY,
    AllowRejects,
    Columns,
    Data,
    Device,
    Isolate,
    Jobs,
    Json,
    Limit,
    Names,
    Target,
    Threads,
    complete,
    refuse_torchrun,
)
from zoo.cli.output import (
    column_names,
    print_json,
    print_rendered,
    say,
    seed_numbers,
    split_commas,
)
from zoo.cli.runs import print_table, say_page, say_what_is_left

if TYPE_CHECKING:
    from bench.engines.spawn import TrialServer
    from bench.runs.run_results import RunResults

_TRAINING = "Training"
_NOTHING = "interrupted before anything was measured"
_NOT_OF_THE_REQUEST = (
    "resume",
    "inexact",
    "as_json",
    "names",
    "runs_dir",
    "columns",
    "out",
)


def bench(
    context: typer.Context,
    names: Names = None,
    models: Annotated[
        list[str] | None,
        typer.Option(
            "--models",
            "-m",
            help="Models to compare: `--models lenet alexnet`, `-m lenet -m 'vgg*'`, `-m a,b`.",
            autocompletion=complete,
        ),
    ] = None,
    data: Data = None,
    test_data: Annotated[
        Path | None,
        typer.Option(help="Test on the images of this folder that are not in --data."),
    ] = None,
    split: Annotated[
        str,
        typer.Option(help="stratified (70/15/15), textbook, or kfold:5 (each image tested once)."),
    ] = "stratified",
    within: Annotated[
        str | None,
        typer.Option(
            metavar="SPLIT",
            help="Split only the training part of this: stratified, textbook. The rest is unseen.",
        ),
    ] = None,
    limit: Limit = None,
    allow_rejects: AllowRejects = False,
    recipe: Annotated[
        str | None,
        typer.Option(
            help="default, textbook, demo, finetune (for --pretrained), or a file: ./recipe.toml.",
            rich_help_panel=_TRAINING,
        ),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Instead of the recipe's.", rich_help_panel=_TRAINING)
    ] = None,
    budget: Annotated[
        str | None,
        typer.Option(
            help="Train each model for 60s, 5m or 1h, instead of epochs.",
            rich_help_panel=_TRAINING,
        ),
    ] = None,
    patience: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="End after so many epochs without a better validation accuracy; test the best.",
            rich_help_panel=_TRAINING,
        ),
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(min=1, help="Instead of the recipe's.", rich_help_panel=_TRAINING)
    ] = None,
    learning_rate: Annotated[
        float | None,
        typer.Option(
            help="Instead of the recipe's; filters trained by Muon have a rate of their own.",
            rich_help_panel=_TRAINING,
        ),
    ] = None,
    seeds: Annotated[
        str, typer.Option(help="How many (3), or which (0,7).", rich_help_panel=_TRAINING)
    ] = "1",
    aa: Annotated[
        bool,
        typer.Option(
            "--aa",
            help="Compare one model with itself, under other seeds: the noise.",
            rich_help_panel=_TRAINING,
        ),
    ] = False,
    pretrained: Annotated[
        bool,
        typer.Option(
            "--pretrained",
            help="Begin with a family's trained weights; fetches what is not here.",
            rich_help_panel=_TRAINING,
        ),
    ] = False,
    frozen: Annotated[
        bool,
        typer.Option(
            "--freeze-backbone",
            help="With --pretrained: train the head alone.",
            rich_help_panel=_TRAINING,
        ),
    ] = False,
    fidelity: Annotated[
        str,
        typer.Option(
            help="Resize training images: exact, or fast (2 of 255 away).",
            rich_help_panel=_TRAINING,
        ),
    ] = "exact",
    resume: Annotated[
        str | None,
        typer.Option(
            metavar="RUN", help="Go on with a run: its folder or number.", rich_help_panel=SAFETY
        ),
    ] = None,
    inexact: Annotated[
        bool,
        typer.Option(
            "--inexact",
            help="Go on though versions, threads or images differ; mark the rows.",
            rich_help_panel=SAFETY,
        ),
    ] = False,
    timeout: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", help="End a trial after so long.", rich_help_panel=SAFETY),
    ] = None,
    checkpoint_every: Annotated[
        str,
        typer.Option(
            help="Save a trial every 60s, 5m, 200 (steps), or never.", rich_help_panel=SAFETY
        ),
    ] = "60s",
    checkpoints: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Keep checkpoints there, too, so that a trial can go on elsewhere: a folder that "
            "all machines see, or s3://… and whatever else fsspec knows.",
            rich_help_panel=SAFETY,
        ),
    ] = None,
    on_oom: Annotated[
        str,
        typer.Option(
            help="Out of memory: fail, or halve the batch and mark the row.",
            rich_help_panel=SAFETY,
        ),
    ] = "fail",
    isolate: Isolate = True,
    device: Device = "auto",
    precision: Annotated[
        str,
        typer.Option(
            help="float32; on a GPU also bfloat16 or float16; float64, for proofs.",
            rich_help_panel=MACHINE,
        ),
    ] = "float32",
    threads: Threads = None,
    jobs: Jobs = None,
    engine: Annotated[
        str,
        typer.Option(
            help="Where trials run: local, ray (a cluster); `zoo list --engines`.",
            rich_help_panel=MACHINE,
        ),
    ] = "local",
    address: Annotated[
        str | None,
        typer.Option(
            help="With --engine ray: a cluster that is there; else one is begun here.",
            rich_help_panel=MACHINE,
        ),
    ] = None,
    workers: Annotated[
        int,
        typer.Option(
            min=0, help="Threads that make batches ahead; 0: none.", rich_help_panel=MACHINE
        ),
    ] = 2,
    layout: Annotated[
        str,
        typer.Option(
            help="Memory order: channels_last, contiguous, auto (the faster).",
            rich_help_panel=MACHINE,
        ),
    ] = "auto",
    compiled: Annotated[
        bool,
        typer.Option(
            "--compile",
            help="Use torch.compile; its time is counted apart.",
            rich_help_panel=MACHINE,
        ),
    ] = False,
    cache: Annotated[
        bool,
        typer.Option(
            "--cache/--no-cache",
            help="Decode each image once, for all runs.",
            rich_help_panel=MACHINE,
        ),
    ] = True,
    profile: Annotated[
        bool,
        typer.Option(
            "--profile",
            help="Show where the time went, and the ceiling.",
            rich_help_panel=MACHINE,
        ),
    ] = False,
    runs_dir: Annotated[Path, typer.Option(help="Where run folders go.")] = Path("runs"),
    log: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAMES", help="Tell tensorboard, mlflow (or both) of the trials, too."
        ),
    ] = None,
    weights: Annotated[
        bool, typer.Option("--weights/--no-weights", help="Keep the trained weights.")
    ] = True,
    target: Target = None,
    columns: Columns = None,
    as_json: Json = False,
) -> None:
    """Train and test models on the same images in the same order, and print one table.

    On a terminal it fills in while they train; as wide as the terminal is, the columns that matter
    first. `--columns all`, or the run's comparison.csv, has all of them.
    """
    refuse_torchrun()
    given = given_options(context)
    shown = column_names(columns, as_json=as_json)
    wanted = given.get("models", ())
    if resume is None and not wanted:
        raise RunError(
            "which models? For example `zoo bench --models lenet alexnet`; see `zoo list`"
        )
    if inexact and resume is None:
        raise RunError("--inexact says how to go on with a run: give --resume RUN, too")
    # a typing error is told before torch is imported; a family's patterns would import it here
    Catalog.installed().resolve([name for name in wanted if ":" not in name])

    from bench.engines.registry import get_engine
    from bench.engines.spawn import TrialServer, can_spawn
    from bench.system.cpu import wait_asleep

    get_engine(engine)

    wait_asleep()
    own = isolate and can_spawn() and engine == "local"
    server = TrialServer() if own else None
    try:
        if resume is None:
            results = _start_or_resume({**given, "runs": runs_dir}, server)
        else:
            results = _resume_run(resume, runs_dir, given, server, inexact=inexact)
    except KeyboardInterrupt as error:
        begun = bool(error.args)  # then the trials' own handler has raised it
        what = "stopped at once; what was finished is kept" if begun else _NOTHING
        say(f"zoo: {what}")
        raise typer.Exit(128 + (error.args[0] if begun else signal.SIGINT)) from None
    show_results(results, shown, as_json=as_json)
    say_what_is_left(results)
    raise typer.Exit(results.exit_code)


def _start_or_resume(fields: dict[str, Any], server: TrialServer | None) -> RunResults:
    """Return the results of a new run, or of an unfinished one that is just like it."""
    from bench.runs.execute import execute, resume
    from bench.runs.progress import Progress
    from bench.runs.request import Request, as_plain
    from bench.runs.resolve import resolve_request
    from bench.runs.stored_runs import unfinished_like

    resolved = resolve_request(Request(**fields))
    request = resolved.request
    before = unfinished_like(as_plain(request), request.runs)
    if before is not None and _ask_to_resume(str(before.path)):
        path = str(before.path)
        return resume(path, request.runs, {}, Progress(), server=server)
    return execute(resolved, Progress(), server)


def _ask_to_resume(path: str) -> bool:
    """Say that such a run is unfinished; on a terminal, ask whether to go on with it."""
    if _is_terminal():
        return typer.confirm(f"{path} is the same and unfinished. Go on with it?", True, err=True)
    say(
        f"zoo: {path} is the same and unfinished (`zoo bench --resume {path}` goes on with it); "
        "beginning a new run"
    )
    return False


def _is_terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _resume_run(
    name: str,
    runs: Path,
    changes: dict[str, Any],
    server: TrialServer | None,
    *,
    inexact: bool,
) -> RunResults:
    from bench.runs.execute import resume
    from bench.runs.progress import Progress

    return resume(name, runs, changes, Progress(), inexact=inexact, server=server)


def show_results(results: RunResults, columns: list[str], *, as_json: bool) -> None:
    """Print the table on stdout, or JSON, and say on stderr where the rest is."""
    from bench.report.profile import render_profile
    from bench.report.run_files import comparison_as_json

    if as_json:
        print_json(comparison_as_json(results))
    else:
        print_table(results, columns)
        if len(results.profile):
            print_rendered(render_profile(results.profile))
    say(f"Results, figures and weights: {results.folder}")
    say_page(results)


def given_options(context: typer.Context) -> dict[str, Any]:
    """Return the fields of a request that were given on the command line."""
    sources = {name: context.get_parameter_source(name) for name in context.params}
    given = {
        name: context.params[name]
        for name, source in sources.items()
        if source is not None and source.name == "COMMANDLINE" and name not in _NOT_OF_THE_REQUEST
    }
    named = [*(context.params["models"] or ()), *(context.params["names"] or ())]
    given |= {"models": tuple(split_commas(named))} if named else {}
    given |= {"seeds": seed_numbers(given["seeds"])} if "seeds" in given else {}
    given |= {"log": tuple(dict.fromkeys(split_commas(given["log"])))} if given.get("log") else {}
    return given
