"""The `zoo doctor` command: whether this installation works."""

from __future__ import annotations

from dataclasses import asdict

import typer

from registry.exit_codes import ExitCode
from zoo.cli.options import Json
from zoo.cli.output import print_found


def doctor(as_json: Json = False) -> None:
    """Check versions, device, disk space and plugins; exit code 4 if anything is wrong.

    Each library and plugin is loaded in its own process.
    """
    from rich.console import Console

    from zoo.cli.list_tables import findings_table
    from zoo.diagnostics.doctor import machine
    from zoo.diagnostics.installation import installation
    from zoo.diagnostics.plugins import plugins

    with Console(stderr=True).status("checking", spinner="line"):
        found = [*machine(), *installation(), *plugins()]
    print_found([asdict(each) for each in found], findings_table(found), as_json=as_json)
    if any(finding.level == "wrong" for finding in found):
        raise typer.Exit(ExitCode.FAILED)
