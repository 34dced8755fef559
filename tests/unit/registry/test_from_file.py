from __future__ import annotations

import os
import sys
from pathlib import Path
from types import ModuleType

import pytest

import bench
from bench.runs.run_folder import _plain
from bench.training.reproducibility import code_digest
from bench.training.weights import load_network
from registry import Architecture, Catalog, Contract
from registry.errors import ConstructionError, RegistryError, RunError, UnsuitableError
from registry.verify import verify

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


def test_among_several_what_is_no_network_has_its_reason(folder):
    """The others are there; alone, it is an error."""
    sound, broken = Catalog([]).entries(["mynet.py:MyNet", "mynet.py:Deaf"])

    assert sound.value.contract.parameters == 122
    assert broken.found is None
    assert "unexpected keyword argument 'num_classes'" in broken.broken
    with pytest.raises(ConstructionError, match="unexpected keyword argument"):
        Catalog([]).entries(["mynet.py:Deaf"])


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


def test_weights_of_a_network_that_has_changed_since_are_refused(folder, drawn):
    """Training leaves the network's answer in the file; another network gives another one."""
    results = bench.run(
        ["./mynet.py:MyNet"], drawn, runs=folder / "runs", progress=False, isolate=False, **_SHORT
    )
    (path,) = results.folder.rglob("weights.safetensors")
    load_network(path, files=["./mynet.py:MyNet"])
    (folder / "mynet.py").write_text(_NETWORK.replace("AdaptiveAvgPool2d", "AdaptiveMaxPool2d"))

    with pytest.raises(RunError, match=r"network mynet\.py:MyNet answers differently from when"):
        load_network(path, files=["./mynet.py:MyNet"])


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


_MODELS = {
    "one": ("models/__init__.py", "", "models/net.py", "from torch import nn\nWIDTH = 4\n"),
    "two": ("models/__init__.py", "", "models/net.py", "from torch import nn\nWIDTH = 6\n"),
}
_USES_MODELS = """
from torch import nn

class Net(nn.Sequential):
    input_shape = (3, 8, 8)

    def __init__(self, num_classes, depth=1, sizes=(1,)):
        {inside}
        super().__init__(
            nn.Conv2d(3, WIDTH, 8), nn.Flatten(), *[nn.Identity()] * depth,
            nn.Linear(WIDTH, num_classes),
        )
"""
_IMPORT = "from models.net import WIDTH"


@pytest.fixture(params=["early", "lazy"])
def two_folders(tmp_path, monkeypatch, request):
    """Two folders with a file and a package `models` each, of other widths."""
    monkeypatch.chdir(tmp_path)
    for name, (package, empty, module, text) in _MODELS.items():
        (tmp_path / name / "models").mkdir(parents=True)
        (tmp_path / name / package).write_text(empty)
        (tmp_path / name / module).write_text(text)
        file = _USES_MODELS.format(inside=_IMPORT if request.param == "lazy" else "")
        early = f"{_IMPORT}\n" if request.param == "early" else ""
        (tmp_path / name / "net.py").write_text(early + file)
    return tmp_path


def test_two_files_have_each_its_own_neighbours(two_folders):
    """Packages of one name are kept apart, imported with the file or by the constructor."""
    catalog = Catalog([])
    one, two = (catalog.get(f"{name}/net.py:Net").value for name in ("one", "two"))

    assert one.contract.parameters == 3 * 64 * 4 + 4 + 4 * 2 + 2
    assert two.contract.parameters == 3 * 64 * 6 + 6 + 6 * 2 + 2
    for _ in range(2):  # in turn
        assert one.build(2)[0].out_channels == 4
        assert two.build(2)[0].out_channels == 6


def test_a_neighbour_that_only_another_file_has_is_not_there(two_folders):
    """It is said, and not silently taken from the other folder."""
    Catalog([]).get("one/net.py:Net")
    (two_folders / "two" / "models" / "net.py").unlink()

    with pytest.raises(ConstructionError, match=r"No module named 'models.net'"):
        Catalog([]).get("two/net.py:Net")


def test_a_plugins_module_of_a_neighbours_name_is_left_as_it_was(two_folders, monkeypatch):
    """Whoever has imported it goes on with it; the file gets its neighbour."""
    monkeypatch.setitem(sys.modules, "models", theirs := ModuleType("models"))

    assert Catalog([]).get("one/net.py:Net").value.contract.parameters == 782
    assert sys.modules["models"] is theirs


def test_a_class_is_called_with_literal_arguments(two_folders):
    """They are part of its name, in one order and form."""
    (name,) = Catalog([]).resolve(["./one/net.py:Net(sizes=(1, 2),  depth=3)"])
    found = Catalog([]).get(name).value

    assert name == found.name == "one/net.py:Net(depth=3,sizes=(1, 2))"
    assert len(found.build(2)) == 6


