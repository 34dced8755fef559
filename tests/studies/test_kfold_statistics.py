from __future__ import annotations

import numpy as np
import pytest
from kfold_simulation import Learning, experiment, measured

from bench.analysis.stats.interval import accuracy_interval, wilson_interval


@pytest.mark.parametrize("seeds", [1, 3, 6])
def test_intervals_over_folds_hold_the_truth(seeds):
    """On 500 images they hold the accuracy of these networks, and of such networks, 95 of 100."""
    these, such, better, _ = measured(Learning(), seeds, 500, 5, 200, np.random.default_rng(1))

    assert these > 0.90
    assert such > 0.90
    assert better < 0.08  # of 200, 5 % and three standard errors


def test_folds_make_intervals_narrower():
    """Each image is tested, not 15 of 100: that is what folds are for."""
    widths = [
        measured(Learning(), 3, 100, folds, 30, np.random.default_rng(1))[3] for folds in (1, 5)
    ]

    assert widths[1] < widths[0] / 2


def test_seeds_pooled_as_images_hold_it_too_seldom():
    """Ten networks' answers to one image are not ten images: the interval that says so is wrong."""
    generator, held = np.random.default_rng(1), np.zeros(2)
    for _ in range(200):
        (right, _), (true, _) = experiment(Learning(), 10, 500, 5, generator)
        pooled = wilson_interval(int(right.sum()), right.size)
        for place, (low, high) in enumerate((accuracy_interval(right), pooled)):
            held[place] += low <= true <= high

    assert held[0] > 180
    assert held[1] < 150
