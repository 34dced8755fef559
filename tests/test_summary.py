from __future__ import annotations

import pytest

import registry
from bench.summary import summarise


@pytest.mark.parametrize(
    ("name", "megabytes"), [("lenet", (0.57, 175.62)), ("alexnet", (0.75, 161.44))]
)
def test_sizes_agree_with_the_chapter(name, megabytes):
    """Input and parameters in MB of 1,048,576 bytes, as the chapter prints them."""
    summary = summarise(registry.get(name))
    sizes = (summary.input_bytes / 2**20, summary.parameter_bytes / 2**20)

    assert tuple(round(size, 2) for size in sizes) == megabytes


def test_multiply_adds_are_counted_by_hand():
    """LeNet-5: two convolutions and three matrix products, biases not counted."""
    by_hand = 6 * 28 * 28 * 25 + 16 * 10 * 10 * 6 * 25 + 400 * 120 + 120 * 84 + 84 * 2

    assert summarise(registry.get("lenet5")).multiply_adds == by_hand


def test_totals_are_the_sums_of_the_layers():
    """Nothing is counted that has no row, and no row is left out of a total."""
    summary = summarise(registry.get("alexnet_2012"))

    assert sum(layer.parameters for layer in summary.layers) == summary.parameters == 62_378_344
    assert sum(layer.multiply_adds for layer in summary.layers) == summary.multiply_adds
