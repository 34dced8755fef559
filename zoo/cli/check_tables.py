"""The tables of `zoo check`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Column, Table
from rich.text import Text

from bench.system.display import BAD, GOOD, LINE_CELLS, short
from registry.checks import CHECKS, Finding

_SIGNS = {"kept": "✓", "broken": "✗", "expected": "(✗)", "not run": "-"}
_STYLES = {"kept": GOOD, "broken": BAD}
_NAME_CELLS = 26
_PROMISES = {check.name: check.promise for check in CHECKS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """The findings of one architecture, by its name, or why it cannot be loaded."""

    name: str
    findings: tuple[Finding, ...] = ()
    broken: str | None = None

    @property
    def failed(self) -> bool:
        """Return whether something is broken without a deviation."""
        return bool(self.broken) or any(each.status == "broken" for each in self.findings)


def as_rows(results: Sequence[Checked]) -> list[dict[str, object]]:
    """Return a plain value for each architecture."""
    return [
        {
            "name": result.name,
            "failed": result.failed,
            "broken": result.broken,
            "checks": [asdict(finding) for finding in result.findings],
        }
        for result in results
    ]


def tally(results: Sequence[Checked]) -> str:
    """Return the numbers of promises kept, broken etc., and the seconds."""
    findings = [finding for result in results for finding in result.findings]
    counts = {status: sum(f.status == status for f in findings) for status in _SIGNS}
    parts = [f"{counts['kept']} promises kept", f"{counts['broken']} broken"]
    unloaded = sum(result.broken is not None for result in results)
    rare = {
        "broken as expected": counts["expected"],
        "not checked": counts["not run"],
        f"of {len(results)} architectures cannot be loaded": unloaded,
    }
    parts += [f"{count} {what}" for what, count in rare.items() if count]
    return f"{', '.join(parts)} ({sum(f.seconds for f in findings):.1f} s)"


def render(results: Sequence[Checked], width: int) -> RenderableType:
    """Return the findings for a terminal of `width` columns.

    One architecture has a line for each promise, several have a row each. Below are the broken
    promises: what was seen, what was expected, and what to change.
    """
    if len(results) == 1 and not results[0].broken:
        table = _one(results[0])
    else:
        table = _several(results, width)
    reasons = [part for result in results for part in _reasons(result)]
    sign, style = ("✗", BAD) if any(result.failed for result in results) else ("✓", GOOD)
    return Group(table, *reasons, Text(f"{sign} {tally(results)}", style=style))


def _one(result: Checked) -> RenderableType:
    figures = Column(justify="right", no_wrap=True)
    signs, names = Column(justify="right", min_width=3), Column(no_wrap=True)
    grid = Table.grid(signs, names, Column(), figures, padding=(0, 2))
    for finding in result.findings:
        seconds = "" if finding.status == "not run" else f"{finding.seconds:.1f} s"
        promise = Text(_PROMISES[finding.check])
        grid.add_row(_sign(finding), finding.check, promise, Text(seconds, style="dim"))
    return Group(Text(short(result.name), style="bold"), grid, Text())


def _several(results: Sequence[Checked], width: int) -> RenderableType:
    checks = list(dict.fromkeys(f.check for result in results for f in result.findings))
    names = [short(result.name, _NAME_CELLS) for result in results]
    widest = max(map(len, names), default=0)
    wide = widest + 4 + sum(max(3, len(check)) + 2 for check in checks) <= width
    table = Table(box=SIMPLE_HEAD, padding=(0, 1) if wide else (0, 1, 0, 0))
    table.add_column("name", no_wrap=True)
    for number, check in enumerate(checks, start=1):
        table.add_column(check if wide else str(number), justify="center", no_wrap=True)
    for name, result in zip(names, results, strict=True):
        table.add_row(Text(name), *map(_sign, result.findings))
    return Group(table, *([] if wide else [_legend(checks)]))


def _legend(checks: Sequence[str]) -> RenderableType:
    grid = Table.grid(Column(justify="right", min_width=4), padding=(0, 2))
    for number, check in enumerate(checks, start=1):
        grid.add_row(str(number), check, Text(_PROMISES[check], style="dim"))
    return Group(grid, Text())


def _sign(finding: Finding) -> Text:
    return Text(_SIGNS[finding.status], style=_STYLES.get(finding.status, ""))


def _reasons(result: Checked) -> list[RenderableType]:
    """Return the reasons why promises are not kept."""
    name = short(result.name)
    if result.broken:
        return [Text(f"✗ {name}: {short(result.broken, LINE_CELLS)}", style=BAD), Text()]
    parts: list[RenderableType] = []
    for finding in result.findings:
        if finding.status == "broken":
            parts += [*_failure(name, finding), Text()]
        elif finding.status == "expected":
            reason = short(finding.reason, LINE_CELLS)
            parts += [Text(f"(✗) {name} {finding.check}: expected: {reason}"), Text()]
    skipped = [finding for finding in result.findings if finding.status == "not run"]
    if skipped:
        parts += [Text(f"- {name}: {len(skipped)} not checked: {skipped[0].reason}"), Text()]
    return parts


def _failure(name: str, finding: Finding) -> list[RenderableType]:
    grid = Table.grid(padding=(0, 2))
    for word in ("seen", "expected", "change"):
        grid.add_row(word, Text(short(getattr(finding, word), LINE_CELLS)))
    title = Text(f"✗ {name} {finding.check}: {_PROMISES[finding.check]}? No.", style=BAD)
    return [title, Padding(grid, (0, 0, 0, 2), expand=False)]
