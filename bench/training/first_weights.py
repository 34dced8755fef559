"""First weights for the images of a trial, within the seconds that a budget has for them."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from bench.system.random_state import preserve_random_state
from bench.training.budget import INITIALIZATION_SHARE, NOT_FITTED
from bench.training.initialize import IMAGES, TooSlowError, fit_to_images
from bench.training.trial_batches import TrialBatches

_FEWEST = 8  # images that weights are fitted to
_LEAST_SECONDS = 1e-9


def fit_first_weights(
    network: nn.Module, batches: TrialBatches, seconds: Callable[[], float]
) -> str:
    """Fit the first weights to training images, and return what was left out, in words.

    `seconds` returns those since the start of this fitting. A budget leaves it 3 %: fewer images
    where they pass slowly, and no new filters for which there is no time.
    """
    recipe, left = batches.recipe, None
    count = min(IMAGES, 8 * recipe.batch_size)  # fewer for small batches: memory may be short
    if recipe.seconds is not None:
        most = recipe.seconds * INITIALIZATION_SHARE
        few = next(batches.training(_FEWEST, workers=0).epoch())
        with preserve_random_state(), torch.no_grad():
            network.train()(few.images)
        pace = _FEWEST / max(seconds(), _LEAST_SECONDS)
        count = max(_FEWEST, min(count, int(pace * most / 2)))

        def left() -> float:
            return most - seconds()

    images = next(batches.training(count, workers=0).epoch()).images
    try:
        return fit_to_images(network, images, batches.spec.seed, left).told
    except TooSlowError:
        return NOT_FITTED
