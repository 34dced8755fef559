"""How the commands speak: what goes to stdout, and in which letters."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterable
from pathlib import Path

from bench.system.display import LINE_CELLS, display, short
from bench.system.strict_json import json_text
from registry.errors import RunError


def accept_any_text() -> None:
    """Let a stream write out what its encoding lacks, a `✓` in Latin-1, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def split_commas(values: Iterable[str]) -> list[str]:
    """Return the names in `values`, each of which may be several with commas between."""
    return [name.strip() for value in values for name in value.split(",") if name.strip()]


def seed_numbers(text: str) -> tuple[int, ...]:
    """Return the seeds that are meant by how many (`3`), or by a list (`0,7`).

    Raises:
        RunError: none are.
    """
    try:
        numbers = [int(part) for part in text.split(",") if part.strip()]
    except ValueError:
        numbers = []
    if "," not in text and len(numbers) == 1 and numbers[0] > 0:
        return tuple(range(numbers[0]))
    if "," not in text or not numbers or min(numbers) < 0 or len(set(numbers)) < len(numbers):
        raise RunError(f"--seeds takes a number of seeds (3) or a list (0,7), not {text!r}")
    return tuple(numbers)


def column_names(text: str | None, *, as_json: bool) -> list[str]:
    """Return the names that `--columns` was given, of columns there are.

    Raises:
        RunError: there is none of a name, or no table is printed.
    """
    from bench.analysis.columns import select_columns

    if text is None:
        return []
    if as_json:
        raise RunError("--json has all columns: leave out --columns")
    names = split_commas([text])
    select_columns(names or [text])
    return names


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
