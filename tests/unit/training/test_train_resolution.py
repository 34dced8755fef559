from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import pytest
import torch
from torch import nn

import bench
from bench.training.recipe import DEMO, Recipe
from bench.training.train_resolution import smaller_shape, takes
from registry.architecture import Architecture, Contract
from registry.errors import RunError
from zoo import ALEXNET, LENET


class Pooled(nn.Module):
    """Takes images of any size, and keeps the sizes that it was trained and tested on."""

    seen: ClassVar[set[tuple[bool, int]]] = set()

    def __init__(self, num_classes=2):
        super().__init__()
        self.convolution = nn.Conv2d(3, 4, 3)
        self.dropout = nn.Dropout()
        self.linear = nn.Linear(4, num_classes)

    def forward(self, images):
        """Return logits (N, K)."""
        if images.device.type == "cpu":
            self.seen.add((self.training, images.shape[-1]))
        return self.linear(self.dropout(self.convolution(images).mean((2, 3))))


class Flat(Pooled):
    """Takes one size alone."""

    def forward(self, images):
        """Return logits (N, K)."""
        return super().forward(images + torch.zeros(3, 64, 64, device=images.device))


def _architecture(kind):
    contract = Contract(input_shape=(3, 64, 64), output_shape=(2,), parameters=122)
    return Architecture(
        name=kind.__name__.lower(), constructor=f"{__name__}:{kind.__name__}", contract=contract
    )


@pytest.mark.parametrize(
    ("side", "share", "smaller"),
    [(256, 0.75, 192), (224, 0.75, 160), (299, 0.75, 224), (32, 0.75, 32), (28, 0.1, 28),
     (256, 1.0, 256), (227, 1.0, 227), (227, 0.99, 224)],
)  # fmt: skip
def test_sides_are_multiples_of_32(side, share, smaller):
    """A side is that of the nearest multiple, and never none."""
    found = smaller_shape((3, side, 2 * side), share)

    assert found[1] == smaller


def test_whether_a_network_takes_a_size_is_found_without_changing_it():
    """AlexNet pools adaptively, LeNet flattens; weights, mode and random state stay."""
    torch.manual_seed(1)
    alexnet, lenet = (each.build(num_classes=2).train() for each in (ALEXNET, LENET))
    before = torch.random.get_rng_state()

    assert takes(alexnet, torch.zeros(2, 3, 192, 192), torch.float32)
    assert not takes(lenet, torch.zeros(2, 3, 160, 160), torch.float32)
    assert takes(lenet, torch.zeros(2, 3, 224, 224), torch.float32)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert alexnet.training
    assert lenet.training


def test_training_images_are_smaller_where_they_are_taken(drawn, tmp_path):
    """Training is on 32x32, validation and test on 64x64; the record says so."""
    recipe = replace(DEMO, epochs=1, train_resolution=0.5, initialization="own")
    models = [_architecture(Pooled), _architecture(Flat)]
    Pooled.seen.clear()
    results = bench.run(
        models,
        drawn,
        recipe=recipe,
        isolate=False,
        runs=tmp_path,
        progress=False,
        layout="contiguous",
    )

    shapes = {record.model: record.training_shape for record in results.records}
    assert shapes == {"pooled": (3, 32, 32), "flat": (3, 64, 64)}
    assert {(True, 32), (False, 64), (True, 64)} <= Pooled.seen
    assert dict(results.frame.set_index("model")["training_side"].dropna()) == {
        "pooled": 32,
        "flat": 64,
    }
    assert results.exit_code == 0


def test_sizes_of_several_parts_follow_each_other(drawn, tmp_path):
    """Half of the steps are on 32x32, half on 64x64; what a network refuses is left out."""
    recipe = replace(DEMO, epochs=3, train_resolution=(0.5, 1.0), initialization="own")
    seen = []

    class Kept(Pooled):
        def forward(self, images):
            if self.training:
                seen.append(images.shape[-1])
            return super().forward(images)

    globals()["Kept"] = Kept
    models = [_architecture(Kept), _architecture(Flat)]
    results = bench.run(models, drawn, recipe=recipe, isolate=False, runs=tmp_path, progress=False)
    steps = {record.model: record.steps for record in results.records}

    trained = seen[-steps["kept"] :]
    assert trained == sorted(trained)
    assert trained.count(32) == -(-steps["kept"] // 2)
    assert {record.model: record.training_shape for record in results.records} == {
        "kept": (3, 64, 64),
        "flat": (3, 64, 64),
    }
    assert results.exit_code == 0


@pytest.mark.parametrize("share", [0, -1, 1.5, (), (0.5, 2), ("half",)])
def test_a_side_that_is_no_share_is_refused(share):
    """More than the whole, or none, is no smaller image."""
    with pytest.raises(RunError, match="train_resolution is a share"):
        Recipe(
            name="odd",
            epochs=1,
            batch_size=1,
            optimizer="sgd",
            learning_rate=1,
            train_resolution=share,
        )


def test_the_nearest_multiple_may_be_the_larger():
    """0.8 of 224 are 179.2 pixels, of which 192 are nearer than 160."""
    assert smaller_shape((3, 224, 224), 0.8) == (3, 192, 192)
