"""The faster precision is found by a short test, kept, and told."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import nn

import bench
from bench.report.table import disclosure_lines
from bench.training import precision, trial
from bench.training.precision import faster_precision
from zoo import LENET5

_LENET = replace(LENET5, name="mine")
_FULL = [(9.0, 0.7), (1.0, 0.69), (1.1, 0.68), (1.2, 0.67)]  # seconds and loss of each step


class Raising(nn.Module):
    """A network that can't be run."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Fail."""
        raise SystemExit(3)


def _chosen(folder, architecture=_LENET):
    return faster_precision(
        architecture,
        "here 1.0",
        shape=(1, 32, 32),
        batch_size=4,
        layout="contiguous",
        device=torch.device("cpu"),
        threads=1,
        folder=folder,
    )


@pytest.fixture
def timed(monkeypatch):
    """Sets seconds and losses of the steps in bfloat16, and counts those that are made."""
    made = []

    def answer(half):
        def fake(*arguments):
            for step in half if arguments[-1] is torch.bfloat16 else _FULL:
                made.append(arguments[-1])
                yield step

        monkeypatch.setattr(precision, "_steps", fake)
        return made

    return answer


@pytest.mark.parametrize(
    ("half", "expected", "steps"),
    [
        ([(5.0, 0.7), (0.8, 0.68), (0.7, 0.69), (0.9, 0.66)], "bfloat16", 4),
        ([(5.0, 0.7), (0.95, 0.68), (0.95, 0.69), (0.95, 0.66)], "float32", 4),  # hardly faster
        ([(5.0, 0.7), (0.5, 0.69), (0.5, 0.5), (0.5, 0.4)], "float32", 3),  # learns otherwise
        ([(5.0, 0.7), (0.5, math.inf)], "float32", 2),
        ([(19.0, 0.7)], "float32", 1),  # emulated: no more steps are tried
    ],
)
def test_bfloat16_is_taken_where_it_is_faster_and_learns_the_same(timed, half, expected, steps):
    """Its losses agree to 5 %, its steps take at most nine tenths; else it is left early."""
    made = timed(half)

    assert _chosen(None) == expected
    assert made.count(torch.bfloat16) == steps


def test_a_choice_is_kept(timed, tmp_path):
    """A second trial of the network takes the same, without a test."""
    made = timed([(5.0, 0.7), (0.5, 0.69), (0.5, 0.68), (0.5, 0.67)])
    first = _chosen(tmp_path / "precisions")
    count = len(made)

    assert [first, _chosen(tmp_path / "precisions")] == ["bfloat16"] * 2
    assert len(made) == count


def test_a_network_that_fails_gets_float32(tmp_path):
    """Its own trial will say why; nothing is kept."""
    architecture = replace(_LENET, constructor=f"{__name__}:Raising")

    assert _chosen(tmp_path / "precisions", architecture) == "float32"
    assert not (tmp_path / "precisions").exists()


def test_a_real_test_changes_nothing():
    """The random state and the threads are as before; whichever is faster here is a choice."""
    torch.manual_seed(3)
    expected, threads = torch.rand(1), torch.get_num_threads()
    torch.manual_seed(3)

    assert _chosen(None) in ("float32", "bfloat16")
    assert torch.equal(torch.rand(1), expected)
    assert torch.get_num_threads() == threads


@pytest.mark.parametrize("asked", ["auto", "bfloat16"])
def test_training_in_bfloat16_is_recorded_and_told(drawn, tmp_path, monkeypatch, asked):
    """It learns as in float32, but for rounding; table and record say which it was."""
    monkeypatch.setattr(trial, "faster_precision", lambda *_, **__: "bfloat16")
    given = {"epochs": 1, "progress": False, "isolate": False, "recipe": "textbook"}
    half = bench.run(["lenet5"], drawn, precision=asked, runs=tmp_path / "half", **given)
    full = bench.run(["lenet5"], drawn, runs=tmp_path / "full", **given)

    assert [each.records[0].precision for each in (half, full)] == ["bfloat16", "float32"]
    assert "matrix products in bfloat16: lenet5" in disclosure_lines(half.frame)
    assert not any("matrix products" in line for line in disclosure_lines(full.frame))
    losses = [each.records[0].history[0].train_loss for each in (half, full)]
    assert losses[0] == pytest.approx(losses[1], rel=0.05)
    assert losses[0] != losses[1]
