"""What a search may change in a recipe, how a position becomes a recipe, the next position.

A position is a number from 0 to 1 for a range and an index for a choice. So a search does not
depend on the bounds, and a recipe outside them has a position, too: the nearest.

Optuna suggests the next position, as a function of seed and history alone. Each suggestion gets a
new study in memory and a sampler with its own seed, so a killed search resumes exactly.
Source: T. Akiba et al. 2019, KDD, 2623-2631; the sampler: J. Bergstra et al. 2011, NeurIPS 24.
"""

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, get_args, get_type_hints

import numpy as np

from bench.training.recipe import Recipe
from bench.training.recipe_file import read_toml
from registry.errors import RunError, ZooError

_AT_RANDOM = 8  # configurations before the sampler learns from the history
_DIGITS = 3  # more would claim too much precision
_SGD_MOMENTUM = 0.9
_SCALE = "augmentation_scale"  # smallest share of a picture's area to keep
_JITTER = "color_jitter"
_NO_CHANGES = ("name", "configurations")  # fields without effect on training

Position = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Numbers from `low` to `high`, on a linear or a logarithmic scale.

    Attributes:
        sgd: bounds for the optimiser SGD, whose good rates are higher.
    """

    low: float
    high: float
    log: bool = False
    sgd: tuple[float, float] | None = None

    def value(self, position: float, optimizer: str) -> float:
        """Return the number at `position`, 0 to 1, rounded to three digits."""
        low, high = self._bounds(optimizer)
        between = low + position * (high - low)
        return float(f"{math.exp(between) if self.log else between:.{_DIGITS}g}")

    def position(self, value: float, optimizer: str) -> float:
        """Return the position of `value`, 0 to 1; values outside get the nearer end."""
        low, high = self._bounds(optimizer)
        if self.log:
            value = math.log(value) if value > 0 else -math.inf
        return min(1.0, max(0.0, (value - low) / (high - low)))

    def _bounds(self, optimizer: str) -> tuple[float, float]:
        low, high = self.sgd if self.sgd and optimizer == "sgd" else (self.low, self.high)
        return (math.log(low), math.log(high)) if self.log else (low, high)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One of several values."""

    values: tuple[Any, ...]


Space = Mapping[str, Range | Choice]


def whole_space(base: Recipe) -> Space:
    """Return everything that can be searched; each choice includes the value of `base`."""
    found: dict[str, Range | Choice] = {
        "optimizer": _literal("optimizer"),
        "learning_rate": Range(low=3e-5, high=3e-3, log=True, sgd=(1e-3, 1e-1)),
        "filter_rate": Range(low=5e-3, high=8e-2, log=True),  # with muon
        "weight_decay": Range(low=1e-4, high=0.5, log=True),
        "label_smoothing": Range(low=0.0, high=0.2),
        "batch_size": Choice(values=(16, 32, 64)),
        _SCALE: Range(low=0.2, high=1.0),
        _JITTER: Range(low=0.0, high=0.6),
        "schedule": _literal("schedule"),
        "warmup": Range(low=0.05, high=0.5),
        "initialization": _literal("initialization"),
        "ema_decay": Choice(values=(0.0, 0.9, 0.98)),
        "train_resolution": Choice(values=(0.75, 1.0)),
        "stratified_batches": Choice(values=(False, True)),
    }
    for name, each in found.items():
        if isinstance(each, Choice) and (value := _value(name, base)) not in each.values:
            found[name] = Choice(values=(*each.values, value))
    return found


def read_space(path: Path, base: Recipe) -> Space:
    """Return the space in a file: `learning_rate = [1e-4, 1e-2]`, `batch_size = [16, 32]`.

    A range lists its lowest and highest number, a choice lists all values. Other fields are not
    searched. Raise RunError if the file cannot be read, or is no space.
    """
    known = whole_space(base)
    found: dict[str, Range | Choice] = {}
    for name, values in read_toml(path).items():
        if name not in known:
            raise RunError(f"{path}: unknown key {name}; use {', '.join(known)}")
        if not isinstance(values, list) or not values or len(set(map(repr, values))) < len(values):
            raise RunError(f"{path}: {name} must be a list of different values")
        found[name] = _given_values(path, name, values, known[name], base)
    if not found:
        raise RunError(f"{path} names nothing to search; use {', '.join(known)}")
    return found


def only(space: Space, names: Sequence[str]) -> Space:
    """Return `space` reduced to `names`; raise RunError for an unknown name."""
    for name in names:
        if name not in space:
            raise RunError(f"--only: no {name!r} in the space; use {', '.join(space)}")
    return {name: each for name, each in space.items() if name in names}


def position_of(space: Space, recipe: Recipe) -> Position:
    """Return the position of `recipe`, or the nearest one."""
    position: Position = {}
    for name, each in space.items():
        value = _value(name, recipe)
        if isinstance(each, Range):
            position[name] = each.position(value, recipe.optimizer)
        else:
            position[name] = each.values.index(value) if value in each.values else 0
    return position


