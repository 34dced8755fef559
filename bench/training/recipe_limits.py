"""What the fields of a recipe may be; a `Recipe` checks itself with it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, get_args

from registry.errors import RunError, did_you_mean

OptimizerName = Literal["sgd", "adamw", "muon"]
ScheduleName = Literal["constant", "one_cycle", "cosine"]
InitializationName = Literal["own", "patches"]
_CHOICES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "optimizer": get_args(OptimizerName),
        "schedule": get_args(ScheduleName),
        "initialization": get_args(InitializationName),
    }
)
_WHOLE = ("epochs", "batch_size", "patience", "configurations")
_OPTIONAL = ("epochs", "seconds", "patience")
_POSITIVE = ("epochs", "seconds", "batch_size", "learning_rate", "filter_rate", "patience")
_RANGES: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "momentum": (0.0, 1.0),
        "weight_decay": (0.0, 1e3),
        "label_smoothing": (0.0, 0.99),
        "learning_rate": (0.0, 1e3),
        "filter_rate": (0.0, 1e3),
        "configurations": (0, 10**9),
    }
)
_SHARES: Mapping[str, str] = MappingProxyType(
    {
        "warmup": "a share of the training, 0 to 1",
        "frozen_share": "a share of the training, 0 to 1",
        "backbone_rate": "a share of the head's rate, 0 to 1",
    }
)
_OTHER_NUMBERS = ("ema_decay",)
_FLAGS = ("stratified_batches", "fresh_statistics", "by_kind")


def check_recipe(recipe: Any) -> None:
    """Raise RunError, with what is allowed, for a value of the `Recipe` that is not."""
    if not isinstance(recipe.name, str):
        raise RunError(f"name must be a text, not {recipe.name!r}")
    check_choices({name: getattr(recipe, name) for name in _CHOICES})
    for name in dict.fromkeys((*_POSITIVE, *_RANGES, *_SHARES, *_OTHER_NUMBERS)):
        _check_number(name, getattr(recipe, name))
    for name in _FLAGS:
        if not isinstance(getattr(recipe, name), bool):
            raise RunError(f"{name} must be true or false, not {getattr(recipe, name)}")
    _check_ranges(recipe)
    _check_augmentation(recipe.augmentation)


def check_choices(values: Mapping[str, Any]) -> None:
    """Raise RunError, with the choices, for a field among `values` that has another."""
    for name, known in _CHOICES.items():
        if name in values and values[name] not in known:
            value = values[name]
            hint = did_you_mean(str(value), known)
            raise RunError(f"unknown {name} {value!r}: use one of {', '.join(known)}.{hint}")


def _check_number(name: str, value: object) -> None:
    if value is None and name in _OPTIONAL:
        return
    kinds = (int,) if name in _WHOLE else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds):
        raise RunError(f"{name} must be a {'whole ' * (name in _WHOLE)}number, not {value!r}")
    if name in _POSITIVE and not 0 < value < math.inf:
        raise RunError(f"{name} must be above 0, not {value}")


def _check_ranges(recipe: Any) -> None:
    for name, (low, high) in _RANGES.items():
        if not low <= getattr(recipe, name) <= high:
            raise RunError(f"{name} must be {low:g} to {high:g}, not {getattr(recipe, name)}")
    for name, promise in _SHARES.items():
        if not 0 <= getattr(recipe, name) <= 1:
            raise RunError(f"{name} is {promise}, not {getattr(recipe, name)}")
    shares = recipe.train_resolution
    for share in shares if isinstance(shares, tuple | list) and shares else [shares]:
        if not _is_number(share) or not 0 < share <= 1:
            takes = "a share of the side, above 0 and at most 1, or a list of shares"
            raise RunError(f"train_resolution is {takes}, not {shares}")
    if not 0 <= recipe.ema_decay < 1:
        raise RunError(f"ema_decay must be 0 or more and below 1, not {recipe.ema_decay}")


def _check_augmentation(augmentation: Any) -> None:
    for name in ("scale", "flip_probability", "color_jitter"):
        if not hasattr(augmentation, name):
            raise RunError(f"augmentation must be an Augmentation, not {augmentation!r}")
    scale = augmentation.scale
    pair = isinstance(scale, tuple | list) and len(scale) == 2 and all(map(_is_number, scale))
    if not pair or not 0 < scale[0] <= scale[1] <= 1:
        found = ", ".join(map(str, scale)) if isinstance(scale, tuple | list) else scale
        raise RunError(f"augmentation.scale must be two shares, 0 to 1, not [{found}]")
    for name in ("flip_probability", "color_jitter"):
        value = getattr(augmentation, name)
        if not _is_number(value) or not 0 <= value <= 1:
            raise RunError(f"augmentation.{name} must be 0 to 1")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
