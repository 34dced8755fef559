"""The learning rate and the momentum of each step, by the share of training done."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch.optim import Optimizer

from bench.training.recipe import Recipe

_FIRST, _LAST = 25.0, 1e4  # first rate: peak / 25; last rate: first / 10,000
_MOMENTUM_LOW, _MOMENTUM_HIGH = 0.85, 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPosition:
    """The progress of training: `done` of `end`, in steps or seconds; rates rise until `peak`."""

    done: float
    peak: float
    end: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The rate and momentum of a step; a momentum of None is the recipe's."""

    learning_rate: float
    momentum: float | None = None


def place_by_steps(recipe: Recipe, step: int, steps: int) -> TrainingPosition:
    """Return the position of step number `step`, counted from 0, of `steps` steps."""
    return TrainingPosition(done=step, peak=recipe.warmup * steps - 1, end=steps - 1)


def place_by_seconds(recipe: Recipe, spent: float, seconds: float) -> TrainingPosition:
    """Return the position of the step that starts after `spent` of `seconds`."""
    return TrainingPosition(done=min(spent, seconds), peak=recipe.warmup * seconds, end=seconds)


def settings(recipe: Recipe, place: TrainingPosition) -> Settings:
    """Return the rate and the momentum of a step at `place`.

    One-cycle: the rate rises and falls, the momentum (beta1 of AdamW) falls and rises, each along
    half a cosine. With steps, the values equal torch's OneCycleLR exactly. Cosine: only the rate
    changes; it rises linearly and falls along half a cosine.
    Sources: Smith and Topin 2018, arXiv:1708.07120; Loshchilov and Hutter 2017, arXiv:1608.03983.
    """
    if recipe.schedule == "constant":
        return Settings(learning_rate=recipe.learning_rate)
    highest = recipe.learning_rate
    first = highest / _FIRST
    rising = place.peak > 0 and place.done <= place.peak
    if rising:
        share, rates = place.done / place.peak, (first, highest)
        momenta = _MOMENTUM_HIGH, _MOMENTUM_LOW
    else:
        falls = place.end - place.peak
        share = (place.done - place.peak) / falls if falls else 0.0
        rates, momenta = (highest, first / _LAST), (_MOMENTUM_LOW, _MOMENTUM_HIGH)
    if recipe.schedule == "cosine" and rising:
        return Settings(learning_rate=first + (highest - first) * share)
    momentum = None if recipe.schedule == "cosine" else _between(*momenta, share)
    return Settings(learning_rate=_between(*rates, share), momentum=momentum)


def apply(optimizer: Optimizer, chosen: Settings) -> None:
    """Set the rate and the momentum of the next step of `optimizer`."""
    for group in optimizer.param_groups:
        group["lr"] = chosen.learning_rate * group.get("share", 1.0)
        if chosen.momentum is None:
            continue
        if "betas" in group:
            group["betas"] = (chosen.momentum, *group["betas"][1:])
        else:
            group["momentum"] = chosen.momentum


def _between(start: float, end: float, share: float) -> float:
    """Return the value at `share`, 0 to 1, along half a cosine from `start` to `end`."""
    return end + (start - end) / 2.0 * (math.cos(math.pi * share) + 1)
