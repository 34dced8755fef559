"""The `zoo labels` command: are the labels of a run's test images right?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.system.display import short
from zoo.cli.followups import print_followup
from zoo.cli.options import Json
from zoo.cli.output import print_rendered, say
from zoo.cli.runs import Run, RunsDir

if TYPE_CHECKING:
    from rich.console import RenderableType

_SHOWN = 10  # labels


def labels(
    run: Run,
    runs_dir: RunsDir = Path("runs"),
    export: Annotated[
        Path | None,
        typer.Option(metavar="FILE.csv", help="Write the doubted labels to a new table to edit."),
    ] = None,
    as_json: Json = False,
) -> None:
    """List labels that are likely wrong, by the answers of networks that did not see them."""
    from bench.followup.labels import labels

    found = labels(run, runs=runs_dir, export=export)
    if not as_json:
        print_rendered(_ranking(found.values["ranking"]))
    print_followup(found, run, runs_dir, as_json=as_json)
    if export is not None:
        say(f"{export}: write right, wrong or ambiguous into the column verdict; then")
        say(f"zoo report {run} --labels {export}")


def _ranking(ranking: Sequence[Mapping[str, Any]]) -> RenderableType:
    from zoo.cli.list_tables import text_table

    head = ("image", "label", "rather", "quality")
    rows = [
        (
            short(each["image"]),
            short(each["label"]),
            short(each["rather"]),
            f"{each['quality']:.2f}",
        )
        for each in ranking[:_SHOWN]
    ]
    return text_table(head, rows, right=("quality",))
