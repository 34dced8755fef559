"""The `zoo bench` command: train, test and compare; resume an interrupted run."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.runs.run_options import OPTIONS, SAFETY, require_named_once
from registry.catalog import Catalog
from registry.errors import RunError
from zoo.cli.options import (
    Columns,
    Config,
    Json,
    Names,
    given_options,
    refuse_torchrun,
    with_run_options,
)
from zoo.cli.output import (
    column_names,
    end_when_interrupted,
    print_found,
    print_json,
    print_rendered,
    say,
    say_meanwhile,
)
from zoo.cli.runs import print_ending, print_table, say_page, say_what_is_left

if TYPE_CHECKING:
    from bench.engines.spawn import Server
    from bench.runs.run_results import RunResults

KEPT = "stopped; finished trials are kept"


@with_run_options(OPTIONS.values())
def bench(
    context: typer.Context,
    names: Names = None,
    config: Config = None,
    resume: Annotated[
        str | None,
        typer.Option(
            metavar="RUN",
            help="Resume a run, or add --seeds to it: its folder or number.",
            rich_help_panel=SAFETY,
        ),
    ] = None,
    inexact: Annotated[
        bool,
        typer.Option(
            "--inexact",
            help="Resume despite differences; flag affected rows.",
            rich_help_panel=SAFETY,
            hidden=True,
        ),
    ] = False,
    trust: Annotated[
        bool,
        typer.Option(
            "--trust",
            help="Let a resumed run of others run files and write elsewhere.",
            rich_help_panel=SAFETY,
            hidden=True,
        ),
    ] = False,
    against: Annotated[
        str | None,
        typer.Option(
            metavar="RUN",
            help="Train a run again, and with these options, seed by seed in turn; compare.",
            rich_help_panel=SAFETY,
            hidden=True,
        ),
    ] = None,
    old_python: Annotated[
        str | None,
        typer.Option(
            metavar="PYTHON",
            help="With --against: interpreter that trains the run again, of an earlier version.",
            rich_help_panel=SAFETY,
            hidden=True,
        ),
    ] = None,
    old_folder: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="With --against: folder in which the run is trained again.",
            rich_help_panel=SAFETY,
            hidden=True,
        ),
    ] = None,
    columns: Columns = None,
    as_json: Json = False,
    **options: Any,
) -> None:
    """Train and test models on the same images in the same order, and print one table.

    On a terminal, the table grows during training.
    `--columns all` shows all columns; so does comparison.csv in the run folder.
    """
    refuse_torchrun()
    given = given_options(context, config)
    shown = column_names(columns, as_json=as_json)
    for flag, given_flag in (("--inexact", inexact), ("--trust", trust)):
        if given_flag and resume is None:
            raise RunError(f"{flag} is only for resuming: add --resume RUN")
    if against is not None:
        _train_against(against, given, old_python, old_folder, as_json=as_json)
        return
    require_models(given, "zoo bench --models lenet alexnet", needed=resume is None)

    run_and_show(given, resume, columns=shown, as_json=as_json, inexact=inexact, trust=trust)


def run_and_show(
    given: dict[str, Any],
    resume: str | None = None,
    *,
    columns: list[str],
    as_json: bool,
    inexact: bool = False,
    trust: bool = False,
) -> None:
    """Run or resume what is `given`, print the results, and exit with their code."""
    from bench.engines.registry import LOCAL, get_engine
    from bench.engines.spawn import start_server
    from bench.system.cpu import wait_asleep

    engine = given.get("engine", LOCAL.name)
    get_engine(engine)
    wait_asleep()
    own = given.get("isolate", True) and engine == LOCAL.name
    server = start_server() if own else None
    with end_when_interrupted(KEPT, "interrupted before anything was measured"):
        results = _start_or_resume(given, server, resume, inexact=inexact, trust=trust)
    show_results(results, columns, as_json=as_json)
    say_what_is_left(results)
    raise typer.Exit(results.exit_code)


def _train_against(
    name: str, given: dict[str, Any], python: str | None, folder: Path | None, *, as_json: bool
) -> None:
    """Train the run `name` again in turn with one of the options `given`, and compare both."""
    from bench.report.changes import comparison_as_json, render
    from bench.runs.compare import compare
    from bench.runs.in_turn import train_against

    runs = given.get("runs", OPTIONS["runs"].default)
    with end_when_interrupted(KEPT, "interrupted before anything was measured"):
        old, new = train_against(name, runs, given, python=python or sys.executable, folder=folder)
    found = compare(old, new, runs=runs, across_recipes=True)
    print_found(comparison_as_json(found), partial(render, found), as_json=as_json)


def require_models(given: dict[str, Any], example: str, *, needed: bool = True) -> None:
    """Raise RegistryError for an unknown model, RunError for none or one twice; needs no torch."""
    wanted = given.get("models", ())
    if needed and not wanted:
        raise RunError(f"which models? For example `{example}`; see `zoo list`")
    names = [name for name in wanted if isinstance(name, str)]
    require_named_once(names)
    # patterns of a family would import torch here
    Catalog.installed().resolve([name for name in names if ":" not in name])


def _start_or_resume(
    given: dict[str, Any],
    server: Server | None,
    name: str | None,
    *,
    inexact: bool,
    trust: bool,
) -> RunResults:
    """Return the results of the run `name`, of an identical unfinished run, or of a new run."""
    from bench.system.quick_imports import without_collection

    with say_meanwhile("loading torch ..."), without_collection():
        from bench.runs.execute import execute, resume
        from bench.runs.progress import Progress
        from bench.runs.request import Request, as_plain
        from bench.runs.resolve import resolve_request
        from bench.runs.stored_runs import unfinished_like

    if name is not None:
        runs = given.pop("runs", OPTIONS["runs"].default)
        return resume(name, runs, given, Progress(), inexact=inexact, trusted=trust, server=server)
    resolved = resolve_request(Request(**given))
    request = resolved.request
    before = unfinished_like(as_plain(request), request.runs)
    if before is not None and _ask_to_resume(str(before.path)):
        return resume(str(before.path), request.runs, {}, Progress(), trusted=True, server=server)
    return execute(resolved, Progress(), server)


def _ask_to_resume(path: str) -> bool:
    """Report an identical unfinished run; on a terminal, ask whether to resume it."""
    if _is_terminal():
        return typer.confirm(f"{path} is the same run, unfinished. Resume it?", True, err=True)
    say(
        f"zoo: {path} is the same run, unfinished (`zoo bench --resume {path}` resumes it); "
        "starting a new run"
    )
    return False


def _is_terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def show_results(results: RunResults, columns: list[str], *, as_json: bool) -> None:
    """Print the table or JSON on stdout, and the paths of other results on stderr."""
    from bench.report.run_files import comparison_as_json
    from bench.report.table import render_profile

    if as_json:
        print_json(comparison_as_json(results))
    else:
        print_table(results, columns)
        if len(results.profile):
            print_rendered(render_profile(results.profile))
    kept = (
        "Results, figures and weights"
        if any(results.folder.rglob("weights.safetensors"))
        else "Results and figures"
    )
    say(f"{kept}: {results.folder}")
    say_page(results)
    print_ending(results, as_json=as_json)
