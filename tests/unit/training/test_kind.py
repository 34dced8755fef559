"""What a network is trained by follows from its layers, where the recipe asks for it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
from torch import nn

import bench
from bench.report.table import disclosure_lines
from bench.training.kind import muon_multiply_adds, normalizes, suited
from bench.training.layer_summary import count_multiply_adds
from bench.training.muon import orthogonal
from bench.training.recipe import BEST, DEFAULT, TEXTBOOK, Recipe
from registry.architecture import Architecture, Contract
from registry.catalog import Catalog

_SIDES = (2 / 7, 3 / 7, 4 / 7)


class Normalizing(nn.Module):
    """Filters, their statistics, and a small head."""

    def __init__(self, num_classes: int = 2) -> None:
        super().__init__()
        self.filters = nn.Conv2d(3, 4, 3)
        self.norm = nn.BatchNorm2d(1, affine=True)
        self.head = nn.Linear(4, num_classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits (N, K)."""
        seen = self.filters(images).mean((2, 3))
        return self.head(self.norm(seen[:, None, :, None])[:, 0, :, 0])


def _suited(name: str, recipe: Recipe = BEST) -> Recipe:
    architecture = Catalog.installed().entry(name).value
    with torch.device("meta"):
        network = architecture.build(num_classes=2)
    return suited(recipe, network, count_multiply_adds(architecture, 2))


@pytest.mark.parametrize(
    ("name", "optimizer"),
    [
        ("torchvision:mobilenet_v3_small", "muon"),
        ("torchvision:densenet121", "muon"),
        ("torchvision:resnet18", "adamw"),
        ("timm:regnety_002", "adamw"),
        ("timm:vit_tiny_patch16_224", "adamw"),
    ],
)
def test_a_network_that_normalises_begins_on_small_images_in_larger_batches(name, optimizer):
    """Muon trains it where its step is cheap and most weights are filters, else AdamW."""
    found = _suited(name)

    assert (found.batch_size, found.initialization, found.train_resolution) == (32, "own", _SIDES)
    assert found.optimizer == optimizer
    assert found.learning_rate == (2e-4 if optimizer == "muon" else 1e-3)
    assert (found.name, found.seconds, found.epochs) == (BEST.name, BEST.seconds, BEST.epochs)


@pytest.mark.parametrize("name", ["lenet", "alexnet", "vgg11", "torchvision:squeezenet1_1"])
def test_other_networks_are_trained_by_the_recipe(name):
    """It was chosen for two of them."""
    assert _suited(name) is BEST


@pytest.mark.parametrize("recipe", [DEFAULT, TEXTBOOK])
def test_a_recipe_that_is_the_same_for_all_stays(recipe):
    """Only `by_kind` asks for anything else."""
    assert _suited("torchvision:resnet18", recipe) is recipe


def test_a_halved_batch_stays_halved():
    """When memory was short, the batches that suit are those of the smaller recipe, doubled."""
    assert _suited("torchvision:resnet18", replace(BEST, batch_size=8)).batch_size == 16


def test_another_optimizer_than_muon_is_not_weighed():
    """A recipe of SGD has no filters to be trained by Muon."""
    recipe = replace(TEXTBOOK, by_kind=True)

    assert _suited("torchvision:mobilenet_v3_small", recipe).optimizer == "adamw"


@pytest.mark.parametrize("shape", [(8, 3, 3, 3), (64, 8, 1, 1)])
def test_multiply_adds_of_muon_are_those_of_its_products(shape):
    """As torch's own counter has them, to a tenth."""
    network = torch.nn.Sequential(torch.nn.Conv2d(shape[1], shape[0], shape[2]))
    network.append(torch.nn.Linear(2, 2))
    with torch.utils.flop_counter.FlopCounterMode(display=False) as counter:
        orthogonal(network[0].weight.detach().flatten(1))

    assert muon_multiply_adds(network) == pytest.approx(counter.get_total_flops() / 2, rel=0.1)


@pytest.mark.parametrize(
    ("options", "recipe"),
    [
        ({"budget": "0.1s"}, "best"),
        ({"epochs": 1}, "default"),
        ({"budget": "0.1s", "recipe": "textbook"}, "textbook"),
    ],
)
def test_equal_seconds_ask_for_the_best_of_each_kind(drawn, tmp_path, options, recipe):
    """Title, record and table say by what a network was trained; equal epochs keep one recipe."""
    contract = Contract(input_shape=(3, 64, 64), output_shape=(2,), parameters=124)
    architecture = Architecture(
        name="kind", constructor=f"{__name__}:Normalizing", contract=contract
    )
    results = bench.run(
        [architecture], drawn, **options, isolate=False, runs=tmp_path, progress=False
    )
    by = "batches of 32, muon at 0.02 and adamw at 0.0002, one cycle, images of 32 px"

    assert (
        f"recipe {recipe}" in json.loads((results.folder / "comparison.json").read_text())["title"]
    )
    assert [record.trained_by for record in results.records] == [by if recipe == "best" else ""]
    notes = [line for line in disclosure_lines(results.frame) if "by its kind" in line]
    assert notes == ([f"by its kind, kind: {by}"] if recipe == "best" else [])


def test_layers_that_normalise_are_found_wherever_they_are():
    """Local response normalisation does not keep outputs at one scale."""
    inner = torch.nn.Sequential(torch.nn.GroupNorm(1, 2))

    assert normalizes(torch.nn.Sequential(inner))
    assert not normalizes(torch.nn.Sequential(torch.nn.LocalResponseNorm(2)))
