"""The `zoo doctor` command: is all well with what is installed here."""

from __future__ import annotations

from dataclasses import asdict

import typer

from registry.exit_codes import ExitCode
from zoo.cli.options import Json
from zoo.cli.output import print_found


def doctor(as_json: Json = False) -> None:
    """Look at versions, device, room and plugins, and say what is wrong; exit code 4 if anything.

    Each library and plugin is loaded in a process of its own.
    """
    from rich.console import Console

    from zoo.cli.list_tables import findings_table
    from zoo.diagnostics.doctor import machine
    from zoo.diagnostics.plugins import plugins

    with Console(stderr=True).status("looking", spinner="line"):
        found = [*machine(), *plugins()]
    print_found([asdict(each) for each in found], findings_table(found), as_json=as_json)
    if any(finding.level == "wrong" for finding in found):
        raise typer.Exit(ExitCode.FAILED)
