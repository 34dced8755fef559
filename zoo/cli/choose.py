"""The `zoo choose` command: which to ship."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zoo.cli.followups import Trust, print_followup
from zoo.cli.options import Json
from zoo.cli.runs import Run, RunsDir


def choose(
    run: Run,
    min_accuracy: Annotated[
        str | None, typer.Option(metavar="SHARE", help="Least test accuracy: 90%.")
    ] = None,
    max_latency: Annotated[
        str | None, typer.Option(metavar="TIME", help="Longest time for one image: 20ms.")
    ] = None,
    max_size: Annotated[
        str | None, typer.Option(metavar="SIZE", help="Largest file: 20MB.")
    ] = None,
    runs_dir: RunsDir = Path("runs"),
    trust: Trust = False,
    as_json: Json = False,
) -> None:
    """Choose the model to ship: which ones meet limits on accuracy, latency and size."""
    from bench.followup.choose import choose

    found = choose(
        run,
        min_accuracy=min_accuracy,
        max_latency=max_latency,
        max_size=max_size,
        runs=runs_dir,
        trust=trust,
    )
    print_followup(found, run, runs_dir, as_json=as_json)
