"""Whether the demo's verdict is the same for ten sets of seeds, and true for thirty: 20 minutes.

    python tests/studies/demo_check.py runs-of-the-check

Thirty seeds of each network are trained as `zoo demo` does, or read if they are there; each set is
three of them, none twice.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from bench.analysis.predictions import Predictions
from bench.analysis.verdict import verdicts
from bench.runs.run_folder import run_folders
from bench.runs.stored_runs import read_run

_SETS, _SEEDS, _AGREEING = 10, 3, 9


def main(runs: Path) -> int:
    """Print the verdict of each set and of all seeds; return 1 if fewer than nine agree."""
    if not run_folders(runs):
        command = [sys.executable, "-m", "zoo", "demo", "--seeds", str(_SETS * _SEEDS)]
        subprocess.run([*command, "--runs-dir", runs], check=True)
    models = read_run("1", runs).pairwise.answers
    (whole,) = verdicts(models)
    agreeing = 0
    for first in range(0, _SETS * _SEEDS, _SEEDS):
        (found,) = verdicts(_only(models, range(first, first + _SEEDS)))
        agreeing += (found.kind, found.first) == (whole.kind, whole.first)
        print(f"seeds {first:2} to {first + _SEEDS - 1:2}: {found}")
    print(f"all seeds: {whole}")
    for name, found in models.items():
        of_seeds = found.correct.mean(axis=1)
        print(f"{name}: {of_seeds.mean():.1%}, from {of_seeds.min():.1%} to {of_seeds.max():.1%}")
    print(f"{agreeing} of {_SETS} sets agree with all seeds")
    return int(agreeing < _AGREEING)


def _only(models: dict[str, Predictions], seeds: range) -> dict[str, Predictions]:
    return {name: found.only(list(seeds)) for name, found in models.items()}


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
