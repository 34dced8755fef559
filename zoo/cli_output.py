"""How the commands speak: what goes to stdout, and in which letters."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from bench.report.display import LINE_CELLS, display, short
from bench.strict_json import json_text

Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout and nothing else.")]


def accept_any_text() -> None:
    """Let a stream write out what its encoding lacks, a `✓` in Latin-1, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def print_json(value: object) -> None:
    """Print `value` as JSON."""
    print(json_text(value))


def print_rendered(what: object) -> None:
    """Print what rich can render, as wide as the terminal is."""
    from rich.console import Console

    Console().print(what)


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
