from __future__ import annotations

import json
import sys
from dataclasses import FrozenInstanceError, replace

import msgspec
import pytest

from registry import Architecture, Contract, Deviation, Origin
from registry.errors import ConstructionError
from zoo import LENET5, LENET_AS_PRINTED


def test_an_architecture_is_a_value():
    """Two equal descriptions are one value, and it can't be changed."""
    assert replace(LENET5) == LENET5
    with pytest.raises(FrozenInstanceError):
        LENET5.name = "other"  # type: ignore[misc]


@pytest.mark.parametrize("name", ["", "LeNet", "5lenet", "my-net", "a b", "x[/red]"])
def test_a_name_is_plain(name):
    """A name is lower-case letters, digits and _, a letter first."""
    with pytest.raises(ValueError, match="name must be like"):
        replace(LENET5, name=name)


@pytest.mark.parametrize("constructor", ["zoo.lenet", "zoo.lenet:", ":LeNet5", "os; x:y"])
def test_a_constructor_says_module_and_object(constructor):
    """Anything but `module:object` is refused when the value is made."""
    with pytest.raises(ValueError, match="constructor must be 'module:object'"):
        replace(LENET5, constructor=constructor)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("input_shape", (224, 224), "input_shape must be"),
        ("input_shape", (3, 0, 224), "input_shape must be"),
        ("output_shape", (), "output_shape must be"),
        ("output_shape", (2, 2), "output_shape must be"),
        ("parameters", -1, "parameters must not be negative"),
    ],
)
def test_a_contract_makes_sense(field, value, message):
    """Shapes of no image, no classes, or a negative count are refused when the value is made."""
    with pytest.raises(ValueError, match=message):
        replace(Contract(input_shape=(3, 8, 8), output_shape=(2,), parameters=1), **{field: value})


def test_a_deviation_says_its_reason():
    """A promise is broken on purpose, or it is a fault."""
    with pytest.raises(ValueError, match="a deviation from 'logits' needs a reason"):
        Deviation(check="logits", reason=" ")


def test_deviations_stay_through_json():
    """Records of runs hold architectures."""
    plain = json.loads(json.dumps(msgspec.to_builtins(LENET_AS_PRINTED)))

    assert LENET_AS_PRINTED.deviations
    assert msgspec.convert(plain, Architecture) == LENET_AS_PRINTED


def test_a_network_is_built_for_the_classes_asked():
    """The head follows the data's number of classes, not the contract's."""
    assert LENET5.build(num_classes=7).fc3.out_features == 7


@pytest.mark.parametrize(
    ("constructor", "message"),
    [
        ("nowhere:Net", "could not be imported: ModuleNotFoundError"),
        ("zoo.lenet:Missing", "could not be imported: AttributeError"),
        ("zoo:__version__", "is a str, not callable"),
        ("builtins:int", "failed with num_classes=2: TypeError"),
        ("builtins:dict", "returned a dict, not a torch.nn.Module"),
    ],
)
def test_a_constructor_that_gives_no_network_is_told(constructor, message):
    """Each way of failing names the constructor and what happened."""
    broken = Architecture(name="broken", constructor=constructor, contract=LENET5.contract)

    with pytest.raises(ConstructionError, match=message):
        broken.build(num_classes=2)


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A function that writes a module of a plugin's, gone again after the test."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(name, text):
        (tmp_path / f"{name}.py").write_text(text)
        return Architecture(name=name, constructor=f"{name}:Net", contract=LENET5.contract)

    yield write
    for path in tmp_path.glob("*.py"):
        sys.modules.pop(path.stem, None)


def test_a_network_that_exits_at_import_is_told(module):
    """A module that ends the process is an error like another, not a silent success."""
    leaving = module("leaving", "raise SystemExit(0)\n")

    with pytest.raises(ConstructionError, match="could not be imported: SystemExit: 0"):
        leaving.load()


def test_an_interrupt_is_no_failure_of_the_network(module):
    """Ctrl-C while a network is imported stops the command."""
    interrupted = module("interrupted", "raise KeyboardInterrupt('now')\n")

    with pytest.raises(KeyboardInterrupt, match="now"):
        interrupted.load()


def test_a_talking_network_leaves_stdout_clean(module, capsys):
    """What is printed at import and while it is built goes to stderr: stdout may be JSON."""
    talking = module(
        "talking",
        "from torch import nn\nprint('imported')\n"
        "def Net(num_classes):\n    print('built')\n    return nn.Flatten()\n",
    )
    talking.build(num_classes=2)

    assert capsys.readouterr() == ("", "imported\nbuilt\n")


def test_an_origin_without_a_version_ends_with_its_name():
    """Half-removed distributions have none."""
    assert str(Origin(distribution="unknown", version="")) == "unknown"
