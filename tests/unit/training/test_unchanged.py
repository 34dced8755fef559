"""A network is compared with the one that was trained before its weights are used."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from fuzz_weights import PUBLISHED, TINY

from bench.training.reproducibility import code_digest
from bench.training.sample_answer import sample_answer
from bench.training.weights import load_network, read_metadata, save_weights
from registry.architecture import Architecture
from registry.errors import RunError

_NETWORK = """
from torch import nn
from tinyparts import Activation

class Net(nn.Sequential):
    def __init__(self, num_classes):
        super().__init__(nn.Flatten(), nn.Linear(16, 4), Activation(), nn.Linear(4, num_classes))
"""
_PARTS = "from torch import nn\nActivation = nn.{0}\n"


@pytest.fixture
def known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Architecture:
    """A network of a package that this test writes."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "tinynet.py").write_text(_NETWORK)
    (tmp_path / "tinyparts.py").write_text(_PARTS.format("ReLU"))
    return _installed(monkeypatch)


def _installed(monkeypatch: pytest.MonkeyPatch) -> Architecture:
    """Return the network as a new Python would import it."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # two versions within a second
    for name in ("tinynet", "tinyparts"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return replace(TINY, constructor="tinynet:Net")


@pytest.fixture
def weights(known: Architecture, tmp_path: Path) -> Callable[..., Path]:
    """Save weights with the network's answer and code, or with others."""

    def save(**changes: object) -> Path:
        torch.manual_seed(0)
        network = known.build(num_classes=2)
        logits = sample_answer(network, known.contract.input_shape)
        told = replace(PUBLISHED, architecture=known, code=code_digest(known), logits=logits)
        path = tmp_path / "weights.safetensors"
        save_weights(path, network.state_dict(), replace(told, **changes))
        return path

    return save


@pytest.fixture
def change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Architecture]:
    """Write another `tinyparts.py`, and return the network that is installed now."""

    def call(text: str) -> Architecture:
        (tmp_path / "tinyparts.py").write_text(text)
        return _installed(monkeypatch)

    return call


def test_an_unchanged_network_is_loaded_without_a_word(weights, known):
    """Its code and its answer are in the file, and both are the same."""
    told = []
    _, published = load_network(weights(), known, say=told.append)

    assert published.code == code_digest(known)
    assert len(published.logits) == 2
    assert told == []


def test_a_network_that_answers_differently_is_refused(weights, change):
    """By its name, with what differs; the tensors would fit."""
    path = weights()
    known = change(_PARTS.format("Tanh"))

    with pytest.raises(RunError, match="the network tiny answers differently from when it") as told:
        load_network(path, known)
    assert re.search(r"logit -?\d\S* instead of -?\d", str(told.value))
    assert "(the code of tiny has changed)" in str(told.value)
    assert str(path) in str(told.value)
    assert "\n" not in str(told.value)


def test_changed_code_with_the_same_answer_is_told(weights, change):
    """A comment changes no network: its weights are of use, and one line says what changed."""
    path, told = weights(), []
    load_network(path, change(_PARTS.format("ReLU") + "# a comment"), say=told.append)

    (line,) = told
    assert "the code of tiny has changed, but the network answers as it did" in line


def test_changed_code_is_a_warning_in_python(weights, change):
    """Where nobody listens, nothing is silent."""
    path = weights()

    with pytest.warns(UserWarning, match="the code of tiny has changed"):
        load_network(path, change(_PARTS.format("ReLU") + "# a comment"))


def test_changed_code_without_an_answer_is_refused(weights, change):
    """Of a network without a certain answer, only the code can be compared."""
    path = weights(logits=None)
    known = change(_PARTS.format("ReLU") + "# a comment")

    with pytest.raises(RunError, match=r"the network tiny has changed since it was trained: the c"):
        load_network(path, known)


def test_code_that_is_not_found_is_told(weights, known, monkeypatch):
    """It is not taken for the same, though the answer is."""
    path, told = weights(), []
    monkeypatch.setattr("bench.training.unchanged.code_digest", lambda known: None)
    load_network(path, known, say=told.append)

    assert "the code of tiny cannot be found, but the network answers as it did" in told[0]


def test_weights_of_earlier_versions_are_read(weights, change):
    """They say nothing of code and answers, and their bytes are as they were."""
    path, told = weights(code=None, logits=None), []
    load_network(path, change(_PARTS.format("Tanh")), say=told.append)

    assert told == []
    assert not {"code", "logits"} & json.loads(read_metadata(path).as_json()).keys()


def test_a_network_that_answers_no_more_is_refused(weights, change):
    """No certain answer is another answer."""
    path = weights()
    random = "from torch import nn\nclass Activation(nn.Module):\n  def forward(self, x):\n"
    known = change(random + "    return nn.functional.dropout(x)")

    with pytest.raises(RunError, match=r"answers differently .*: it has no certain logits"):
        load_network(path, known)
