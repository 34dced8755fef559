"""Checkpoints damaged at random, and what is gone on from then."""

from __future__ import annotations

import random
import shutil
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import torch
from mutants import mutant, no_hang

from bench.training.checkpoint import Checkpoints, digest_of


def state(number: int) -> dict[str, Any]:
    """Return a small state like a trial's, one for each number."""
    generator = torch.Generator().manual_seed(number)
    return {
        "task": "0" * 64,
        "steps": {"network": {"weight": torch.randn(4, 4, generator=generator)}},
        "random": {"python": [3, list(range(10)), None]},
        "position": {"epoch": number, "loss": torch.tensor(0.5, dtype=torch.float64)},
    }


def fuzz_checkpoint(count: int, seed: int) -> Counter[str]:
    """Return how many damaged folders gave the newest state, the one before, or none.

    Raises:
        BaseException: something else came of one. A hang ends the process.
    """
    generator = random.Random(seed)
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as scratch:
        whole, spoilt = Path(scratch) / "whole", Path(scratch) / "spoilt"
        for number in (1, 2):
            Checkpoints(whole).save(state(number))
        for _ in range(count):
            shutil.copytree(whole, spoilt)
            way = _spoil(spoilt, generator)
            counts[f"{way}: {_outcome(spoilt)}"] += 1
            shutil.rmtree(spoilt)
    return counts


def _spoil(folder: Path, generator: random.Random) -> str:
    """Spoil one or two of the three files; return which."""
    files = sorted(folder.iterdir())
    for path in generator.sample(files, generator.choice((1, 1, 2))):
        way, content = mutant(path.read_bytes(), generator)
        path.write_bytes(content)
    return f"{'pointer' if path.suffix == '.json' else 'checkpoint'} {way}"


def _outcome(folder: Path) -> str:
    """Return what is loaded: one of the states as it was saved, or none; what is passed is said."""
    said: list[str] = []
    with no_hang():
        found = Checkpoints(folder).load(said.append)
    if found is None:
        assert said, "nothing was said of those that there were"
        return "none"
    number = found["position"]["epoch"]
    expected = {"version": 1, **state(number)}
    assert digest_of(found) == digest_of(expected), "silently different"
    assert number == 2 or said, "nothing was said of the newest"
    return "newest" if number == 2 else "the one before"
