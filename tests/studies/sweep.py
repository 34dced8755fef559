"""Every classifier of torchvision and some hundred of timm, held to what any network must keep.

`make sweep` takes hours; `--only 'torchvision:*'` or `--limit 20` less. Findings are kept in
`.benchmarks/sweep/`, where a killed sweep resumes, and written to docs/explanation/sweep.md. The
exit code is 1 if a network that kept everything, as that page says, does not now. No weights are
fetched.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from queue import SimpleQueue

import sweep_page
from paths import ROOT
from sweep_rows import (
    LOADING,
    Row,
    append,
    counts,
    read,
    regressions,
    versions,
)
from sweep_worker import Worker

_PAGE = ROOT / "docs" / "explanation" / "sweep.md"
_FOLDER = ROOT / ".benchmarks" / "sweep"
_LEAST = 300  # of timm
_TRIES = 3
_SIZES_SECONDS = 900.0
_NO_MEMORY = re.compile(r"allocate memory|not enough memory|MemoryError|bad_alloc", re.I)
Sizes = Mapping[str, Mapping[str, int | None]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Look at all that is asked for, write the page, and return the exit code."""
    asked = _parser().parse_args(arguments)
    workers: SimpleQueue[Worker] = SimpleQueue()
    for _ in range(asked.jobs):
        workers.put(Worker(int(asked.memory * 2**30), asked.folder / "workers.log"))
    asked.folder.mkdir(parents=True, exist_ok=True)
    try:
        with ThreadPoolExecutor(asked.jobs) as pool:
            names = chosen(_sizes(pool, workers, asked.folder / "sizes.json"))
            rows = _swept(pool, workers, asked, names)
    finally:
        while not workers.empty():
            workers.get().end()
    return _told(asked, names, rows)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", metavar="PATTERN", help="timm:resnet*; again")
    parser.add_argument("--limit", type=int, metavar="N", help="the N cheapest of them")
    parser.add_argument("--again", action="store_true", help="what the file holds of --only, too")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="at once, a thread each")
    parser.add_argument("--timeout", type=float, default=600, metavar="S", help="of one network")
    parser.add_argument("--memory", type=float, default=4, metavar="GB", help="of one process")
    parser.add_argument("--folder", type=Path, default=_FOLDER, help="what was found so far")
    parser.add_argument("--page", type=Path, default=_PAGE, help="where the table is written")
    return parser


def chosen(sizes: Sizes, least: int = _LEAST) -> list[str]:
    """Return the names of all networks of torchvision and at least so many of timm.

    Of timm that is the smallest network of each module, then the second of each, and so on. What
    comes first is looked at first: torchvision and one of each module, the smallest first.
    """
    rounds: list[list[tuple[float, str]]] = []
    for module, members in sizes.items():
        family = "torchvision" if module == "torchvision" else "timm"
        weighed = sorted((_weight(size), f"{family}:{name}") for name, size in members.items())
        for number, each in enumerate(weighed):
            number = 0 if family == "torchvision" else number
            rounds += [[] for _ in range(number + 1 - len(rounds))]
            rounds[number].append(each)
    names: list[str] = []
    for each in rounds:
        timm = sum(name.startswith("timm:") for name in names)
        most = max(least - timm, 0) if names else None
        names += [name for _, name in sorted(each)[:most]]
    return names


def _weight(parameters: int | None) -> float:
    return float("inf") if parameters is None else parameters


def _sizes(pool: ThreadPoolExecutor, workers: SimpleQueue[Worker], path: Path) -> Sizes:
    """Return the parameters of each member, module by module, counted once for these versions."""
    here = versions()
    if path.exists() and (kept := json.loads(path.read_text()))["versions"] == here:
        return kept["sizes"]
    modules = _modules()
    counted = pool.map(lambda module: _counted(workers, module, modules[module]), modules)
    sizes = dict(zip(modules, counted, strict=True))
    path.write_text(json.dumps({"versions": here, "sizes": sizes}))
    return sizes


def _modules() -> dict[str, list[str]]:
    """Return the members of torchvision, and of each module of timm but those for its own tests."""
    import timm

    from zoo.family_torchvision import members

    modules = {"torchvision": members()}
    for module in timm.list_modules():
        found = [name for name in timm.list_models(module=module) if not name.startswith("test_")]
        if found:
            modules[module] = found
    return modules


