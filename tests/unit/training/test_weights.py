from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from fuzz_weights import PUBLISHED, TINY, Tiny, digest
from safetensors.torch import load_file, save_file

from bench.data.transform import GREY
from bench.training.weights import load_network, read_metadata, save_weights
from registry.architecture import Contract
from registry.errors import RunError


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """The weights of a tiny network."""
    torch.manual_seed(0)
    path = tmp_path / "weights.safetensors"
    save_weights(path, Tiny(2).state_dict(), PUBLISHED)
    return path


def _forge(path: Path, **changes: object) -> None:
    """Write other metadata to `path`, with a digest that fits."""
    state = load_file(path)
    text = json.dumps(json.loads(PUBLISHED.as_json()) | changes)
    save_file(state, path, metadata={"zoo": text, "sha256": digest(text, state)})


def _refused(path: Path) -> str:
    with pytest.raises(RunError, match=re.escape(str(path))) as caught:
        load_network(path, TINY)
    return str(caught.value)


def test_what_is_saved_comes_back(weights):
    """Every tensor and every word; a normalisation is told beside them."""
    network, published = load_network(weights, TINY)
    torch.manual_seed(0)

    assert published == PUBLISHED == read_metadata(weights)
    assert published.normalization == GREY
    assert not network.training
    for name, tensor in Tiny(2).state_dict().items():
        assert torch.equal(network.state_dict()[name], tensor)


@pytest.mark.parametrize("name", ["caf\udce9/weights.safetensors", "caf\udce9/caf\udce9"])
def test_a_name_that_is_no_utf_8_holds_weights(name, tmp_path):
    """They are saved there and read from there, though safetensors knows no such name."""
    path = tmp_path / name
    try:
        path.parent.mkdir()
    except OSError:
        pytest.skip("this file system takes only UTF-8")
    save_weights(path, Tiny(2).state_dict(), PUBLISHED)

    assert load_network(path, TINY)[1] == PUBLISHED
    assert os.listdir(path.parent) == [path.name]  # noqa: PTH208


def test_nothing_is_left_beside_a_file_that_was_saved(weights):
    """It was written aside, under a name that is gone."""
    assert os.listdir(weights.parent) == [weights.name]  # noqa: PTH208


def test_a_failed_save_leaves_the_old_file(weights):
    """What can't be written is removed, and what was there stays readable."""
    shared = torch.zeros(4)

    with pytest.raises(RuntimeError, match="share memory"):
        save_weights(weights, {"a": shared, "b": shared}, PUBLISHED)
    assert os.listdir(weights.parent) == [weights.name]  # noqa: PTH208
    load_network(weights, TINY)


def test_one_flipped_bit_is_noticed(weights):
    """In the last number, where the format itself can't know."""
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)

    assert "is damaged: its SHA-256" in _refused(weights)


@pytest.mark.parametrize("kept", [0, 7, 9, 200, -1])
def test_a_truncated_file_is_refused(weights, kept):
    """Wherever it is cut."""
    weights.write_bytes(weights.read_bytes()[:kept])

    assert "holds no weights of `zoo bench`" in _refused(weights)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"classes": "cat"}, "classes is not a list"),
        ({"classes": ["cat"]}, "classes is not a list of 2 to 100,000"),
        ({"classes": ["cat", 1]}, "classes is not a text"),
        ({"classes": ["cat", "cat"]}, "contains a name twice"),
        ({"classes": ["x"] * 100_001}, "classes is not a list of 2 to 100,000"),
        ({"epoch": True}, "epoch is not a whole number"),
        ({"epoch": -1}, "epoch is not a whole number"),
        ({"origin": None}, "origin is not a text"),
        ({"model": "x" * 1001}, "model is not a text of at most 1,000 characters"),
        ({"architecture": []}, "architecture is not an object"),
        ({"architecture": {"contract": {}}}, "input_shape is not a list of length 3"),
        ({"mean": [0.5]}, "mean and std"),
        ({"std": [float("nan")]}, "mean and std"),
        ({"code": 1}, "code is not a text"),
        ({"logits": 0.5}, "logits is not a list of one number for each class"),
        ({"logits": [0.5]}, "logits is not a list of one number for each class"),
        ({"logits": [0.5, True]}, "logits is not a list of finite numbers"),
        ({"logits": [0.5, float("inf")]}, "logits is not a list of finite numbers"),
        ({"std": "0.2"}, "std is not a list of numbers"),
    ],
)
def test_metadata_that_can_not_be_is_refused(weights, changes, message):
    """The line names the field, even where the digest fits."""
    _forge(weights, **changes)

    assert message in _refused(weights)


def test_metadata_without_end_is_refused(weights):
    """Brackets nested a hundred thousand deep are an error, no crash."""
    state, text = load_file(weights), "[" * 100_000
    save_file(state, weights, metadata={"zoo": text, "sha256": digest(text, state)})

    assert "nested too deeply" in _refused(weights)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("2.bias"), "2.bias is missing"),
        (lambda s: s.update(more=torch.zeros(1)), "more is unexpected"),
        (lambda s: s.update({"2.bias": torch.zeros(3)}), "2.bias is 3 float32, not 2 float32"),
        (lambda s: s.update({"2.bias": torch.zeros(2).half()}), "is 2 float16, not 2 float32"),
        (lambda s: s.update({"2.bias": torch.zeros(2) / 0}), "not finite, in 2.bias"),
        (lambda s: s["2.bias"].fill_(float("inf")), "not finite, in 2.bias"),
        (lambda s: [s.pop(name) for name in [*s][:5]], "and 2 more"),
    ],
)
def test_tensors_of_another_network_are_refused(weights, change, message):
    """Missing, too many, of another shape or type, or no numbers: the line names the tensor."""
    state = load_file(weights)
    change(state)
    save_weights(weights, state, PUBLISHED)

    assert message in _refused(weights)


def test_an_architecture_that_promises_something_else_is_told(weights):
    """A file for other images would load, and answer wrongly: both contracts are named."""
    other = Contract(input_shape=(1, 2, 8), output_shape=(2,), parameters=40)

    with pytest.raises(RunError, match=r"1x4x4, .* -> 2 classes.*installed is 1x2x8, .* -> 2 cl"):
        load_network(weights, replace(TINY, contract=other))
    with pytest.raises(RunError, match="weights of 'tiny', not of 'huge'"):
        load_network(weights, replace(TINY, name="huge"))


def test_a_pipe_is_not_waited_for(tmp_path):
    """What is no regular file is refused at once."""
    os.mkfifo(tmp_path / "weights.safetensors")

    assert "no weights at" in _refused(tmp_path / "weights.safetensors")
