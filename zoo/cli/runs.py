"""`zoo runs` and `zoo report`: list, show and remove runs; write their pages again."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.system.display import LINE_CELLS, short
from registry.errors import RunError
from registry.exit_codes import ExitCode
from zoo.cli.options import Columns, Json, Target, complete_run
from zoo.cli.output import (
    column_names,
    is_narrow,
    print_found,
    print_json,
    print_path,
    print_rendered,
    say,
)

if TYPE_CHECKING:
    from bench.analysis.results import Results

runs_app = typer.Typer(help="List, show and remove runs.", invoke_without_command=True)

RunsDir = Annotated[Path, typer.Option(help="Folder for runs.")]
Run = Annotated[
    str,
    typer.Argument(help="A run's folder, its name, or its number.", autocompletion=complete_run),
]


@runs_app.callback()
def list_runs(
    context: typer.Context, runs_dir: RunsDir = Path("runs"), as_json: Json = False
) -> None:
    """List the runs and their progress."""
    if context.invoked_subcommand is not None:
        return
    from bench.runs.run_list import list_runs
    from zoo.cli.list_tables import runs_table

    rows = list_runs(runs_dir)
    if rows or as_json:
        print_found(rows, runs_table(rows), as_json=as_json)
    else:
        say(f"no runs in {runs_dir}: `zoo bench --models lenet alexnet` makes one")


@runs_app.command()
def show(
    run: Run,
    runs_dir: RunsDir = Path("runs"),
    target: Target = None,
    columns: Columns = None,
    as_json: Json = False,
) -> None:
    """Print the table of a run, from its records."""
    names = column_names(columns, as_json=as_json)
    from bench.report.run_files import comparison_as_json
    from bench.runs.stored_runs import read_run
    from bench.system.options import parse_share

    results = read_run(run, runs_dir, None if target is None else parse_share(target))
    if as_json:
        print_json(comparison_as_json(results))
        return
    print_table(results, names)
    say_what_is_left(results)
    print_ending(results)


@runs_app.command()
def rm(
    run: Run,
    runs_dir: RunsDir = Path("runs"),
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")] = False,
) -> None:
    """Remove a run with all its records, weights and figures."""
    from bench.runs.run_folder import RunFolder
    from bench.system.display import display

    folder = RunFolder.find(run, runs_dir)
    shown = display(str(folder.path))
    if not yes:
        if not sys.stdin.isatty():
            raise RunError(f"without a terminal, removing {shown} needs --yes")
        if not typer.confirm(f"Remove {shown} and everything in it?", err=True):
            raise typer.Exit(ExitCode.DECLINED)
    folder.remove()
    print(f"removed {shown}")


def report(
    run: Run,
    runs_dir: RunsDir = Path("runs"),
    labels: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.csv", help="Score again with the corrections in a table of `zoo labels`."
        ),
    ] = None,
    show: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
) -> None:
    """Write the page, tables and figures of a run again, from its records."""
    import webbrowser

    from bench.system.quick_imports import without_collection

    with without_collection():
        from bench.runs.stored_runs import write_report

    if labels is not None:
        _say_scored(labels, run, runs_dir)
    results = write_report(run, runs_dir)
    print_path(results.folder)
    say_what_is_left(results)
    say_page(results)
    if show and not webbrowser.open(results.page.resolve().as_uri()):
        say("no browser found: open the page yourself")


def _say_scored(table: Path, run: str, runs_dir: Path) -> None:
    """Score a run again with corrected labels; print both accuracies of each model on stderr."""
    from bench.followup.labels import labels
    from bench.system.display import percent

    found = labels(run, runs=runs_dir, corrections=table)
    for model, each in found.values["scored"].items():
        before, after = percent(each["as_labelled"]), percent(each["corrected"])
        say(f"{short(model)}: {before} as labelled, {after} with corrected labels")


def say_page(results: Results) -> None:
    """Print the path of the page on stderr, if it was written."""
    if results.page.is_file():
        say(f"Report: {results.page}")


def print_table(results: Results, names: Sequence[str] = ()) -> None:
    """Print the table in the terminal's width, or with the columns `names`.

    Without a terminal it has the columns that fit into 80 characters, and whole names.
    """
    from rich.console import Console

    from bench.report.advice import advice
    from bench.report.table import render

    frame, title, said = results.frame, results.title, (*results.sentences, advice(results))
    sentences = [line for line in said if line and not results.outcome]  # `print_ending` says those
    width, whole = Console().width, not is_narrow()
    print_rendered(render(frame, title, width, sentences, names, whole=whole), crop=False)


def print_ending(results: Results, *, as_json: bool = False) -> None:
    """Print how a run has ended that adds seeds until it is clear, or how it continues."""
    if results.outcome is None:
        return
    from bench.report.advice import advice

    lines = [short(results.outcome.sentence, LINE_CELLS)]
    if results.outcome.next_seeds:
        lines[0] += f": {results.more}"
    lines += filter(None, [advice(results)])
    print(*lines, sep="\n", file=sys.stderr if as_json else sys.stdout)


def say_what_is_left(results: Results) -> None:
    """Print on stderr how to resume an unfinished run."""
    if results.unfinished:
        say(
            f"{results.unfinished} of {results.planned} trials are left; resume with: "
            f"{results.more}"
        )
