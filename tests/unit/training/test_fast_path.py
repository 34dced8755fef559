"""What the fast path may not change, and what it must record."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace

import pandas as pd
import pytest
import torch
from drawn_folder import draw_folder
from torch import nn

import bench
from bench.analysis.frame import profile_frame
from bench.report.page.charts import figures_of
from bench.report.page.vega import draw_figures, renderer
from bench.system.cache_folder import cache_folder, clear_cache, kept_files
from bench.system.memory import available_bytes
from bench.training.compile import compile_network
from bench.training.optimizer import build_optimizer
from bench.training.recipe import TEXTBOOK
from registry.architecture import Architecture, Contract
from registry.errors import RunError

pytestmark = pytest.mark.usefixtures("hastened_runs")


class Tiny(nn.Sequential):
    """A network of one layer, which is soon compiled."""

    def __init__(self, num_classes: int) -> None:
        super().__init__(nn.Flatten(), nn.Linear(64, num_classes))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits (N, K); torch 2.9 compiles no forward of its own."""
        return super().forward(images)


_TINY = Architecture(
    name="tiny",
    constructor=f"{__name__}:Tiny",
    contract=Contract(input_shape=(1, 8, 8), output_shape=(2,), parameters=130),
)


def _run(drawn, folder, model="lenet5", **options):
    given = {"epochs": 2, "progress": False, "runs": folder / "runs", "isolate": False,
             "threads": 1, "layout": "contiguous"}  # fmt: skip
    return bench.run([model], drawn, **given | options)


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """A folder of 12 cats and 12 dogs."""
    return draw_folder(tmp_path_factory.mktemp("fast") / "drawn")


@pytest.fixture(scope="module")
def plain(images, tmp_path_factory):
    """The results of a run in which nothing is asked for."""
    return _run(images, tmp_path_factory.mktemp("plain"))


def _losses(results):
    return [(epoch.train_loss, epoch.validation_loss) for epoch in results.records[0].history]


@pytest.mark.parametrize("options", [{"cache": False}, {"workers": 0}, {"profile": True}])
def test_speed_changes_no_result(images, plain, tmp_path, options):
    """Without the cache, without workers, with a profile: the same losses, to the last bit."""
    assert _losses(_run(images, tmp_path, **options)) == _losses(plain)


def test_fast_pixels_are_recorded(images, plain, tmp_path):
    """They are other pixels, so the row says so, and the losses differ a little."""
    fast = _run(images, tmp_path, fidelity="fast")

    assert list(fast.frame["fidelity"][:1]) == ["fast"]
    assert _losses(fast) != _losses(plain)
    assert _losses(fast)[0] == pytest.approx(_losses(plain)[0], rel=0.1)


def test_a_profile_adds_up(images, tmp_path):
    """The parts are not negative and sum up to the training time; table and picture are there."""
    results = _run(images, tmp_path, profile=True)
    (row,) = results.profile.to_dict("records")
    parts = [row[name] for name in ("data wait", "forward", "backward", "optimizer", "other")]
    with renderer() as render:
        drawn = draw_figures(
            [each for each in figures_of(results) if each.name == "profile"], render
        )

    assert min(parts) >= 0
    assert sum(parts) == pytest.approx(row["training"])
    assert row["ceiling"] > 0
    assert min(row["read (CPU)"], row["transform (CPU)"]) > 0
    assert len(drawn.files["profile.png"]) > 1000
    assert list(pd.read_csv(results.folder / "profile.csv")["model"]) == ["lenet5"]


def test_without_profile_there_is_none(plain):
    """A plain run measures nothing of it."""
    assert len(plain.profile) == len(profile_frame(plain.records)) == 0
    assert not (plain.folder / "profile.csv").exists()


def test_waiting_for_data_is_told(images, tmp_path, capfd):
    """The line that ends a trial says which share of the training was waiting."""
    _run(images, tmp_path, _TINY, progress=True)

    assert "of it waiting for data" in capfd.readouterr().err