def test_two_calls_that_differ_in_signs_have_each_a_folder():
    """A run's folder of a trial is not shared."""
    calls = ["n.py:N(a='x y')", "n.py:N(a='x,y')", "n.py:N"]

    assert len({_plain(call) for call in calls}) == 3
    assert _plain("n.py:N") == "n.py-N"


def test_a_class_without_arguments_has_the_specification_of_before(two_folders):
    """Or else stored digests would change."""
    names = [name for name, _ in Catalog([]).get("one/net.py:Net").value.arguments]

    assert names == ["path", "name"]


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        ("(64)", "write literal keyword arguments, such as"),
        ("(depth=open('x'))", "write literal keyword arguments, such as"),
        ("(**{'depth': 1})", "write literal keyword arguments, such as"),
        ("(depth=1", "is not a class in a file"),
        ("(depth=1)(2)", "write literal keyword arguments, such as"),
        ("(num_classes=3)", "num_classes comes from the data; leave it out"),
    ],
)
def test_arguments_of_another_form_are_refused(folder, call, reason):
    """Nothing is run of them."""
    with pytest.raises(RegistryError, match=reason):
        Catalog([]).resolve([f"mynet.py:MyNet{call}"])


_ODD = """
import torch
from torch import nn
from collections import namedtuple

class Base(nn.Module):
    input_shape = (3, 8, 8)
    def __init__(self, num_classes):
        super().__init__()
        self.head = nn.Linear(192, num_classes)
    def forward(self, images):
        return self.head(images.flatten(1))

class Output:
    def __init__(self, logits):
        self.logits = logits

class Object(Base):
    def forward(self, images):
        return Output(super().forward(images))

class Pair(Base):
    def forward(self, images):
        return super().forward(images), None

class Named(Base):
    def forward(self, images):
        return {"out": super().forward(images)}

class Lazy(Base):
    def __init__(self, num_classes):
        super().__init__(num_classes)
        self.spare = nn.LazyLinear(num_classes)

class Complex(Base):
    def __init__(self, num_classes):
        super().__init__(num_classes)
        self.wave = nn.Parameter(torch.zeros(3, dtype=torch.complex64))

class Broken(Base):
    def __init__(self, num_classes):
        super().__init__(num_classes)
        self.deeper()
    def deeper(self):
        nn.Linear(-1, 2)

class Crooked(Base):
    def forward(self, images):
        return self.head(images)

def scripted(num_classes):
    return torch.jit.script(Base(num_classes))
scripted.input_shape = (3, 8, 8)
"""


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Object", "returns a Output, not a tensor .* return only the logits, its `logits`"),
        ("Pair", r"returns a tuple, .* return only the logits, its \[0\]"),
        ("Named", "returns a dict, .* its .out."),
        ("Lazy", "parameter 'spare.weight' is lazy, and a call gives it no shape: use its layer"),
        ("Complex", "parameter 'wave' is of complex64: use floating-point parameters"),
        ("Broken", r"odd.py:Broken failed with num_classes=2: Runtime.* \(odd.py:\d+, in deeper\)"),
        ("Crooked", r"cannot be run on images of .*: Runtime.* \(odd.py:\d+, in forward\)"),
    ],
)
def test_an_odd_network_is_told_with_its_place_and_what_mends_it(folder, name, reason):
    """By the author's own function and line, not by ours."""
    (folder / "odd.py").write_text(_ODD)

    with pytest.raises(RegistryError, match=reason) as caught:
        Catalog([]).get(f"odd.py:{name}")
    assert "registry." not in str(caught.value)


def test_a_scripted_network_is_measured(folder):
    """It is a module like others."""
    (folder / "odd.py").write_text(_ODD)

    assert Catalog([]).get("odd.py:scripted").value.contract.parameters == 386


@pytest.mark.parametrize("how", ["alone", "later"])
def test_a_module_imported_for_its_shapes_holds_numbers(folder, how):
    """Its first weights are for every later network, whatever imports it: the file or a call."""
    weights = "import torch\nWEIGHTS = torch.ones(2, 3)\n"
    (folder / f"weights_of_{how}.py").write_text(weights)
    imported = f"from weights_of_{how} import WEIGHTS"
    text = "import torch\nfrom torch import nn\n{0}\ndef net(num_classes):\n    {1}\n"
    text += "    network = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 2))\n"
    text += "    network[2].weight = nn.Parameter(WEIGHTS + 1)\n    return network\n"
    first = ("", imported) if how == "later" else (weights, "")
    (folder / f"{how}.py").write_text(text.format(*first) + "net.input_shape = (3, 4, 4)\n")
    described = Architecture(
        name=f"{how}.py:net",
        constructor="registry.from_file:build",
        arguments=(("path", str(folder / f"{how}.py")), ("name", "net")),
        contract=Contract(input_shape=(3, 4, 4), output_shape=(2,), parameters=8),
    )
    verify(described)

    assert described.build(2)[2].weight.device.type == "cpu"
