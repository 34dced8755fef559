"""Runs that add seeds until it is clear, in worlds whose truth is known: many at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from made_worlds import chunks, moments

from bench.analysis.look_sizes import LOOKS
from bench.analysis.stats.looks import (
    FIRST,
    SAME,
    SECOND,
    first_state,
    next_state,
    pairs_of,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endings:
    """How runs of a kind ended: shares of them, and seeds a model on average."""

    false_better: float
    right: float
    same: float
    seeds: float


def until_clear(world, models, images, experiments, generator, gaps=None, same_within=0.02):
    """Return how runs of `models` with these `gaps` (k,) ended.

    `right`: share of all pairs with a difference that were told apart rightly. `same`: share of
    all pairs that ended so.
    """
    one, other = pairs_of(models)
    gaps = np.zeros(models) if gaps is None else np.asarray(gaps)
    truth = gaps[one] - gaps[other]
    false = right = same = seeds = 0.0
    for count in chunks(experiments, models * LOOKS[-1] * images):
        correct = world.correct(generator, count, models, LOOKS[-1], images, gaps)
        state, known = first_state(count, models), None
        for number, size in enumerate(LOOKS, start=1):
            now = moments(correct[:, :, :size], world.cluster)
            known = now if known is None else known.kept(state.active, now)
            found = known.gaps(one, other), known.spread(one, other)
            state = next_state(state, *found, number, same_within)
        first, second = state.endings == FIRST, state.endings == SECOND
        false += ((first & (truth <= 0)) | (second & (truth >= 0))).any(axis=1).sum()
        right += ((first & (truth > 0)) | (second & (truth < 0))).sum()
        same += (state.endings == SAME).mean() * count
        seeds += known.seeds.mean() * count
    apart = max(int((truth != 0).sum()), 1)
    return Endings(
        false_better=false / experiments,
        right=right / experiments / apart,
        same=same / experiments,
        seeds=seeds / experiments,
    )
