from __future__ import annotations

import os
from pathlib import Path

import pytest

import bench
from bench.training.reproducibility import code_digest
from bench.training.weights import load_network
from registry import Catalog
from registry.errors import ConstructionError, RegistryError, RunError, UnsuitableError

pytestmark = pytest.mark.usefixtures("hastened_runs")

_NETWORK = '''"""Mine."""
import numbers_of_mine
from dataclasses import dataclass
from torch import nn


@dataclass
class Sizes:
    width: int = numbers_of_mine.WIDTH


class MyNet(nn.Sequential):
    """A small network of mine.

    It has no more to say.
    """

    input_shape = (3, 16, 16)

    def __init__(self, num_classes):
        width = Sizes().width
        super().__init__(
            nn.Conv2d(3, width, 3),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(width, num_classes),
        )


def made(num_classes):
    return MyNet(num_classes)


class Odd(MyNet):
    input_shape = (16, 16)


class Deaf(nn.Module):
    pass


NUMBER = 7
'''
_SHORT = {"epochs": 1, "threads": 1, "layout": "contiguous"}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The present folder, with a file of networks and one that it imports."""
    (tmp_path / "mynet.py").write_text(_NETWORK)
    (tmp_path / "numbers_of_mine.py").write_text("WIDTH = 4\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_class_in_a_file_is_an_architecture(folder):
    """Its input size is what it says, its contract what it has; files beside it are found."""
    entry = Catalog([]).get("./mynet.py:MyNet")

    assert entry.name == "mynet.py:MyNet"
    assert entry.value.contract.input_shape == (3, 16, 16)
    assert entry.value.contract.parameters == 122
    assert entry.value.contract_by == "measured"
    assert entry.value.source == "A small network of mine."
    assert str(entry.origin).startswith("mynet.py sha256:")


def test_a_file_without_a_class_says_what_to_write():
    """Not the nearest name of something else."""
    with pytest.raises(RegistryError, match="is not a class in a file: write"):
        Catalog.installed().resolve(["my.py"])


def test_a_function_in_a_file_is_one_too(folder):
    """Of the usual input size, as it says none."""
    contract = Catalog([]).get("mynet.py:made").value.contract

    assert (contract.input_shape, contract.parameters) == ((3, 224, 224), 122)


def test_one_class_by_several_paths_is_one(folder):
    """`./mynet.py`, `mynet.py` and the whole path are one file."""
    paths = ["./mynet.py:MyNet", "mynet.py:MyNet", f"{folder}/mynet.py:MyNet"]

    assert Catalog([]).resolve(paths) == ("mynet.py:MyNet",)


def test_two_files_of_one_name_are_two(folder):
    """Each is called by its path."""
    (folder / "other").mkdir()
    (folder / "other" / "mynet.py").write_text(
        "from torch import nn\nclass MyNet(nn.Flatten): ...\n"
    )
    names = Catalog([]).resolve(["mynet.py:MyNet", "other/mynet.py:MyNet"])

    assert names == ("mynet.py:MyNet", "other/mynet.py:MyNet")


@pytest.mark.parametrize(
    ("name", "error", "reason"),
    [
        ("none.py:MyNet", RegistryError, "no file none.py"),
        ("mynet.py:", RegistryError, "is not a class in a file: write ./mynet.py:MyNet"),
        ("mynet.py:MyNot", ConstructionError, "mynet.py has no class or function 'MyNot'"),
        ("mynet.py:NUMBER", ConstructionError, "mynet.py has no class or function 'NUMBER'"),
        ("mynet.py:Odd", ConstructionError, r"its input_shape must be (C, H, W), not (16, 16)"),
        ("mynet.py:Deaf", ConstructionError, "unexpected keyword argument 'num_classes'"),
        ("exits.py:Net", ConstructionError, "exits.py could not be run: SystemExit: 3"),
        ("typo.py:Net", ConstructionError, "typo.py could not be run: SyntaxError"),
        ("wrong.py:Flat", UnsuitableError, "output (2, 3, 224, 224) for 2 images"),
    ],
)
def test_what_is_no_network_is_told(folder, name, error, reason):
    """One line that names the file and what is wrong with it."""
    (folder / "exits.py").write_text("raise SystemExit(3)\n")
    (folder / "typo.py").write_text("class Net(:\n")
    (folder / "wrong.py").write_text(
        "from torch import nn\nclass Flat(nn.Identity):\n  def __init__(self, num_classes):\n"
        "    super().__init__()\n"
    )
    with pytest.raises(error) as caught:
        Catalog([]).get(name)

    assert reason in str(caught.value)


def test_what_has_changed_in_a_file_is_another_code(folder):
    """A run can't be gone on with as if nothing had happened."""
    before = Catalog([]).get("mynet.py:MyNet").value
    digest = code_digest(before)
    (folder / "mynet.py").write_text(_NETWORK.replace("nn.Flatten()", "nn.ReLU(), nn.Flatten()"))
    after = Catalog([]).get("mynet.py:MyNet").value

    assert digest != code_digest(after)
    assert len(after.build(num_classes=2)) == len(before.build(num_classes=2)) == 5


def test_a_network_from_a_file_is_trained_in_a_process_of_its_own(folder, drawn):
    """Beside a built-in, in the same table; its folder in the run has a plain name."""
    results = bench.run(
        ["./mynet.py:MyNet", "lenet5"], drawn, runs=folder / "runs", progress=False, **_SHORT
    )
    row = results.frame.set_index("model").loc["mynet.py:MyNet"]

    assert row["status"] == "ok", row["error"]
    assert str(row["contract"]).startswith("measured")
    assert str(row["origin"]).startswith("mynet.py sha256:")
    assert (results.folder / "mynet.py-MyNet" / "seed-0" / "weights.safetensors").is_file()
    assert os.listdir(folder / "runs") == [Path(results.folder).name]  # noqa: PTH208


def test_weights_can_not_have_a_file_run(folder, drawn):
    """Who predicts names the file; what weights say of themselves is not trusted so far."""
    results = bench.run(
        ["./mynet.py:MyNet"], drawn, runs=folder / "runs", progress=False, isolate=False, **_SHORT
    )
    (path,) = results.folder.rglob("weights.safetensors")

    with pytest.raises(RunError, match=r"If you trust this file, add --network mynet\.py:MyNet"):
        load_network(path)
    network, published = load_network(path, files=["./mynet.py:MyNet"])
    assert published.model == "mynet.py:MyNet"
    assert len(network) == 4
