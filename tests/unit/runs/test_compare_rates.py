from __future__ import annotations

import numpy as np
import pytest
from made_answers import WORLDS
from simulations import regressions

EXPERIMENTS = 300


@pytest.mark.parametrize(("models", "seeds"), [(1, 6), (3, 6), (1, 3), (3, 2)])
@pytest.mark.parametrize("world", ["even", "moody seeds", "hard images"])
def test_no_loss_is_seldom_called_one(world, models, seeds):
    """Two runs of equally good code, whose answers differ: 5 % are called worse at most."""
    generator = np.random.default_rng(11)
    found = regressions(WORLDS[world], 0.0, models, seeds, 300, EXPERIMENTS, generator)

    assert found.share <= 0.05


@pytest.mark.parametrize("world", ["even", "good", "hard images", "chance"])
def test_fifteen_points_are_nearly_always_found(world):
    """On 300 images, with six seeds."""
    generator = np.random.default_rng(12)
    found = regressions(WORLDS[world], 0.15, 1, 6, 300, EXPERIMENTS, generator)

    assert found.share >= 0.95


@pytest.mark.parametrize("world", ["moody seeds", "even"])
def test_luck_of_one_seed_is_no_loss(world):
    """Where seeds are moody, too: only what no seed would make is called a loss."""
    found = regressions(WORLDS[world], 0.0, 1, 1, 300, EXPERIMENTS, np.random.default_rng(13))

    assert found.within(0, 0.05)