def _counted(
    workers: SimpleQueue[Worker], module: str, members: list[str]
) -> dict[str, int | None]:
    family = "torchvision" if module == "torchvision" else "timm"
    worker = workers.get()
    sizes: dict[str, int | None] = dict.fromkeys(members)
    try:
        for message in worker.ask({"sizes": members, "family": family}, _SIZES_SECONDS):
            sizes.update(message.get("sizes", {}))
    finally:
        workers.put(worker)
    _say(f"{module}: {len(members)} networks")
    return sizes


def _swept(
    pool: ThreadPoolExecutor,
    workers: SimpleQueue[Worker],
    asked: argparse.Namespace,
    names: Sequence[str],
) -> dict[str, Row]:
    """Return all rows, old and new."""
    path = asked.folder / "rows.jsonl"
    rows = read(path)
    wanted = [name for name in names if _matches(name, asked.only)][: asked.limit]
    waiting = [name for name in wanted if asked.again or name not in rows or not rows[name].whole]
    _say(f"{len(waiting)} networks to look at, {len(wanted) - len(waiting)} already done")

    def look(name: str) -> Row:
        known = None if asked.again else rows.get(name)
        worker = workers.get()
        try:
            return looked_at(worker, known or Row(name=name), asked.timeout)
        finally:
            workers.put(worker)

    done = as_completed([pool.submit(look, name) for name in waiting])
    for number, future in enumerate(done, start=1):
        row = future.result()
        append(path, row)
        rows[row.name] = row
        _say(f"{number}/{len(waiting)} {row.name}: {sweep_page.line(row)}")
    return rows


def looked_at(worker: Worker, row: Row, seconds: float) -> Row:
    """Return `row` with what `worker` finds; what ends it is left out when it is asked again."""
    started = time.monotonic()
    for _ in range(_TRIES):
        row = _asked(worker, row, seconds)
        if row.whole:
            break
    return replace(row, seconds=round(row.seconds + time.monotonic() - started, 1))


def _asked(worker: Worker, row: Row, seconds: float) -> Row:
    begun = LOADING
    for message in worker.ask({"name": row.name, "known": sorted(row.known)}, seconds):
        begun = message.get("begun", begun)
        if _NO_MEMORY.search(message.get("refused", "")):
            row = replace(row, lost=row.lost | {LOADING: "memory limit"})
        elif "refused" in message:
            row = replace(row, refused=message["refused"])
        elif "tier" in message:
            row = replace(row, **message)
        elif "found" in message:
            row = _with_finding(row, message["found"])
        elif "lost" in message:
            row = replace(row, lost=row.lost | {begun: message["lost"]})
    if any("memory" in reason for reason in row.lost.values()):
        worker.end()
    return row


def _with_finding(row: Row, found: Mapping[str, str]) -> Row:
    """Return `row` with a finding; what fails for want of memory is none."""
    if found["status"] == "broken" and _NO_MEMORY.search(found["seen"]):
        return replace(row, lost=row.lost | {found["check"]: "memory limit"})
    finding = (found["status"], found["seen"])
    return replace(row, findings=row.findings | {found["check"]: finding})


def _matches(name: str, patterns: Iterable[str] | None) -> bool:
    return not patterns or any(fnmatchcase(name, pattern) for pattern in patterns)


def _told(asked: argparse.Namespace, names: Sequence[str], rows: Mapping[str, Row]) -> int:
    """Write the page if all is there, tell what went worse, and return the exit code."""
    found = [rows[name] for name in names if name in rows]
    before = sweep_page.kept(asked.page)
    if len(found) == len(names):
        asked.page.write_text(sweep_page.page(found, versions(), counts(found)), encoding="utf-8")
        _say(f"written: {asked.page}")
    else:
        _say(f"{len(names) - len(found)} networks were never looked at: {asked.page} is as it was")
    _say(", ".join(f"{count} {what}" for what, count in counts(found).items()))
    worse = regressions(before, found)
    for name, why in worse.items():
        _say(f"✗ {name} kept everything before: {why}")
    return 1 if worse else 0


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
