"""The `zoo check` command: check what every architecture must do."""

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
    everything: Annotated[
        bool, typer.Option("--all", help="Check all installed architectures.")
    ] = False,
    family: Annotated[
        str | None, typer.Option(help="Check networks of a library: timm, torchvision.")
    ] = None,
    match: Annotated[str, typer.Option(help="With --family: only names like 'resnet*'.")] = "*",
    only: Annotated[
        list[str] | None,
        typer.Option(
            help=f"Run only this check (may be repeated): {', '.join(c.name for c in CHECKS)}.",
            metavar="CHECK",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Check that a network behaves: shapes, gradients, side effects, learning.

    A deviation that the architecture declares is not a failure. Exit code 4: a promise is broken.
    """
    from zoo.cli.check_tables import Checked, as_rows, render

    checks = tuple(name for text in only or () for name in text.split(",") if name)
    select_checks(checks)  # report a typing error before torch is imported
    if match != "*" and family is None:
        raise RunError("--match selects networks of a family: add --family timm")
    if family is not None and (names or everything):
        raise RunError("give names, or --all, or --family, not several")
    if family is None and everything == bool(names):
        raise RunError(
            "which architectures? Give names or --all, for example "
            "`zoo check lenet` or `zoo check 'vgg*'`; see `zoo list`"
        )
    catalog = Catalog.installed()
    if family is None:
        entries = catalog.entries(names or ())
    else:
        entries = tuple(map(catalog.looked_into, catalog.members(family, match)))
    unloaded = [Checked(name=e.name, broken=e.broken) for e in entries if e.broken]
    sound = ((e.name, e.found) for e in entries if e.found is not None)
    results = [*check_each(sound, checks), *unloaded]
    print_found(as_rows(results), partial(render, results), as_json=as_json)
    if any(result.failed for result in results):
        raise typer.Exit(ExitCode.FAILED)


def check_each(
    architectures: Iterable[tuple[str, Architecture]], only: Sequence[str] = ()
) -> list[Checked]:
    """Return the findings of each architecture; show progress on stderr."""
    from rich.console import Console
    from rich.text import Text

    from zoo.cli.check_tables import Checked, tally

    results: list[Checked] = []
    console = Console(stderr=True)
    with console.status("", spinner="line") as status:  # shows nothing if stderr is no terminal

        def show(name: str, check: Check) -> None:
            status.update(Text(f"{name}: {check.name}"))

        for name, architecture in architectures:
            findings = run_checks(architecture, only, partial(show, name))
            results.append(Checked(name=name, findings=findings))
            if not sys.stderr.isatty():
                say(f"{name}: {tally(results[-1:])}")
    return results
