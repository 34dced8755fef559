from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from fuzz_weights import PUBLISHED, TINY, Tiny
from torch import nn

from bench.runs import onnx as onnx_file
from bench.runs.onnx import write_onnx
from bench.training.weights import load_network, save_weights
from registry.errors import RunError
from zoo import LENET5
from zoo.cli.app import main

LENET5_TOLD = replace(
    PUBLISHED, model="lenet5", architecture=LENET5, origin="zoo-bench", classes=("cat", "d\udce9")
)


class Branching(nn.Module):
    """A network that decides by the values of its images, which no fixed graph can."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits (N, 2)."""
        logits = images.flatten(1)[:, :2]
        return logits if images.sum() > 0 else -logits


class Crowd(nn.Module):
    """A network with an answer of its own for a single image, which torch takes for no case."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits (N, 2)."""
        logits = images.flatten(1)[:, :2]
        return -logits if images.shape[0] == 1 else logits


class Pair(nn.Module):
    """A network that takes two images at a time: the number with which torch traces it."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits (N, 2)."""
        return images.reshape(2, -1)[:, :2]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of LeNet-5 with two seeds, the second with better weights before its last epoch."""
    folder = tmp_path_factory.mktemp("run")
    for seed in (0, 1):
        trial = folder / "lenet5" / f"seed-{seed}"
        trial.mkdir(parents=True)
        torch.manual_seed(seed)
        state = LENET5.build(num_classes=2).state_dict()
        save_weights(trial / "weights.safetensors", state, replace(LENET5_TOLD, epoch=3))
    save_weights(trial / "weights-best.safetensors", state, LENET5_TOLD)
    return folder


@pytest.fixture
def export(run, monkeypatch, capfd):
    """Run `zoo export` on that run; return exit code, stdout and stderr."""

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["zoo", "export", str(run), *map(str, arguments)])
        try:
            main()
            code = 0
        except SystemExit as ended:
            code = ended.code or 0
        told = capfd.readouterr()
        return code, told.out, told.err

    return call


def test_an_onnx_model_says_what_it_is_and_answers_like_torch(export, run, tmp_path):
    """Any number of images, the same logits, and all that a weights file says, in its metadata."""
    code, out, err = export("--onnx", tmp_path / "cat.onnx", "--seed", 0)
    session = onnxruntime.InferenceSession(tmp_path / "cat.onnx")
    images = np.random.default_rng(0).normal(size=(5, 1, 32, 32)).astype(np.float32)
    (logits,) = session.run(["logits"], {"images": images})
    network, _ = load_network(run / "lenet5" / "seed-0" / "weights.safetensors")
    said = session.get_modelmeta().custom_metadata_map

    assert (code, out) == (0, f"{tmp_path / 'cat.onnx'}\n")
    assert "✓ lenet5, epoch 3: logits differ from torch's by at most" in err
    assert err.count("\n") == 1
    assert session.get_inputs()[0].shape == ["batch", 1, 32, 32]
    np.testing.assert_allclose(logits, network(torch.from_numpy(images)).detach(), atol=1e-5)
    assert (said["architecture"], said["epoch"], said["origin"]) == ("lenet5", "3", "zoo-bench")
    assert json.loads(said["contract"])["input_shape"] == [1, 32, 32]
    assert json.loads(said["classes"]) == ["cat", "d\\udce9"]
    assert (json.loads(said["mean"]), json.loads(said["std"])) == ([0.459], [0.225])


def test_an_onnx_model_tells_nothing_of_this_machine(export, tmp_path):
    """Torch writes stack traces into it; none is left, and two exports are the same bytes."""
    export("--onnx", tmp_path / "a.onnx", "--seed", 0)
    export("--onnx", tmp_path / "b.onnx", "--seed", 0)
    content = (tmp_path / "a.onnx").read_bytes()

    assert b".py" not in content
    assert content == (tmp_path / "b.onnx").read_bytes()


def test_a_copy_is_the_same_bytes(export, run, tmp_path):
    """What the file says of itself is in it; `--best` takes the weights of the best epoch."""
    options = ("--safetensors", tmp_path / "new" / "cat", "--seed", 1, "--best", "--json")
    _, out, _ = export(*options)
    (row,) = json.loads(out)
    copy = Path(row["path"])

    assert (row["epoch"], row["seed"], row["bytes"]) == (1, 1, copy.stat().st_size)
    assert copy.read_bytes() == (run / "lenet5/seed-1/weights-best.safetensors").read_bytes()
    assert load_network(copy)[1] == LENET5_TOLD


def test_a_folder_takes_all_weights_of_a_run(export, tmp_path):
    """Each is named by its model and seed; stdout holds the paths and nothing else."""
    _, out, _ = export("--safetensors", f"{tmp_path}/new/", "--best")
    names = ["lenet5-seed-0.safetensors", "lenet5-seed-1-best.safetensors"]

    assert out.splitlines() == [f"{tmp_path}/new/{name}" for name in names]
    assert sorted(os.listdir(tmp_path / "new")) == names  # noqa: PTH208


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "no format: give --onnx FILE, --safetensors FILE, or both"),
        (["--onnx", "a.onnx"], "2 weights for one file, lenet5 (seed 0), lenet5 (seed 1): choose"),
        (["--onnx", "a", "--model", "vgg11"], "no such weights: there are lenet5 (seed 0), lenet5"),
        (["--onnx", "a", "--seed", "7"], "no such weights"),
        (["--safetensors", "taken", "--seed", "0"], "taken exists: choose another name"),
        (["--safetensors", "taken/a", "--seed", "0"], "cannot write taken/a: "),
        (["--safetensors", "x" * 300, "--seed", "0"], "File name too long"),
    ],
)
def test_what_can_not_be_exported_is_one_line(export, options, message, tmp_path, monkeypatch):
    """It says what there is and what to do; nothing is written and nothing is left behind."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").write_text("mine")
    code, out, err = export(*options)

    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1
    assert os.listdir() == ["taken"]  # noqa: PTH208
    assert (tmp_path / "taken").read_text() == "mine"


