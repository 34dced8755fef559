"""The command that started a run: as typed, or in words that may be published."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import PurePath, PurePosixPath, PureWindowsPath

from bench.system.credentials import hide_credentials


def repeat_command(
    command: Sequence[str], *, until_clear: bool = False, whole: bool = False
) -> str:
    """Return the command line; empty for a notebook, whose command is of no use.

    With `until_clear`, it adds seeds until it is clear, whatever seeds were asked for. Only where
    nobody else reads it are paths `whole`.
    """
    if not command or PurePath(command[0]).name not in ("zoo", "zoo.exe", "__main__.py"):
        return ""
    arguments = list(command[1:])
    if until_clear:
        arguments = [*_without_seeds(arguments), "--until-clear"]
    return shlex.join(["zoo", *(arguments if whole else map(_without_folders, arguments))])


def _without_seeds(arguments: Sequence[str]) -> list[str]:
    before = ["", *arguments]
    return [
        each
        for last, each in zip(before, arguments, strict=False)
        if "--seeds" not in (last, each) and not each.startswith("--seeds=")
    ]


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
