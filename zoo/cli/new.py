"""The `zoo new` command: a new plugin package."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zoo.cli.output import print_path
from zoo.scaffold.new_package import distribution_name, what_next, write_package


def new(
    name: Annotated[str, typer.Argument(help="Name of the architecture: my_net.")],
    into: Annotated[
        Path | None, typer.Option(help="Folder to write; default: zoo-NAME in this folder.")
    ] = None,
) -> None:
    """Write a package for an architecture of your own, ready to install, check and train."""
    folder = into or Path(distribution_name(name))
    write_package(name, folder)
    print_path(folder)
    typer.echo(what_next(name, folder), err=True)
