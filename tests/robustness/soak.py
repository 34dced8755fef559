"""Everything that tries to break the promises, at length, and one table of figures.

`make soak` takes about an hour; with `SOAK='--runs 10 --mutants 200 --attacks 20'` some
minutes. Its exit code is 1 if anything that must be 0 is not.
"""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import attacks
import campaign
from paths import TESTS, run_python

_FUZZES = ("weights", "text", "checkpoint", "store", "images")
_FUZZ = """
import sys, {module}
{module}.{module}(int(sys.argv[1]), int(sys.argv[2]))
print(sys.argv[1])
"""


def main() -> None:
    """Run all, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100, help="of the kill campaign")
    parser.add_argument("--mutants", type=int, default=10_000, help="of each kind of file")
    parser.add_argument("--attacks", type=int, default=400, help="on a run's database; see there")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--at-once", type=int, default=2)
    asked = parser.parse_args()
    wrong = campaign.told(asked.runs, asked.seed, asked.at_once)
    wrong += _told(
        "crash points", lambda: run_python(str(TESTS / "robustness" / "crash_points.py"))
    )
    wrong += _told(
        "hostile folders", lambda: run_python(str(TESTS / "robustness" / "hostile_folders.py"))
    )
    with ThreadPoolExecutor(asked.at_once) as pool:
        wrong += sum(pool.map(lambda name: _fuzz(name, asked.mutants, asked.seed), _FUZZES))
    wrong += attacks.told(asked.attacks, asked.seed)
    print(f"{wrong:>8,}  things went wrong")
    sys.exit(1 if wrong else 0)


def _fuzz(name: str, count: int, seed: int) -> int:
    """Print what became of so many mutants, in a process of its own: a crash is a figure, too."""
    module = f"fuzz_{name}"
    if importlib.util.find_spec(module) is None:
        return 0
    code = _FUZZ.format(module=module)
    return _told(f"mutants of {name}", lambda: run_python("-c", code, str(count), str(seed)))


def _told(what: str, do: Callable[[], subprocess.CompletedProcess[str]]) -> int:
    """Print how many there were and how long it took; return 1 if it went wrong."""
    started = time.monotonic()
    done = do()
    seconds = time.monotonic() - started
    if done.returncode:
        crash = "a hang, or a crash" if "Timeout" in done.stderr else "a crash"
        print(f"{what}: {crash}, exit code {done.returncode}\n{done.stderr[-4000:]}")
        return 1
    number = sum(int(line.split()[0].replace(",", "")) for line in done.stdout.splitlines())
    print(f"{number:>8,}  {what}, 0 crashes and hangs, {seconds:,.0f} seconds")
    return 0


if __name__ == "__main__":
    main()
