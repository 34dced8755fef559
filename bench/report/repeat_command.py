"""The command that started a run: as typed, or in words that may be published."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from itertools import pairwise
from pathlib import PurePath, PurePosixPath, PureWindowsPath

from bench.system.credentials import hide_credentials


def repeat_command(command: Sequence[str]) -> str:
    """Return the command line; empty for a notebook, whose command is of no use."""
    if not command or PurePath(command[0]).name not in ("zoo", "zoo.exe", "__main__.py"):
        return ""
    return shlex.join(["zoo", *map(_without_folders, command[1:])])


def run_path(command: Sequence[str], name: str) -> str:
    """Return the path of the run folder `name` from where the command was given.

    Of a folder for runs that is not below, only the `name`: its path may name the user.
    """
    given = dict(pairwise(command))
    given |= dict(each.split("=", 1) for each in command if each.startswith("--runs-dir="))
    runs = given.get("--runs-dir", "runs")
    return str(PurePath(runs, name)) if folder_name(runs) == runs else name


def _without_folders(argument: str) -> str:
    """Return an argument with names in place of absolute paths, and without credentials."""
    flag, sign, value = argument.partition("=") if argument.startswith("--") else ("", "", argument)
    return f"{flag}{sign}{folder_name(value)}"


def folder_name(path: str) -> str:
    """Return the last name of an absolute path: the others may name the user."""
    if "://" in path:
        return hide_credentials(path)
    place = PureWindowsPath(path) if re.match(r"[A-Za-z]:[\\/]|\\\\", path) else PurePosixPath(path)
    home = path.startswith("~") or ".." in place.parts
    return place.name or path if place.is_absolute() or home else path
