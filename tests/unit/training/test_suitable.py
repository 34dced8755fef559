"""Networks that raise in one memory format, and answers that depend on more than the picture."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from drawn_folder import draw_folder
from torch import nn

import bench
from bench.data.transform import normalize_batch
from bench.training.memory_format import black_images, choose_layout, layout_taken
from bench.training.suitable import doubts, gives_probabilities
from registry import Architecture, Contract, Normalization
from zoo import LENET5

pytestmark = pytest.mark.usefixtures("hastened_runs")
_FLOAT = torch.float32


class Viewing(nn.Module):
    """A public LeNet's habit: `x.view` of pooled maps, which needs contiguous strides."""

    channels = 3

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(self.channels, 4, 3)
        self.pool = nn.MaxPool2d(2)
        self.head = nn.Linear(4 * 7 * 7, num_classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits."""
        pooled = self.pool(self.convolution(images).relu())
        return self.head(pooled.view(-1, 4 * 7 * 7))


class GreyViewing(Viewing):
    """It for grey images."""

    channels = 1


class ViewingInTest(Viewing):
    """It where only evaluation needs contiguous strides."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits."""
        pooled = self.pool(self.convolution(images).relu())
        return self.head(pooled.flatten(1) if self.training else pooled.view(-1, 4 * 7 * 7))


class Softmaxed(Viewing):
    """It with a softmax."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return probabilities."""
        return super().forward(images).softmax(1)


class Dropping(Viewing):
    """It with a dropout that stays on."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits of chance."""
        return nn.functional.dropout(super().forward(images), 0.5)


class Neighbourly(Viewing):
    """It with answers that depend on the batch."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits less the batch's mean."""
        logits = super().forward(images)
        return logits - logits.mean(0)


def _architecture(kind: type[nn.Module]) -> Architecture:
    channels = kind.channels
    parameters = sum(each.numel() for each in kind(2).parameters())
    shape = (channels, 16, 16)
    return Architecture(
        name=kind.__name__.lower(),
        constructor=f"{__name__}:{kind.__name__}",
        contract=Contract(input_shape=shape, output_shape=(2,), parameters=parameters),
    )


def _chosen(kind: type[nn.Module], folder) -> str:
    return choose_layout(
        _architecture(kind),
        "here 1.0",
        device=torch.device("cpu"),
        precision=_FLOAT,
        threads=1,
        folder=folder,
    )


@pytest.mark.parametrize("kind", [Viewing, ViewingInTest, GreyViewing])
@pytest.mark.parametrize("kept", [True, False])
def test_a_network_that_raises_in_channels_last_gets_the_other(tmp_path, here, kind, kept):
    """Whether the choice is kept in the cache or not, and if only evaluation raises."""
    assert _chosen(kind, tmp_path if kept else None) == "contiguous"


@pytest.fixture
def here(monkeypatch):
    """This module, where a constructor finds it."""
    monkeypatch.setitem(__import__("sys").modules, __name__, __import__("sys").modules[__name__])


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """One run of networks that this file has."""
    import sys

    kinds = (Viewing, GreyViewing, Softmaxed, Dropping, Neighbourly)
    said, folder = [], tmp_path_factory.mktemp("suitable")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, __name__, sys.modules[__name__])
        patch.setattr("bench.runs.progress.Progress.say", lambda self, text: said.append(text))
        found = bench.run(
            [*map(_architecture, kinds), LENET5],
            draw_folder(folder / "drawn"),
            runs=folder / "runs",
            epochs=1,
            threads=1,
            progress=False,
            isolate=False,
            recipe="demo",
        )
    return {each.model: each for each in found.records}, said


@pytest.mark.parametrize("model", ["viewing", "greyviewing"])
def test_a_network_that_views_is_trained_by_default(results, model):
    """In contiguous memory format, grey images with the strides that it needs."""
    record = results[0][model]

    assert (record.status, record.error) == ("ok", "")
    assert record.layout == "contiguous"


@pytest.mark.parametrize("model", ["dropping", "neighbourly"])
def test_answers_that_depend_on_more_than_the_picture_mark_the_row(results, model):
    """By chance, or by the other images of the batch."""
    (mark,) = results[0][model].marks

    assert mark.startswith({"dropping": "other answers when asked twice",
                            "neighbourly": "other answers in other batches"}[model])  # fmt: skip


@pytest.mark.parametrize("model", ["viewing", "softmaxed", "lenet5"])
def test_answers_of_the_picture_alone_leave_the_row_unmarked(results, model):
    """A softmax is no reason against it."""
    assert results[0][model].marks == ()


def test_probabilities_are_remarked_on(results):
    """For the network that returns them, and no other."""
    remarks = [text for text in results[1] if "its outputs are probabilities" in text]

    assert [text.partition(":")[0] for text in remarks] == ["softmaxed"]


class Answering(nn.Module):
    """Answers what it was made with."""

    def __init__(self, answer: list[float]) -> None:
        super().__init__()
        self.answer = torch.tensor([answer])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.answer


@pytest.mark.parametrize(("answer", "expected"), [([1.5, -0.5], False), ([0.25, 0.75], True)])
def test_rows_that_sum_to_one_by_logits_are_none(answer, expected):
    """A negative value is no probability."""
    assert gives_probabilities(Answering(answer), torch.zeros(1, 3, 8, 8), _FLOAT) is expected


def test_asking_twice_changes_no_random_state():
    """Or a trial would go on differently."""
    before = torch.get_rng_state()
    network = Dropping(2)
    torch.set_rng_state(before)
    found = list(doubts(network, torch.rand(4, 3, 16, 16, generator=torch.Generator()), _FLOAT))

    assert found
    assert torch.equal(torch.get_rng_state(), before)


def test_a_trained_network_is_predicted_with_in_the_layout_that_it_takes():
    """For weights the layout is not recorded."""
    grey = GreyViewing(2).eval()

    assert layout_taken(Viewing(2).eval(), black_images(2, (3, 16, 16)), _FLOAT) == "contiguous"
    assert layout_taken(nn.Flatten(), black_images(2, (3, 16, 16)), _FLOAT) == "channels_last"
    assert layout_taken(grey, black_images(2, (1, 16, 16)), _FLOAT) == "contiguous"
    assert grey(black_images(2, (1, 16, 16))).shape == (2, 2)


def test_black_images_have_the_strides_of_decoded_ones():
    """Grey ones, too, whose strides say more than their layout."""
    grey = Normalization(mean=(0.5,), std=(0.5,))
    decoded = normalize_batch([np.zeros((16, 16, 1), "uint8")] * 2, grey, "contiguous")

    assert black_images(2, (1, 16, 16)).stride() == decoded.stride()
