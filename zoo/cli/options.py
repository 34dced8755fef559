"""Options that several commands share, each spelt once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from registry.catalog import Catalog
from registry.errors import RunError

MACHINE = "Machine and speed"
_OF_TORCHRUN = {"RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT"}
SAFETY = "When something goes wrong"


def complete(incomplete: str) -> list[str]:
    """Return the names of architectures that begin so."""
    return [name for name in Catalog.installed().names() if name.startswith(incomplete)]


def refuse_torchrun() -> None:
    """Do nothing unless torchrun has begun this command several times.

    Raises:
        RunError: it has; each would be a whole run.
    """
    if os.environ.get("WORLD_SIZE", "1") != "1" and os.environ.keys() >= _OF_TORCHRUN:
        raise RunError(
            f"torchrun has begun this command {os.environ['WORLD_SIZE']} times, each a whole run: "
            "leave torchrun out; --jobs 2 or --engine ray run several trials at a time"
        )


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
