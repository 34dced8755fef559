"""The `zoo doctor` command: is all well with what is installed here."""

from __future__ import annotations

from dataclasses import asdict

import typer

from zoo.cli_options import Json
from zoo.cli_output import print_json, print_rendered

_WRONG = 4


def doctor(as_json: Json = False) -> None:
    """Look at versions, device, room and plugins, and say what is wrong; exit code 4 if anything.

    Each library and plugin is loaded in a process of its own.
    """
    from rich.console import Console

    from zoo.doctor import machine
    from zoo.doctor_plugins import plugins
    from zoo.listing import findings_table

    found = []
    with Console(stderr=True).status("looking", spinner="line"):
        for each in (machine, plugins):
            found += list(each())
    if as_json:
        print_json([asdict(finding) for finding in found])
    else:
        print_rendered(findings_table(found))
    if any(finding.level == "wrong" for finding in found):
        raise typer.Exit(_WRONG)
