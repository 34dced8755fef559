"""What `zoo bench` takes beside training, by phase: seconds from Enter to the prompt.

    python tests/benchmarks/command.py FOLDER [--models lenet] [--epochs 2] [--rounds 3]

The first round fills the caches and is not counted. Each figure is the median of the others. Exits
with 1 where one trial takes over 7 seconds beside its training, or a further one 2.5.
"""

from __future__ import annotations

import argparse
import atexit
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

MOST_SECONDS, MOST_FURTHER_SECONDS = 7.0, 2.5
FIRST_LINE, START, PREPARE, TRAIN, VALIDATE, TEST, WRITE, LEAVE = (
    "first line",
    "start the trial's process",
    "contract, layout, weights",
    "training",
    "validation",
    "test, latency, weights",
    "tables and page",
    "leave",
)
_OF = {  # the phase of a trial's record, and what it counts as
    "contract": PREPARE,
    "layout": PREPARE,
    "build": PREPARE,
    "initialize": TRAIN,
    "train": TRAIN,
    "validate": VALIDATE,
    "test": TEST,
    "inference": TEST,
    "done": TEST,
    "ended": WRITE,
}


def beside(
    folder: Path, models: str = "lenet", epochs: int = 2, seeds: int = 1
) -> dict[str, float]:
    """Return the wall seconds of each phase of one command, by its name."""
    asked = ["--models", *models.split(","), "--epochs", str(epochs), "--seeds", str(seeds)]
    with tempfile.TemporaryDirectory() as scratch:
        stamps = Path(scratch) / "stamps.json"
        command = [sys.executable, __file__, "--inside", str(stamps), "bench", *asked]
        begun = time.time()
        subprocess.run(
            [*command, "--data", str(folder)], cwd=scratch, capture_output=True, check=True
        )
        ended = time.time()
        found = json.loads(stamps.read_text(encoding="utf-8"))
    return _seconds([(FIRST_LINE, begun), *map(tuple, found), ("", ended)])


def besides(seconds: dict[str, float]) -> float:
    """Return the seconds that are not training."""
    return sum(seconds.values()) - seconds[TRAIN]


def _seconds(stamps: list[tuple[str, float]]) -> dict[str, float]:
    """Return how long each phase lasted, given when each began."""
    seconds = dict.fromkeys((FIRST_LINE, START, *_OF.values(), LEAVE), 0.0)
    for (name, begun), (_, ended) in pairwise(stamps):
        seconds[_OF.get(name, name)] += ended - begun
    return seconds


def _inside(path: Path, arguments: list[str]) -> None:
    """Run the command in this process, and write when each phase began."""
    from bench.runs.progress import Progress
    from zoo.__main__ import main as run
    from zoo.cli import bench

    stamps: list[tuple[str, float]] = []

    def stamp(owner: Any, name: str, phase: Callable[..., str]) -> None:
        original = getattr(owner, name)

        def stamped(*given: Any) -> Any:
            stamps.append((phase(*given), time.time()))
            return original(*given)

        setattr(owner, name, stamped)

    stamp(bench, "say_meanwhile", lambda text: START)
    stamp(Progress, "on_phase", lambda progress, record: record.phase)
    stamp(Progress, "on_end", lambda progress, record: "ended")
    stamp(bench, "say_what_is_left", lambda results: LEAVE)
    atexit.register(lambda: path.write_text(json.dumps(stamps), encoding="utf-8"))
    sys.argv = ["zoo", *arguments]
    run()


def main() -> int:
    """Measure, and tell."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--models", default="lenet")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    folder, models, epochs = asked.folder.resolve(), asked.models, asked.epochs
    beside(folder, models, 1)
    once, twice = list[dict[str, float]](), list[dict[str, float]]()
    for _ in range(asked.rounds):
        once.append(beside(folder, models, epochs))
        twice.append(beside(folder, models, epochs, seeds=2))
    for phase in once[0]:
        seconds = [[each[phase] for each in some] for some in (once, twice)]
        print(f"{phase:28s} {median(seconds[0]):6.2f} s   two seeds {median(seconds[1]):6.2f} s")
    alone, both = (median(map(besides, some)) for some in (once, twice))
    print(f"beside training {alone:.1f} s; allowed {MOST_SECONDS} s")
    print(f"a further trial {both - alone:.1f} s; allowed {MOST_FURTHER_SECONDS} s")
    return int(alone > MOST_SECONDS or both - alone > MOST_FURTHER_SECONDS)


if __name__ == "__main__":
    if sys.argv[1] == "--inside":
        _inside(Path(sys.argv[2]), sys.argv[3:])
    sys.exit(main())
