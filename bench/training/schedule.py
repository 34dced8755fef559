"""The learning rate and the momentum of each step, by the share of training done."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch.optim import Optimizer

from bench.training.recipe import Recipe

_FIRST, _LAST = 25.0, 1e4  # the first rate is the peak over 25, the last that over 10,000
_MOMENTUM_LOW, _MOMENTUM_HIGH = 0.85, 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPosition:
    """Where training stands: `done` of `end`, in steps or in seconds; rates rise until `peak`."""

    done: float
    peak: float
    end: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a step is made with; a momentum of None is the recipe's own."""

    learning_rate: float
    momentum: float | None = None


def place_by_steps(recipe: Recipe, step: int, steps: int) -> TrainingPosition:
    """Return the place of step number `step`, from 0, of `steps` in all."""
    return TrainingPosition(done=step, peak=recipe.warmup * steps - 1, end=steps - 1)


def place_by_seconds(recipe: Recipe, spent: float, seconds: float) -> TrainingPosition:
    """Return the place of the step that begins after `spent` of `seconds`."""
    return TrainingPosition(done=min(spent, seconds), peak=recipe.warmup * seconds, end=seconds)


def settings(recipe: Recipe, place: TrainingPosition) -> Settings:
    """Return the rate and the momentum of a step at `place`.

    One-cycle: both go along half a cosine, the rate up and down again, the momentum (beta1 of
    AdamW) down and up. By steps that is torch's OneCycleLR, bit for bit. Cosine: the rate alone, up
    along a line and down along half a cosine. Sources: Smith and Topin 2018, arXiv:1708.07120;
    Loshchilov and Hutter 2017, arXiv:1608.03983.
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
    """Set what the next step of `optimizer` is made with."""
    for group in optimizer.param_groups:
        group["lr"] = chosen.learning_rate * group.get("share", 1.0)
        if chosen.momentum is None:
            continue
        if "betas" in group:
            group["betas"] = (chosen.momentum, *group["betas"][1:])
        else:
            group["momentum"] = chosen.momentum


def _between(start: float, end: float, share: float) -> float:
    """Return the value at `share`, 0 to 1, of half a cosine from `start` to `end`."""
    return end + (start - end) / 2.0 * (math.cos(math.pi * share) + 1)
