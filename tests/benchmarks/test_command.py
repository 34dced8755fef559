"""Times of the whole command: beside training, by phase, and against the chapter's script."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from statistics import median

import pytest
from command import beside, besides

_SCRIPT = Path(__file__).with_name("chapter.py")


def test_beside_training(benchmark, folder):
    """Two epochs of LeNet from Enter to the prompt: the seconds of each phase."""
    found: list[dict[str, float]] = []
    beside(folder, epochs=1)  # fills the caches
    benchmark.pedantic(lambda: found.append(beside(folder)), rounds=3)
    phases = {name: median(each[name] for each in found) for name in found[0]}
    benchmark.extra_info |= {"phases": phases, "beside_seconds": median(map(besides, found))}


@pytest.mark.parametrize("model", ["lenet", "alexnet"])
def test_whole_command(against, folder, tmp_path, model):
    """Two epochs, the whole process, with table, weights and page."""
    asked = ["--models", model, "--epochs", "2", "--data", str(folder)]

    def run(*command: str) -> None:
        subprocess.run([sys.executable, *command], cwd=tmp_path, capture_output=True, check=True)

    against(
        lambda: run("-m", "zoo", "bench", *asked),
        lambda: run(str(_SCRIPT), model, str(folder), "--epochs", "2"),
        told="the chapter's script, two epochs",
        rounds=3,
    )
