"""The `zoo runs` commands and `zoo report`: look at runs, remove them, write their tables anew."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from registry.errors import RunError

if TYPE_CHECKING:
    from bench.results import Results

runs_app = typer.Typer(help="List runs, show one, remove one.", invoke_without_command=True)

RunsDir = Annotated[Path, typer.Option(help="Where run folders are.")]
Run = Annotated[str, typer.Argument(help="A run's folder, its name, or its number.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout and nothing else.")]


@runs_app.callback()
def list_runs(
    context: typer.Context, runs_dir: RunsDir = Path("runs"), as_json: Json = False
) -> None:
    """List the runs, and how far each has come."""
    if context.invoked_subcommand is not None:
        return
    from rich.console import Console

    from bench.runs import list_runs
    from zoo.listing import runs_table

    rows = list_runs(runs_dir)
    if as_json:
        print(json.dumps(rows, indent=2))
    elif not rows:
        print(f"no runs in {runs_dir}: `zoo bench --models lenet alexnet` makes one")
    else:
        Console().print(runs_table(rows))


@runs_app.command()
def show(run: Run, runs_dir: RunsDir = Path("runs"), as_json: Json = False) -> None:
    """Print the table of a run, made from its records."""
    from bench.runs import read_run

    results = read_run(run, runs_dir)
    if as_json:
        from bench.report.export import comparison_as_json

        print(json.dumps(comparison_as_json(results), indent=2, allow_nan=False))
        return
    from rich.console import Console

    from bench.report.table import render

    console = Console()
    console.print(render(results.frame, results.title, console.width))
    _say_what_is_left(results)


@runs_app.command()
def rm(
    run: Run,
    runs_dir: RunsDir = Path("runs"),
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Remove a run with all its records, weights and figures."""
    from bench.report.display import display
    from bench.run_folder import RunFolder

    folder = RunFolder.find(run, runs_dir)
    shown = display(str(folder.path))
    if not yes:
        if not sys.stdin.isatty():
            raise RunError(f"--yes is needed to remove {shown} where nobody can be asked")
        if not typer.confirm(f"Remove {shown} and all that is in it?", err=True):
            raise typer.Exit(1)
    folder.remove()
    print(f"removed {shown}")


def report(run: Run, runs_dir: RunsDir = Path("runs")) -> None:
    """Write the tables and figures of a run anew, from its records."""
    from bench.report.display import display
    from bench.runs import write_report

    results = write_report(run, runs_dir)
    print(display(str(results.folder)))
    _say_what_is_left(results)


def _say_what_is_left(results: Results) -> None:
    if results.unfinished:
        print(
            f"{results.unfinished} of {results.planned} trials are left to be done; go on with: "
            f"zoo bench --resume {results.folder}",
            file=sys.stderr,
        )
