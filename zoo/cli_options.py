"""Options that several commands share, each spelt once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from registry.catalog import Catalog

MACHINE = "Machine and speed"
SAFETY = "When something goes wrong"


def complete(incomplete: str) -> list[str]:
    """Return the names of architectures that begin so."""
    return [name for name in Catalog.installed().names() if name.startswith(incomplete)]


Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="[MODEL]...", help="More models.", autocompletion=complete),
]
Data = Annotated[
    Path | None,
    typer.Option(help="Folder of images, or an installed data set. Without it: drawings."),
]
Limit = Annotated[int | None, typer.Option(min=2, help="Use so many images at most.")]
AllowRejects = Annotated[
    bool, typer.Option("--allow-rejects", help="Take the rest where over 1 % can't be used.")
]
Isolate = Annotated[
    bool,
    typer.Option(
        "--isolate/--no-isolate",
        help="Run each trial in a process of its own.",
        rich_help_panel=SAFETY,
    ),
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.", rich_help_panel=MACHINE)]
Threads = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="CPU threads of the network; all cores, or its share of them, if not given.",
        rich_help_panel=MACHINE,
    ),
]
Jobs = Annotated[
    int | None,
    typer.Option(
        "-j",
        "--jobs",
        min=1,
        help="Trials at a time; their times are then of a shared machine.",
        rich_help_panel=MACHINE,
    ),
]
Columns = Annotated[
    str | None,
    typer.Option(
        metavar="NAMES",
        help="Show these columns: accuracy,training,parameters; or all.",
    ),
]
Target = Annotated[
    str | None,
    typer.Option(
        metavar="ACCURACY",
        help="Show the training seconds to this validation accuracy: 75%, 0.75.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout and nothing else.")]
