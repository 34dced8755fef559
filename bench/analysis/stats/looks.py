"""The rule that adds seeds until it is clear, for E experiments with k models at once.

Each look spends a third of 5 %, whatever earlier looks found, so that all looks together call two
equally good models different in at most 5 % of runs. A pair that is given up can only make that
rarer.
Source: C. Jennison, B. W. Turnbull 2000, Group Sequential Methods (stopping for futility);
T. Mathieu et al. 2023, arXiv:2306.10882 (AdaStop: looks at pairs of learning agents).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from bench.analysis.look_sizes import LOOKS
from bench.analysis.stats.spread import Numbers, Spread, exclude_zero, half_widths, p_values

LEVEL = 0.05 / len(LOOKS)
HOPELESS = 0.3  # a pair with a smaller chance to become clear is given up
ESTIMATED_FROM = 4  # with three seeds Welch's test would be blind: the prior helps
OPEN, FIRST, SECOND, SAME = range(4)  # endings of a pair


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class State:
    """What is known after a look.

    Attributes:
        endings: ending of each pair (E, P): `OPEN`, `FIRST` or `SECOND` is better, or `SAME`.
        active: whether each model (E, k) is trained further.
        beaten: whether a model (E, k) is worse than another.
    """

    endings: NDArray[np.int64]
    active: NDArray[np.bool_]
    beaten: NDArray[np.bool_]


def pairs_of(models: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the places of the first and of the second model of each pair (P,), in order."""
    one, other = np.triu_indices(models, 1)
    return np.asarray(one), np.asarray(other)


def first_state(experiments: int, models: int) -> State:
    """Return the state before the first look."""
    pairs = len(pairs_of(models)[0])
    none = np.zeros((experiments, models), bool)
    return State(endings=np.zeros((experiments, pairs), int), active=~none, beaten=none)


def next_state(
    state: State, gaps: Numbers, spread: Spread, number: int, same_within: float
) -> State:
    """Return the state after look `number`, from 1.

    Args:
        state: state after the look before.
        gaps: differences (E, P) of the pairs' models now.
        spread: what they vary by, (E x P,).
        number: number of the look.
        same_within: difference that counts as the same, 0 to 1.
    """
    one, other = pairs_of(state.active.shape[1])
    asked = (state.endings == OPEN) & ~state.beaten[:, one] & ~state.beaten[:, other]
    better = asked & _rejected(state, gaps, spread, asked)
    endings = np.where(better, np.where(gaps > 0, FIRST, SECOND), state.endings)
    room = (same_within - np.abs(gaps)).ravel()
    same = (
        asked
        & ~better
        & (exclude_zero(room, spread, LEVEL, ESTIMATED_FROM) & (room > 0)).reshape(gaps.shape)
    )
    endings = np.where(same, SAME, endings)
    beaten = state.beaten.copy()
    for losers, ending in ((one, SECOND), (other, FIRST)):
        np.logical_or.at(beaten.T, losers, (endings == ending).T)
    found = replace(state, endings=endings, beaten=beaten)
    return replace(found, active=_active(found, gaps, spread, number, same_within))


def clear_chances(gaps: Numbers, spread: Spread, left: Numbers, same_within: float) -> Numbers:
    """Return the probability (P,) that a pair is clear with the most seeds, given the seeds now.

    The difference then is that of now, plus what more seeds change; the images are the same.

    Args:
        gaps: differences (P,) now.
        spread: what they vary by now.
        left: number of pairs that are not decided, to which Holm's first step belongs.
        same_within: difference that counts as the same, 0 to 1.
    """
    most = np.full(len(gaps), float(LOOKS[-1]))
    last = replace(spread, seeds=(most, most))
    step = np.sqrt(np.maximum(spread.by_seeds - last.by_seeds, 1e-12))
    far = np.empty(len(gaps))
    for count in np.unique(left):
        those = left == count
        far[those] = half_widths(last.at(those), LEVEL / count)
    near = np.maximum(same_within - half_widths(last, LEVEL), 0.0)
    size = np.abs(gaps)
    better = ndtr((size - far) / step) + ndtr((-size - far) / step)
    same = ndtr((near - size) / step) - ndtr((-near - size) / step)
    return np.asarray(better + same)


def _rejected(
    state: State, gaps: Numbers, spread: Spread, asked: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return which pairs (E, P) Holm's steps reject; pairs rejected before come first."""
    p = np.where(asked, 1.0, np.where((state.endings % SAME) > 0, 0.0, 1.0))
    near = exclude_zero(gaps.ravel(), spread, LEVEL, ESTIMATED_FROM).reshape(gaps.shape) & asked
    if near.any():
        p[near] = p_values(gaps[near], spread.at(near.ravel()), ESTIMATED_FROM)
    order = np.argsort(p, axis=1, kind="stable")
    steps = np.arange(p.shape[1], 0, -1)
    passed = np.take_along_axis(p, order, axis=1) * steps <= LEVEL
    found = np.zeros_like(passed)
    np.put_along_axis(found, order, np.logical_and.accumulate(passed, axis=1), axis=1)
    return found


def _active(
    state: State, gaps: Numbers, spread: Spread, number: int, same_within: float
) -> NDArray[np.bool_]:
    """Return which models (E, k) more seeds may help: those of an open pair that has a chance."""
    active = np.zeros_like(state.active)
    if number == len(LOOKS):
        return active
    one, other = pairs_of(state.active.shape[1])
    going = state.active & ~state.beaten
    asked = (state.endings == OPEN) & going[:, one] & going[:, other]
    told = ((state.endings == FIRST) | (state.endings == SECOND)).sum(axis=1, keepdims=True)
    left = np.broadcast_to(len(one) - told, asked.shape)[asked].astype(float)
    hopeful = np.zeros_like(asked)
    places = asked.ravel()
    chances = clear_chances(gaps[asked], spread.at(places), left, same_within)
    hopeful[asked] = chances >= HOPELESS
    for models in (one, other):
        np.logical_or.at(active.T, models, hopeful.T)
    return active