def test_a_file_in_the_way_is_replaced_when_told_so(export, tmp_path):
    """`--force` puts the new file in its place."""
    (tmp_path / "taken").write_text("mine")
    code, _, _ = export("--safetensors", tmp_path / "taken", "--seed", 0, "--force")

    assert code == 0
    load_network(tmp_path / "taken")


def test_without_the_extra_one_line_says_how_to_get_it(export, tmp_path, monkeypatch):
    """Before anything is read or written."""
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    code, _, err = export("--onnx", tmp_path / "a.onnx", "--seed", 0)

    assert code == 2
    assert err == "zoo: writing ONNX needs onnxscript: pip install 'zoo-bench[onnx]'\n"


def test_without_onnxruntime_it_is_said_that_nothing_was_compared(export, tmp_path, monkeypatch):
    """The model is written and checked all the same."""
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    code, _, err = export("--onnx", tmp_path / "a.onnx", "--seed", 0)

    assert code == 0
    assert "not compared with torch: onnxruntime is not installed" in err
    onnx.checker.check_model(tmp_path / "a.onnx")


@pytest.mark.parametrize("spoil", [1.01, float("nan")])
def test_a_model_with_other_logits_is_not_kept(spoil, tmp_path, monkeypatch):
    """One per cent is too much, and no number at all is, too."""
    network = Tiny(2).eval()
    translated = onnx_file._translate

    def liar(path: Path, network: nn.Module, shape: tuple[int, int, int]) -> object:
        worse = Tiny(2)
        worse.load_state_dict(network.state_dict())
        with torch.no_grad():
            worse[2].weight.mul_(spoil)
        return translated(path, worse.eval(), shape)

    monkeypatch.setattr(onnx_file, "_translate", liar)

    with pytest.raises(RunError, match=r"a\.onnx not written: its logits differ from torch's by"):
        write_onnx(tmp_path / "a.onnx", network, PUBLISHED)
    assert os.listdir(tmp_path) == []  # noqa: PTH208


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (Crowd(), "not written: its logits differ|Constraints violated"),  # the latter: torch 2.9
        (Pair(), r"not written: its \w+ are fixed to 2"),
    ],
)
def test_a_network_that_is_bound_to_a_number_of_images_is_not_kept(network, message, tmp_path):
    """Whether the graph says so itself, or one image finds it out."""
    with pytest.raises(RunError, match=rf"a\.onnx.*({message})"):
        write_onnx(tmp_path / "a.onnx", network, PUBLISHED)
    assert os.listdir(tmp_path) == []  # noqa: PTH208


def test_a_network_that_no_graph_can_hold_is_one_line(tmp_path, capfd):
    """Torch's pages about it stay unprinted."""
    with pytest.raises(RunError, match=r"torch cannot translate it: \w+") as caught:
        write_onnx(tmp_path / "a.onnx", Branching(), PUBLISHED)
    told = capfd.readouterr()

    assert (told.out, told.err) == ("", "")
    assert "\n" not in str(caught.value)


def test_a_network_beyond_a_file_of_onnx_is_told_before_the_work(tmp_path, monkeypatch):
    """The limit of two gigabytes is ONNX's own, and there is another format."""
    monkeypatch.setattr(onnx_file, "_MOST_BYTES", 100)

    with pytest.raises(RunError, match=r"do not fit into one ONNX file.*use --safetensors"):
        write_onnx(tmp_path / "a.onnx", Tiny(2), PUBLISHED)


def test_the_tiny_network_itself_is_exported(tmp_path):
    """The liars above fail for their lie alone."""
    comparison = write_onnx(tmp_path / "a.onnx", TINY.build(2).eval(), PUBLISHED)

    assert comparison.relative_difference < 1e-5
