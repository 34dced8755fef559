"""The `zoo compare` command: what changed between two runs."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from bench.system.options import split_commas
from registry.errors import RunError
from zoo.cli.options import Json, complete_run
from zoo.cli.output import print_found
from zoo.cli.runs import RunsDir


def compare(
    base: Annotated[
        str,
        typer.Argument(
            help="The earlier run: folder, name or number.", autocompletion=complete_run
        ),
    ],
    new: Annotated[str, typer.Argument(help="The later run.", autocompletion=complete_run)],
    fail_on: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KINDS",
            help="Exit with 3 if NEW is worse in any of accuracy,time,parameters; "
            "with 5 if that is not known.",
        ),
    ] = None,
    tolerance: Annotated[
        float, typer.Option(metavar="POINTS", min=0, help="Loss of accuracy to tolerate.")
    ] = 0.0,
    across_recipes: Annotated[
        bool, typer.Option("--across-recipes", help="Also compare runs of different recipes.")
    ] = False,
    runs_dir: RunsDir = Path("runs"),
    as_json: Json = False,
) -> None:
    """Show what changed between two runs on the same images: accuracy, time, size."""
    kinds = split_commas(fail_on or ())
    if fail_on and not kinds:
        raise RunError("--fail-on takes one or more of accuracy, time, parameters")

    from bench.report.changes import comparison_as_json, render
    from bench.runs.compare import compare

    found = compare(
        base, new, runs=runs_dir, tolerance=tolerance / 100, across_recipes=across_recipes
    )
    code = found.exit_code(kinds)
    print_found(comparison_as_json(found, kinds), partial(render, found), as_json=as_json)
    raise typer.Exit(code)