def recipe_at(space: Space, position: Position, base: Recipe) -> Recipe:
    """Return `base` with the values at `position`; SGD gets momentum.

    Values without effect stay as in `base`: the filter rate without Muon, and the warm-up of a
    constant rate.
    """
    choices = {name: each.values for name, each in space.items() if isinstance(each, Choice)}
    chosen = {name: values[position[name]] for name, values in choices.items()}
    optimizer = chosen.get("optimizer", base.optimizer)
    if optimizer != base.optimizer:
        chosen["momentum"] = _SGD_MOMENTUM if optimizer == "sgd" else 0.0
    idle = {"filter_rate"} if optimizer != "muon" else set()
    idle |= {"warmup"} if chosen.get("schedule", base.schedule) == "constant" else set()
    for name, each in space.items():
        if isinstance(each, Range) and name not in idle:
            chosen[name] = each.value(position[name], optimizer)
    augmentation = base.augmentation
    if _JITTER in chosen:
        augmentation = replace(augmentation, color_jitter=chosen.pop(_JITTER))
    if _SCALE in chosen:
        high = augmentation.scale[1]
        augmentation = replace(augmentation, scale=(min(chosen.pop(_SCALE), high), high))
    return replace(base, **chosen, augmentation=augmentation)


def describe_changes(base: Recipe, recipe: Recipe) -> str:
    """Return how `recipe` differs from `base`, as text."""
    found = []
    for name in (each.name for each in fields(Recipe) if each.name not in _NO_CHANGES):
        before, after = getattr(base, name), getattr(recipe, name)
        if name == "augmentation":
            found += [f"scale from {after.scale[0]:g}"] * (before.scale != after.scale)
            jitter = before.color_jitter != after.color_jitter
            found += [f"color jitter {after.color_jitter:g}"] * jitter
        elif before != after:
            value = f"{after:g}" if isinstance(after, float) else after
            found.append(f"{name.replace('_', ' ')} {value}")
    return ", ".join(found)


def require_optuna() -> None:
    """Raise RunError, which says how to install Optuna, if it is missing."""
    try:
        import optuna  # noqa: F401
    except ImportError as error:
        raise RunError(
            "zoo tune needs Optuna, which is not installed: pip install 'zoo-bench[tune]'"
        ) from error


def suggest(
    space: Space, tried: Sequence[tuple[Position, float]], seed: int, attempt: int = 0
) -> Position:
    """Return the next position after those `tried`, in order, each with its accuracy.

    Higher is better. Another `attempt` returns another position.
    """
    import optuna
    from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution

    distributions: dict[str, BaseDistribution] = {
        name: CategoricalDistribution(tuple(range(len(each.values))))
        if isinstance(each, Choice)
        else FloatDistribution(0.0, 1.0)
        for name, each in space.items()
    }
    number = int(np.random.SeedSequence((seed, len(tried), attempt)).generate_state(1)[0])
    shown = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # multivariate sampling counts as experimental
            sampler = optuna.samplers.TPESampler(
                seed=number, n_startup_trials=_AT_RANDOM, multivariate=True
            )
            study = optuna.create_study(direction="maximize", sampler=sampler)
            for position, value in tried:
                trial = optuna.trial.create_trial(
                    params=position, distributions=distributions, value=value
                )
                study.add_trial(trial)
            params: dict[str, Any] = study.ask(distributions).params
            return {name: params[name] for name in space}
    finally:
        optuna.logging.set_verbosity(shown)


def _literal(name: str) -> Choice:
    return Choice(values=get_args(get_type_hints(Recipe)[name]))


def _value(name: str, recipe: Recipe) -> Any:
    if name == _SCALE:
        return recipe.augmentation.scale[0]
    return getattr(recipe.augmentation if name == _JITTER else recipe, name)


def _given_values(
    path: Path, name: str, values: list[Any], known: Range | Choice, base: Recipe
) -> Range | Choice:
    if isinstance(known, Choice):
        kind = type(known.values[0])
        _require(path, name, all(type(value) is kind for value in values), "values of one type")
        if name in ("optimizer", "schedule", "initialization"):
            there = ", ".join(known.values)
            _require(path, name, set(values) <= set(known.values), f"among {there}")
    else:
        numbers = [value for value in values if type(value) in (int, float)]
        rising = len(numbers) == len(values) == 2 and numbers[0] < numbers[1]
        _require(path, name, rising, "two numbers, the lower one first")
        positive = not known.log or values[0] > 0
        _require(path, name, positive, "above 0, for its logarithmic scale")
    for value in values:
        _require_trainable(path, name, value, base)
    if isinstance(known, Choice):
        return Choice(values=tuple(values))
    return Range(low=float(values[0]), high=float(values[1]), log=known.log)


def _require(path: Path, name: str, holds: bool, what: str) -> None:
    if not holds:
        raise RunError(f"{path}: {name} must be {what}")


def _require_trainable(path: Path, name: str, value: Any, base: Recipe) -> None:
    changes = {name: value}
    if name == _JITTER:
        changes = {"augmentation": replace(base.augmentation, color_jitter=value)}
    elif name == _SCALE:
        changes = {"augmentation": replace(base.augmentation, scale=(value, 1.0))}
    try:
        replace(base, **changes)
    except ZooError as error:
        raise RunError(f"{path}: {error}") from error
