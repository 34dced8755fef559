"""What the commands print on stdout and stderr, and how it is encoded."""

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
from bench.system.terminal import folded, terminal_cells
from registry.errors import RunError
from registry.exit_codes import ExitCode

_NO_LIMIT = 100_000  # characters a line


def accept_any_text() -> None:
    """Let stdout and stderr escape characters that their encoding lacks, such as `✓` in Latin-1."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def column_names(text: str | None, *, as_json: bool) -> list[str]:
    """Return the columns of `--columns`; raise RunError for an unknown one, or with `--json`."""
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
    """Print `what` with rich; a function gets the width of a line and returns it.

    Without a terminal, lines are as long as needed, so that a program reads whole cells. `COLUMNS`
    sets another width.
    """
    from rich.console import Console

    console = Console()
    # both, for rich asks a dumb terminal for neither
    console.size = (line_cells() if is_narrow() else _NO_LIMIT, console.height)
    console.print(what(console.width) if callable(what) else what, crop=crop)


def is_narrow() -> bool:
    """Return whether lines have a width: that of a terminal, or `COLUMNS`."""
    from rich.console import Console

    return Console().is_terminal or "COLUMNS" in os.environ


def line_cells() -> int:
    """Return the width of a line on stdout: of a terminal, also a dumb one, or `COLUMNS`."""
    from rich.console import Console

    return terminal_cells(sys.stdout) or Console().width


def print_found(plain: object, rendered: object, *, as_json: bool) -> None:
    """Print `plain` as JSON, or `rendered` on a terminal."""
    if as_json:
        print_json(plain)
    else:
        print_rendered(rendered)


def print_path(path: Path) -> None:
    """Print a path: escaped on a terminal, its exact bytes for a program."""
    if sys.stdout.isatty():
        print(display(str(path)))
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(os.fsencode(path) + b"\n")
        sys.stdout.buffer.flush()


def say(text: str) -> None:
    """Print a notice on stderr."""
    print(folded(short(text, LINE_CELLS), sys.stderr), file=sys.stderr)


@contextmanager
def say_meanwhile(text: str) -> Iterator[None]:
    """Show a short `text` on a terminal in this context, which takes a second or two."""
    shown = sys.stderr is not None and sys.stderr.isatty()
    if shown:
        print(text, end="", file=sys.stderr, flush=True)
    try:
        yield
    finally:
        if shown:
            print(f"\r{' ' * len(text)}\r", end="", file=sys.stderr, flush=True)


@contextmanager
def end_when_interrupted(kept: str, nothing: str | None = None) -> Iterator[None]:
    """Turn Ctrl-C into one line on stderr and an exit code.

    The line is `kept` if trials have started, whose handler raises it with the signal's number;
    otherwise `nothing`, if given.
    """
    try:
        yield
    except KeyboardInterrupt as error:
        number = error.args[0] if error.args else signal.SIGINT
        say(f"zoo: {kept if error.args else nothing or kept}")
        raise typer.Exit(ExitCode.of_signal(number)) from None
