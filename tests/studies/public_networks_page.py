"""The page of the networks in the manner of public ones: what each command did with each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from public_networks import Row

_STEPS = ("listed", "checked", "trained", "exported", "predicted")
_HEAD = """# Networks in the manner of public ones

This page is written by `make public`. The {count} networks of `tests/plugins/publicnets` are
written in the manner of public repositories, with their habits. {plugins} are entry points of a
plugin, {files} are given as files, such as `./habits/habits.py:Tied`. Each goes through five
commands, each in a process: `zoo list`, `zoo check`, `zoo bench` for one epoch on 60 drawings,
`zoo export` as a copy and as ONNX, and `zoo predict` with a picture.

- {whole} went through all five.
- {reported} got a line that says what to change.
- {silent} with a fault got none. {traces} ended in a traceback.

"""


def page(rows: Sequence[Row]) -> str:
    """Return the page, in Markdown."""
    silent = sum(row.network.faulty and not row.said for row in rows)
    head = _HEAD.format(
        count=len(rows),
        plugins=sum(not row.network.is_file for row in rows),
        files=sum(row.network.is_file for row in rows),
        whole=sum(all(map(row.is_done, _STEPS)) for row in rows),
        reported=sum(bool(row.said) for row in rows),
        silent=silent or "None",
        traces=sum("traceback" in each for row in rows for each in row.wrong) or "None",
    )
    lines = [f"| network | in the manner of | unusual | {' | '.join(_STEPS)} |"]
    lines.append("| --- | --- | --- " + "| :-: " * len(_STEPS) + "|")
    lines += [_cells(row) for row in rows]
    said = [f"{row.network.call}: {each}" for row in rows for each in _all_said(row)]
    return head + "\n".join([*lines, "", "## What was said", "", "```text", *said, "```", ""])


def line(row: Row) -> str:
    """Return what was found, on one line, for a terminal."""
    marks = "".join(_mark(row, step) for step in _STEPS)
    return f"{marks} {row.network.call}: {row.said or 'nothing to say'}"


def _cells(row: Row) -> str:
    network = row.network
    marks = " | ".join(_mark(row, step) for step in _STEPS)
    return f"| `{network.call}` | {network.manner} | {network.unusual} | {marks} |"


def _mark(row: Row, step: str) -> str:
    if step not in row.outcomes:
        return "-"
    return "✓" if row.is_done(step) else "✗"


def _all_said(row: Row) -> list[str]:
    """Return what was said, each once."""
    return list(dict.fromkeys(_text(said) for each in row.outcomes.values() for said in each.said))


def _text(said: str) -> str:
    """Return `said` without what differs between machines and runs."""
    said = re.sub(r"/\S*/zoo-public-\S*?/(?=[\w.-]+\.(onnx|safetensors|png))", "", said)
    return said.removeprefix("zoo: ")
