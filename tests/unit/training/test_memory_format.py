from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
from torch import nn

import bench
import registry
from bench.data.transform import MEMORY_FORMATS
from bench.training import memory_format as layout
from bench.training.memory_format import choose_layout
from registry.errors import RunError
from zoo import LENET5

_LENET = replace(LENET5, name="mine")


class Raising(nn.Module):
    """A network that can't be run."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Fail."""
        raise SystemExit(3)


def _choose(folder, architecture=_LENET, origin="here 1.0", threads=1):
    return choose_layout(
        architecture,
        origin,
        device=torch.device("cpu"),
        precision=torch.float32,
        threads=threads,
        folder=folder,
    )


@pytest.fixture
def timed(monkeypatch):
    """Says how long a step takes in each layout, and counts the trials."""
    calls = []

    def answer(seconds):
        def fake(*_):
            calls.append(1)
            return seconds

        monkeypatch.setattr(layout, "_step_seconds", fake)
        return calls

    return answer


@pytest.mark.parametrize("faster", ["channels_last", "contiguous"])
def test_the_faster_layout_is_chosen_and_kept(tmp_path, timed, faster):
    """It is tried once; whatever a second trial would say, the answer stays."""
    other = {"channels_last": "contiguous", "contiguous": "channels_last"}[faster]
    calls = timed({faster: 1.0, other: 2.0})

    assert _choose(tmp_path) == faster
    timed({faster: 2.0, other: 1.0})
    assert _choose(tmp_path) == faster
    assert len(calls) == 1


def test_another_version_or_number_of_threads_is_tried_anew(tmp_path, timed):
    """What could change the answer is asked again."""
    calls = timed({"channels_last": 1.0, "contiguous": 2.0})
    _choose(tmp_path)
    _choose(tmp_path, origin="here 1.1")
    _choose(tmp_path, threads=2)

    assert len(calls) == 3


def test_a_real_trial_times_both_and_changes_nothing(tmp_path):
    """The random state and the threads are as before, the times are in the file."""
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    threads = torch.get_num_threads()
    chosen = _choose(tmp_path)
    (path,) = (tmp_path / "layouts").iterdir()
    told = json.loads(path.read_text())

    assert torch.equal(torch.rand(1), expected)
    assert torch.get_num_threads() == threads
    assert told["choice"] == chosen == min(told["step_seconds"], key=told["step_seconds"].get)
    assert min(told["step_seconds"].values()) > 0


def test_a_network_that_fails_gets_the_plain_one(tmp_path):
    """Its own trial will say why; nothing is kept."""
    architecture = replace(_LENET, constructor=f"{__name__}:Raising")

    assert _choose(tmp_path, architecture) == "contiguous"
    assert not (tmp_path / "layouts").exists()


@pytest.mark.parametrize("content", ["", "[]", '{"choice": "sideways"}'])
def test_a_damaged_answer_is_asked_again(tmp_path, timed, content):
    """Whatever stands in the file."""
    timed({"channels_last": 2.0, "contiguous": 1.0})
    _choose(tmp_path)
    (path,) = (tmp_path / "layouts").iterdir()
    path.write_text(content)

    assert _choose(tmp_path) == "contiguous"


def test_a_layout_changes_no_result_beyond_rounding(drawn, tmp_path):
    """Two trials of one seed, one in each memory order, see and learn the same."""
    losses = []
    for name in layout.LAYOUTS:
        given = {"epochs": 2, "progress": False, "runs": tmp_path / "runs", "isolate": False}
        results = bench.run(["lenet5"], drawn, layout=name, **given)
        assert results.records[0].layout == name
        losses.append([epoch.train_loss for epoch in results.records[0].history])

    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


@pytest.mark.parametrize(
    ("field", "option", "known"),
    [("layout", "--memory-format", "auto"), ("fidelity", "--fidelity", "exact, fast")],
)
def test_unknown_choices_are_told(drawn, tmp_path, field, option, known):
    """One line names those that there are, by the name of the option."""
    with pytest.raises(RunError, match=f"unknown {option} 'x': use one of {known}"):
        bench.run(["lenet5"], drawn, runs=tmp_path, **{field: "x"})


@pytest.mark.parametrize("name", ["lenet", "alexnet"])
def test_both_layouts_give_the_same_loss_and_gradients(name):
    """Equal to the rounding of float32, weight for weight."""
    architecture = registry.get(name)
    losses, gradients = [], []
    for chosen in layout.LAYOUTS:
        memory_format = MEMORY_FORMATS[chosen]
        torch.manual_seed(0)
        network = architecture.build(num_classes=2).to(memory_format=memory_format).eval()
        torch.manual_seed(1)
        images = torch.randn(2, *architecture.contract.input_shape)
        logits = network(images.contiguous(memory_format=memory_format))
        loss = nn.functional.cross_entropy(logits, torch.tensor([0, 1]))
        loss.backward()
        losses.append(loss.detach())
        gradients.append([parameter.grad for parameter in network.parameters()])

    torch.testing.assert_close(*losses, rtol=1e-5, atol=1e-6)
    for first, second in zip(*gradients, strict=True):
        torch.testing.assert_close(first, second, rtol=1e-3, atol=1e-5 * first.abs().max().item())
