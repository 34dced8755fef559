"""The page of a sweep: what was kept, what was not, and why."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from sweep_reasons import reason
from sweep_rows import Row
from sweep_worker import TIERS, checks_of

_WIDTH = 100
_TOLD = {
    "all": "all checks",
    "untrained": "all checks but `learns`",
    "shapes": "`contract`, `shapes` and `head` alone",
}
_KEPT = "## Kept everything"
_LIST = re.compile(r"^- (\w+), .*?: ([\w, ]+)$")
_HEAD = """# How networks of other libraries fare

This page is written by `make sweep`. It runs the checks of `zoo check` on all {torchvision}
classifiers of torchvision and {timm} networks of timm: the smallest of each module, then the
second, and so on. They are untrained, at the input size of their own configuration.
Versions: torch {versions[torch]}, torchvision {versions[torchvision]}, timm {versions[timm]}.

The checks depend on the size of a network. Above {trained} million multiply-adds an image, it is
not trained (no `learns`). Above {computed:,} million, or {parameters} million parameters, only
`contract`, `shapes` and `head` run. The import of the two libraries is not watched here, as all
networks share it.
"""


def line(row: Row) -> str:
    """Return what was found of a network, on a line."""
    if row.refused:
        return f"refused: {row.refused}"
    parts = [f"{row.tier or '-'}, {len(row.findings) - len(row.broken)} kept, {row.seconds:.0f} s"]
    parts += [f"✗ {check}: {seen}" for check, seen in row.broken.items()]
    parts += [f"? {check}: {why}" for check, why in row.lost.items()]
    return "; ".join(parts)


def kept(path: Path) -> list[str]:
    """Return the names of the networks that kept everything, as the page at `path` says."""
    if not path.exists():
        return []
    _, _, listed = path.read_text(encoding="utf-8").replace("\n  ", " ").partition(_KEPT)
    found = [_LIST.match(each) for each in listed.splitlines()]
    return [f"{each[1]}:{name}" for each in found if each for name in each[2].split(", ")]


def page(rows: Sequence[Row], versions: Mapping[str, str], counts: Mapping[str, int]) -> str:
    """Return the whole page, in Markdown."""
    parts = [
        _head(rows, versions, counts),
        _by_check(rows),
        _grouped("## Failed, and why", _broken(rows)),
        _grouped("## Cannot be compared", _refused(rows)),
        _grouped("## Checks that did not end", _lost(rows)),
        _clean(rows),
    ]
    return "\n".join(part for part in parts if part)


def _head(rows: Sequence[Row], versions: Mapping[str, str], counts: Mapping[str, int]) -> str:
    clean = [row.tier for row in rows if row.clean]
    (_, parameters, trained), (_, _, computed), _ = TIERS
    tiers = ", ".join(f"{clean.count(tier)} {told}" for tier, told in _TOLD.items())
    head = _HEAD.format(
        torchvision=sum(row.name.startswith("torchvision:") for row in rows),
        timm=sum(row.name.startswith("timm:") for row in rows),
        versions=versions,
        trained=trained // 10**6,
        computed=computed // 10**6,
        parameters=parameters // 10**6,
    )
    kept_all = f"- {counts['clean']} of {counts['networks']} passed all checks that ran: {tiers}."
    rest = (
        f"- {counts['broken']} failed a check, {counts['refused']} cannot be compared, "
        f"{counts['lost']} have a check that did not end."
    )
    return "\n".join([head, _filled(kept_all), _filled(rest), ""])


def _by_check(rows: Sequence[Row]) -> str:
    lines = [
        "## By check",
        "",
        "| check | looked at | kept | broken |",
        "| --- | --: | --: | --: |",
    ]
    for check in checks_of("all"):
        found = [row.findings[check][0] for row in rows if check in row.findings]
        figures = f"{len(found)} | {found.count('kept')} | {found.count('broken')}"
        lines.append(f"| {check} | {figures} |")
    return "\n".join([*lines, ""])


def _broken(rows: Iterable[Row]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for row in rows:
        for check, seen in row.broken.items():
            groups.setdefault(f"`{check}`: {reason(check, seen)}", []).append(row.name)
    return dict(sorted(groups.items()))


def _refused(rows: Iterable[Row]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for row in rows:
        if row.refused:
            groups.setdefault(reason("refused", row.refused), []).append(row.name)
    return dict(sorted(groups.items()))


def _lost(rows: Iterable[Row]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for row in rows:
        for check, why in row.lost.items():
            groups.setdefault(f"`{check}`: {why}", []).append(row.name)
    return dict(sorted(groups.items()))


def _grouped(title: str, groups: Mapping[str, Sequence[str]]) -> str:
    """Return a line for each reason, with the networks that it holds of."""
    lines = [title, ""]
    for told, names in groups.items():
        lines += [_filled(f"- {told} ({len(names)}): {', '.join(f'`{n}`' for n in names)}")]
    return "\n".join([*lines, ""]) if groups else ""


def _clean(rows: Sequence[Row]) -> str:
    lines = [_KEPT, ""]
    for tier, told in _TOLD.items():
        for family in ("torchvision", "timm"):
            names = [
                row.name.partition(":")[2]
                for row in rows
                if row.clean and row.tier == tier and row.name.startswith(f"{family}:")
            ]
            if names:
                text = f"- {family}, {told} ({len(names)}): {', '.join(sorted(names))}"
                lines.append(_filled(text))
    return "\n".join([*lines, ""])


def _filled(text: str) -> str:
    """Return `text` in lines that a diff can tell apart, broken at spaces."""
    lines, current = [], ""
    for word in text.split(" "):
        if current and len(current) + 1 + len(word) > _WIDTH:
            lines.append(current)
            current = f"  {word}"
        else:
            current = f"{current} {word}" if current else word
    return "\n".join([*lines, current])