@pytest.mark.skipif(not shutil.which("g++"), reason="torch.compile needs a C++ compiler")
def test_compiled_training_gives_the_same_to_rounding(images, tmp_path, monkeypatch):
    """Its time is counted apart, its weights have the usual names."""
    for module in ("latency", "trial"):  # two sizes of a batch: each is compiled, for seconds
        monkeypatch.setattr(f"bench.training.{module}.SIZES", (4,))
    eager, compiled = (_run(images, tmp_path, _TINY, compiled=each) for each in (False, True))
    record = compiled.records[0]

    assert record.status == "ok", record.error
    assert record.compile_seconds > 0
    assert eager.records[0].compile_seconds == 0
    assert _losses(compiled)[1] == pytest.approx(_losses(eager)[1], rel=1e-3)
    assert _weight_names(compiled) == _weight_names(eager)


def _weight_names(results):
    from safetensors import safe_open

    with safe_open(results.folder / "tiny" / "seed-0" / "weights.safetensors", "pt") as file:
        return sorted(file.keys())


def test_compilation_leaves_weights_and_random_state(monkeypatch):
    """What the warm-up did to the state is undone."""
    monkeypatch.setattr(torch.nn.Module, "compile", lambda self, **_: None)
    monkeypatch.setattr("bench.training.compile._graphs", iter([0, 1]).__next__)
    network = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Flatten(), torch.nn.Dropout()
    )
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    seconds = _compile(network)

    assert seconds > 0
    assert torch.equal(torch.rand(1), expected)
    assert all(torch.equal(before[name], now) for name, now in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())


def test_a_failed_compilation_says_what_to_do(monkeypatch):
    """One line, with the way out."""

    def fail(self, **_):
        raise RuntimeError("no compiler")

    monkeypatch.setattr(torch.nn.Module, "compile", fail)

    with pytest.raises(RunError, match=r"no compiler\): omit --compile"):
        _compile(torch.nn.Linear(3, 3))


def test_a_compilation_of_nothing_says_what_to_do(monkeypatch):
    """Some torches skip some networks without a word."""
    monkeypatch.setattr(torch.nn.Module, "compile", lambda self, **_: None)

    with pytest.raises(RunError, match=r"compiles nothing .*: write its `forward`"):
        _compile(torch.nn.Conv2d(3, 4, 3))


def _compile(network):
    return compile_network(
        network,
        training=[torch.zeros(size, 3, 8, 8) for size in (2, 4)],
        evaluation=[torch.zeros(4, 3, 8, 8)],
        device=torch.device("cpu"),
        precision=torch.float32,
    )


def test_the_optimizer_is_fused():
    """One pass over the parameters a step."""
    network = torch.nn.Linear(3, 3)

    assert build_optimizer(network, TEXTBOOK).defaults["fused"]
    adamw = replace(TEXTBOOK, optimizer="adamw", momentum=0.0)
    assert build_optimizer(network, adamw).defaults["fused"]


def test_the_cache_is_told_and_cleared(images, tmp_path, monkeypatch):
    """What a run keeps is listed with its size; clearing leaves what is not ours."""
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    _run(images, tmp_path, layout="auto")
    (cache_folder() / "mine.txt").write_text("keep me")
    names = [file.name for file in kept_files(cache_folder())]

    assert sum(name.startswith("pixels/") and name.endswith(".pixels") for name in names) == 2
    assert any(name.startswith("layouts/") for name in names)
    assert "checked.sqlite" in names
    assert "mine.txt" not in names
    clear_cache(cache_folder())
    assert kept_files(cache_folder()) == []
    assert [path.name for path in cache_folder().iterdir()] == ["mine.txt"]


def test_a_containers_limit_bounds_the_memory(tmp_path):
    """The cached files in it count as free; no limit, or none that can be read, bounds nothing."""
    (tmp_path / "memory.max").write_text("3000000\n")
    (tmp_path / "memory.current").write_text("2500000\n")
    (tmp_path / "memory.stat").write_text("anon 5\ninactive_file 400000\n")

    assert available_bytes(tmp_path) == 900_000
    (tmp_path / "memory.max").write_text("max\n")
    assert available_bytes(tmp_path) > 10_000_000


@pytest.mark.parametrize(("given", "expected"), [(None, "passive"), ("active", "active")])
def test_threads_wait_asleep_unless_told_otherwise(given, expected):
    """The choice is made before torch is imported, and the user's own stands."""
    code = (
        "import os, sys; from bench.system.cpu import wait_asleep; wait_asleep();"
        "assert 'torch' not in sys.modules; print(os.environ['OMP_WAIT_POLICY'])"
    )
    environment = {key: value for key, value in os.environ.items() if key != "OMP_WAIT_POLICY"}
    if given:
        environment["OMP_WAIT_POLICY"] = given
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == expected
