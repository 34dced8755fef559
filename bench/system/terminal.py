"""The width of a terminal, and lines that fit it."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from textwrap import wrap
from typing import TextIO

from rich.cells import cell_len

_CELLS = 80  # of a terminal that does not tell
_COMMAND = re.compile(r"(?<=: )zoo \S.*$")  # at the end of a line, to be copied


def terminal_cells(stream: TextIO) -> int | None:
    """Return the characters of a line on `stream`, by `COLUMNS` if given; None for no terminal."""
    if not stream.isatty():
        return None
    given = os.environ.get("COLUMNS", "")
    with suppress(OSError, ValueError):
        return int(given) if given.isdecimal() else os.get_terminal_size(stream.fileno()).columns
    return _CELLS


def folded(text: str, stream: TextIO) -> str:
    """Return `text` for `stream`: on a terminal, lines end between words.

    A command at its end is never broken, so that it can be copied: it gets a line of its own.
    """
    cells = terminal_cells(stream)
    if not cells or cell_len(text) <= cells:
        return text
    command = _COMMAND.search(text)
    told = text if command is None else text[: command.start()]
    lines = wrap(told, cells, break_long_words=False, break_on_hyphens=False)
    return "\n".join(lines if command is None else [*lines, command[0]])
