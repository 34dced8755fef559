"""What the cases of a campaign of attacks came to, and a tree that no case may write to."""

from __future__ import annotations

import hashlib
import os
import stat
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_COLUMNS = ("cases", "silently wrong", "tracebacks", "writes outside", "hangs")
_FAULTS = _COLUMNS[1:]
_SHOWN = 20  # faults of a campaign
Tree = dict[str, tuple[object, ...]]


@dataclass(slots=True, kw_only=True)
class Tally:
    """The figures of a campaign.

    Attributes:
        counts: how many cases, and how they ended: read as it was, named, and by each fault.
        lines: of each fault, the case and what was seen.
        skipped: why some cases, or all, were not tried here.
    """

    campaign: str
    counts: Counter[str] = field(default_factory=Counter)
    lines: list[str] = field(default_factory=list)
    skipped: str = ""

    @property
    def wrong(self) -> int:
        """How much went wrong."""
        return sum(self.counts[fault] for fault in _FAULTS)

    def add(self, case: str, outcome: str, seen: str = "") -> None:
        """Count a case that ended as `outcome` says, and keep what was seen of a fault."""
        self.counts["cases"] += 1
        self.counts[outcome] += 1
        if outcome in _FAULTS:
            self.lines.append(f"{self.campaign}: {outcome}: {case}: {seen}")

    def add_outside(self, case: str, changed: Iterable[str]) -> None:
        """Count what was written where it must not be, once a case."""
        if names := sorted(changed):
            self.counts["writes outside"] += 1
            self.lines.append(f"{self.campaign}: writes outside: {case}: {', '.join(names)}")


def table(tallies: Sequence[Tally]) -> str:
    """Return the figures of all campaigns, a row each, then their faults."""
    rows = [["campaign", *_COLUMNS]]
    rows += [[each.campaign, *(f"{each.counts[name]:,}" for name in _COLUMNS)] for each in tallies]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    drawn = ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])])
             for row in rows]  # fmt: skip
    drawn += [f"{each.campaign}: {each.skipped}" for each in tallies if each.skipped]
    shown = [line for each in tallies for line in _first(each.lines)]
    return "\n".join([*drawn, *shown])


def _first(lines: Sequence[str]) -> list[str]:
    """Return the first lines, and how many more there are."""
    rest = [f"... and {len(lines) - _SHOWN} more"] if lines[_SHOWN:] else []
    return [*lines[:_SHOWN], *rest]


def tree(root: Path, *, without: Sequence[Path] = ()) -> Tree:
    """Return owner, mode, size and content of all below `root`, by name; links as they are."""
    found: Tree = {}
    for folder, names, files in os.walk(root):
        here = Path(folder)
        names[:] = [name for name in names if here / name not in without]
        for path in (here / name for name in (*names, *files)):
            if path not in without:
                found[path.relative_to(root).as_posix()] = _state(path)
    return found


def changes(before: Tree, after: Tree) -> list[str]:
    """Return the names of what was made, removed or altered."""
    return [name for name in {*before, *after} if before.get(name) != after.get(name)]


def _state(path: Path) -> tuple[object, ...]:
    status = path.lstat()
    told = (stat.S_IFMT(status.st_mode), stat.S_IMODE(status.st_mode), status.st_uid)
    if stat.S_ISLNK(status.st_mode):
        return (*told, str(path.readlink()))
    if stat.S_ISREG(status.st_mode):
        return (*told, hashlib.sha256(path.read_bytes()).hexdigest())
    return told
