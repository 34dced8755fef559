from __future__ import annotations

from functools import partial

import pytest

from bench.data import synthetic
from bench.data.synthetic import write_synthetic
from zoo.cli import demo
from zoo.cli.demo import DEMO


@pytest.fixture
def shown(monkeypatch):
    """What `zoo demo` would have run, and the columns to show."""
    seen: list[dict] = []
    monkeypatch.setattr(demo, "run_and_show", lambda given, **how: seen.append(given | how))
    return seen


def test_demo_compares_lenet_with_alexnet_over_three_seeds(zoo, shown):
    """It has its own epochs and batches, and keeps no weights."""
    code, _, said = zoo("demo")

    assert code == 0
    assert shown == [DEMO | {"columns": [], "as_json": False}]
    assert sorted(DEMO["models"]) == ["alexnet", "lenet"]
    assert (DEMO["seeds"], DEMO["weights"]) == ((0, 1, 2), False)
    assert said.startswith("zoo: lenet or alexnet?")


def test_demo_takes_other_seeds_and_keeps_weights_if_asked(zoo, shown):
    """The options of a run that it has override its own."""
    zoo("demo", "--seeds", 5, "--weights")

    assert shown[0]["seeds"] == (0, 1, 2, 3, 4)
    assert shown[0]["weights"] is True


@pytest.mark.usefixtures("hastened_runs")
def test_demo_leaves_neither_weights_nor_pixels(zoo, tmp_path, monkeypatch):
    """The run and the cache hold small files alone, and the table names the data."""
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(synthetic, "write_synthetic", partial(write_synthetic, images=48))
    small = {"models": ("lenet5",), "jobs": 1, "isolate": False, "seeds": (0, 1)}
    monkeypatch.setattr(demo, "DEMO", DEMO | small)
    code, out, said = zoo("demo", "--runs-dir", tmp_path / "runs")
    left = [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".jpg"]

    assert code == 0
    assert "synthetic drawings: 30/6/12 images (train/validation/test, given)" in out
    assert "Results and figures: " in said
    assert "photograph" not in out + said
    assert [path.name for path in left if path.suffix in (".safetensors", ".pixels")] == []
    assert sum(path.stat().st_size for path in left) < 2e6
