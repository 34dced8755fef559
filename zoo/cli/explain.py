"""The `zoo explain` command: where the networks of a finished run looked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zoo.cli.followups import Trust, print_followup
from zoo.cli.options import Json
from zoo.cli.runs import Run, RunsDir


def explain(
    run: Run,
    photos: Annotated[
        list[Path] | None,
        typer.Argument(help="Your own photographs to explain, too, or folders of them."),
    ] = None,
    runs_dir: RunsDir = Path("runs"),
    trust: Trust = False,
    as_json: Json = False,
) -> None:
    """Show where the networks of a run looked, as heat maps that are checked."""
    from bench.followup.explain import explain

    found = explain(run, photos or (), runs=runs_dir, trust=trust)
    print_followup(found, run, runs_dir, as_json=as_json)
