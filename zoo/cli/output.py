"""How the commands speak: what goes to stdout, and in which letters."""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from bench.system.display import LINE_CELLS, display, short
from bench.system.options import split_commas
from bench.system.strict_json import json_text
from registry.errors import RunError
from registry.exit_codes import ExitCode


def accept_any_text() -> None:
    """Let a stream write out what its encoding lacks, a `✓` in Latin-1, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def column_names(text: str | None, *, as_json: bool) -> list[str]:
    """Return the columns that `--columns` names; raise RunError for an unknown one, or no table."""
    if text is None:
        return []
    if as_json:
        raise RunError("--json has all columns: leave out --columns")
    from bench.analysis.columns import select_columns

    names = split_commas([text])
    select_columns(names or [text])
    return names


def print_json(value: object) -> None:
    """Print `value` as JSON."""
    print(json_text(value))


def print_rendered(what: object, *, crop: bool = True) -> None:
    """Print what rich can render, as wide as the terminal is, or what is made for that width."""
    from rich.console import Console

    console = Console()
    console.print(what(console.width) if callable(what) else what, crop=crop)


def print_found(plain: object, rendered: object, *, as_json: bool) -> None:
    """Print what was found: `plain` as JSON, or as it is `rendered` for a terminal."""
    if as_json:
        print_json(plain)
    else:
        print_rendered(rendered)


def print_path(path: Path) -> None:
    """Print a path: for a person made harmless, for a program byte by byte as the system has it."""
    if sys.stdout.isatty():
        print(display(str(path)))
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(os.fsencode(path) + b"\n")
        sys.stdout.buffer.flush()


def say(text: str) -> None:
    """Print a notice on stderr."""
    print(short(text, LINE_CELLS), file=sys.stderr)


@contextmanager
def end_when_interrupted(kept: str, nothing: str | None = None) -> Iterator[None]:
    """Make of Ctrl-C one line on stderr and an exit code.

    The line is `nothing`, if given, unless trials were begun: then their own handler raises it,
    with the number of the signal.
    """
    try:
        yield
    except KeyboardInterrupt as error:
        number = error.args[0] if error.args else signal.SIGINT
        say(f"zoo: {kept if error.args else nothing or kept}")
        raise typer.Exit(ExitCode.of_signal(number)) from None
