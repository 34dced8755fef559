"""What a sweep has found so far, network by network, in a file that a killed sweep goes on from."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path

from sweep_worker import checks_of

LOADING = "loading"  # what is done before the first check


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What was found of one network.

    Attributes:
        multiply_adds: of one image; None where they can't be counted.
        tier: which checks its size allows; "" where it can't be loaded.
        refused: why it can't be compared at all, or "".
        findings: by check: status and what was seen.
        lost: by check: why there is no finding: a time limit, a crash, want of memory.
    """

    name: str
    side: int = 0
    parameters: int = 0
    multiply_adds: int | None = None
    tier: str = ""
    refused: str = ""
    findings: dict[str, tuple[str, str]] = field(default_factory=dict)
    lost: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def known(self) -> set[str]:
        """The checks that need not be run again."""
        return set(self.findings) | set(self.lost)

    @property
    def whole(self) -> bool:
        """Nothing is left to be looked at."""
        if self.refused or LOADING in self.lost:
            return True
        return bool(self.tier) and set(checks_of(self.tier)) <= self.known

    @property
    def broken(self) -> dict[str, str]:
        """By check: what was seen of each promise that is not kept."""
        return {name: seen for name, (status, seen) in self.findings.items() if status == "broken"}

    @property
    def clean(self) -> bool:
        """It has kept all that was asked of it."""
        return not (self.refused or self.lost or self.broken)


def versions() -> dict[str, str]:
    """Return the versions of what the networks are made of."""
    return {name: version(name) for name in ("torch", "torchvision", "timm")}


def read(path: Path) -> dict[str, Row]:
    """Return the last row of each network, of these versions; half a line at the end is none."""
    rows: dict[str, Row] = {}
    if not path.exists():
        return rows
    here = versions()
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            plain = json.loads(line)
        except ValueError:  # killed while it was written
            continue
        if plain.pop("versions", None) == here:
            plain["findings"] = {name: tuple(each) for name, each in plain["findings"].items()}
            rows[plain["name"]] = Row(**plain)
    return rows


def append(path: Path, row: Row) -> None:
    """Add a row to the file, on a line of its own whatever the last one looks like."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(asdict(row) | {"versions": versions()})
    torn = path.exists() and not path.read_bytes().endswith(b"\n")
    with path.open("a", encoding="utf-8") as file:
        file.write(("\n" if torn else "") + text + "\n")


def counts(rows: Iterable[Row]) -> dict[str, int]:
    """Return how many networks kept everything, broke something, and so on."""
    found = list(rows)
    return {
        "networks": len(found),
        "clean": sum(row.clean for row in found),
        "broken": sum(bool(row.broken) for row in found),
        "refused": sum(bool(row.refused) for row in found),
        "lost": sum(bool(row.lost) for row in found),
    }


def regressions(before: Sequence[str], rows: Iterable[Row]) -> dict[str, str]:
    """Return which of the networks that kept everything `before` do not now, and why.

    What a time or memory limit has ended says more of the machine than of the network.
    """
    found = {}
    for row in rows:
        crashes = [f"{check}: {why}" for check, why in row.lost.items() if "limit" not in why]
        broken = [f"{check}: {seen}" for check, seen in row.broken.items()]
        reasons = [*([row.refused] if row.refused else []), *broken, *crashes]
        if row.name in before and reasons:
            found[row.name] = "; ".join(reasons)
    return found
