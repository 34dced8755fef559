"""The `zoo check` command: hold architectures to what any architecture must keep."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from registry.architecture import Architecture
from registry.catalog import Catalog
from registry.checks import CHECKS, Check, run_checks, select_checks
from registry.errors import RunError
from registry.exit_codes import ExitCode
from zoo.cli.options import Json, complete
from zoo.cli.output import print_found, say

if TYPE_CHECKING:
    from zoo.cli.check_tables import Checked


def check(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME]...",
            help="Names or patterns: 'vgg*', '!vgg19'.",
            autocompletion=complete,
        ),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Check all that is installed.")] = False,
    family: Annotated[
        str | None, typer.Option(help="Check networks of a library: timm, torchvision.")
    ] = None,
    match: Annotated[
        str, typer.Option(help="With --family: those of such names, 'resnet*'.")
    ] = "*",
    only: Annotated[
        list[str] | None,
        typer.Option(
            help=f"Run this check alone (may be repeated): {', '.join(c.name for c in CHECKS)}.",
            metavar="CHECK",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Check that a network behaves: shapes, gradients, side effects, learning.

    A promise that is broken on purpose, as the architecture itself says, is no failure. Exit code
    4: a promise is broken.
    """
    from zoo.cli.check_tables import Checked, as_rows, render

    checks = tuple(name for text in only or () for name in text.split(",") if name)
    select_checks(checks)  # a typing error is told before torch is imported
    if match != "*" and family is None:
        raise RunError("--match chooses among a family's networks: give --family timm, too")
    if family is not None and (names or everything):
        raise RunError("either names, or --all, or --family")
    if family is None and everything == bool(names):
        raise RunError(
            "which architectures? Names, or --all and no names; for example "
            "`zoo check lenet`, `zoo check 'vgg*'`; see `zoo list`"
        )
    catalog = Catalog.installed()
    if family is None:
        entries = catalog.entries(names or ())
    else:
        entries = tuple(map(catalog.looked_into, catalog.members(family, match)))
    told = [Checked(name=e.name, broken=e.broken) for e in entries if e.broken]
    sound = ((e.name, e.found) for e in entries if e.found is not None)
    results = [*check_each(sound, checks), *told]
    print_found(as_rows(results), partial(render, results), as_json=as_json)
    if any(result.failed for result in results):
        raise typer.Exit(ExitCode.FAILED)


def check_each(
    architectures: Iterable[tuple[str, Architecture]], only: Sequence[str] = ()
) -> list[Checked]:
    """Return what the checks find of each architecture, telling on stderr how far they are."""
    from rich.console import Console
    from rich.text import Text

    from zoo.cli.check_tables import Checked, tally

    results: list[Checked] = []
    console = Console(stderr=True)
    with console.status("", spinner="line") as status:  # nothing where stderr is no terminal

        def show(name: str, check: Check) -> None:
            status.update(Text(f"{name}: {check.name}"))

        for name, architecture in architectures:
            findings = run_checks(architecture, only, partial(show, name))
            results.append(Checked(name=name, findings=findings))
            if not sys.stderr.isatty():
                say(f"{name}: {tally(results[-1:])}")
    return results
