"""Can the tests fail? `make mutants`: faults are planted one at a time, and each must be noticed.

`code_mutants.py` says which, and which tests are to notice. They are planted in copies of the code,
never here; without a fault those tests must pass there first.

    make mutants MUTANTS='--only bench/analysis/stats'
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from code_mutants import MUTANTS, Mutant
from mutation_lane import ROOT, NotOnceError, Outcome, begin, run_sound, run_spoilt, spoilt

_PASSED, _FAILED = 0, 1  # pytest's exit codes, of those that tell something


def verdict(outcome: Outcome) -> str:
    """Return `caught`, `hung`, `SURVIVED`, or `ERROR` where the tests could not even be run."""
    if outcome.code is None:
        return "hung"
    return {_PASSED: "SURVIVED", _FAILED: "caught"}.get(outcome.code, "ERROR")


def tried(mutants: Sequence[Mutant], at_once: int) -> Counter[str]:
    """Tell what comes of each of `mutants`, and return how many came to what.

    None are tried where their tests fail without a fault: that is an ERROR.
    """
    context = get_context("fork")
    cores, there = context.SimpleQueue(), sorted(os.sched_getaffinity(0))
    for number in range(at_once):
        cores.put(there[number % len(there)])
    with (
        tempfile.TemporaryDirectory(prefix="zoo-mutants-") as folder,
        ProcessPoolExecutor(at_once, context, begin, (Path(folder), cores)) as pool,
    ):
        if not _tests_pass(pool, _parted(mutants, at_once)):
            return Counter(ERROR=1)
        outcomes = [(mutant, pool.submit(run_spoilt, mutant)) for mutant in mutants]
        return Counter(_told(mutant, future.result()) for mutant, future in outcomes)


def _tests_pass(pool: ProcessPoolExecutor, parts: Sequence[Sequence[str]]) -> bool:
    """Print and return whether the tests pass without a fault."""
    for outcome in pool.map(run_sound, parts):
        if outcome.code != _PASSED:
            print(f"{outcome.output}\nwithout a fault these tests must pass, to tell anything")
            return False
    print(f"{sum(map(len, parts))} tests pass without a fault", flush=True)
    return True


def _parted(mutants: Sequence[Mutant], parts: int) -> list[list[str]]:
    """Return all tests that are named, each once, in so many parts, those of a file together."""
    tests = sorted({test for mutant in mutants for test in mutant.tests})
    files = dict.fromkeys(test.partition("::")[0] for test in tests)
    place = {file: number % parts for number, file in enumerate(files)}
    found = [[each for each in tests if place[each.partition("::")[0]] == n] for n in range(parts)]
    return [part for part in found if part]


def _told(mutant: Mutant, outcome: Outcome) -> str:
    """Print what came of a fault on one line, and return its verdict."""
    found, by = verdict(outcome), f" by {outcome.failed}" if outcome.failed else ""
    print(f"{found:8} {outcome.seconds:5.1f} s  {mutant.name} ({mutant.file}){by}", flush=True)
    if found == "ERROR":
        print(outcome.output)
    return found


def main() -> int:
    """Plant the faults; return 0 where all were noticed, else 1."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="faults whose name or file has this in it")
    parser.add_argument("--at-once", type=int, default=min(2, len(os.sched_getaffinity(0))))
    asked, started = parser.parse_args(), time.monotonic()
    mutants = [each for each in MUTANTS if asked.only in each.name or asked.only in each.file]
    if not mutants:
        parser.error(f"no fault has {asked.only!r} in its name or file")
    for mutant in mutants:
        spoilt((ROOT / mutant.file).read_text(encoding="utf-8"), mutant)  # raises
    counts = tried(mutants, asked.at_once)
    told = ", ".join(f"{count} {what}" for what, count in counts.items())
    print(f"{len(mutants)} faults: {told} ({time.monotonic() - started:.0f} s)")
    return 1 if counts["SURVIVED"] or counts["ERROR"] else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except NotOnceError as error:
        sys.exit(str(error))
