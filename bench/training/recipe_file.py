"""Recipes in files: TOML that `zoo tune` writes and `zoo bench --recipe ./recipe.toml` reads."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from bench.data.transform import Augmentation
from bench.system.atomic_files import write_text
from bench.training.recipe import Recipe, with_present_names
from registry.errors import RunError, format_error

SUFFIX = ".toml"
_HEADING = "# Chosen by `zoo tune`. To train by it: zoo bench --recipe ./FILE\n"
# of all models alike: else they are not compared under the same conditions
_OF_ALL = ("name", "epochs", "seconds", "patience")
_RANGES = {
    "momentum": (0.0, 1.0),
    "weight_decay": (0.0, 1e3),
    "label_smoothing": (0.0, 0.99),
    "learning_rate": (0.0, 1e3),
    "filter_rate": (0.0, 1e3),
    "configurations": (0, 10**9),
}
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """How a recipe was found: by a search with `seed` for the highest `metric`.

    `data` names the folder or data set; `images` counts the training images of `within` alone, and
    `fingerprint` is of these, their labels and their split.
    """

    data: str
    images: int
    fingerprint: str
    metric: str
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeFile:
    """What a file holds: the recipe for all, those of models by name, and their origin."""

    recipe: Recipe
    models: Mapping[str, Recipe] = field(default_factory=dict)
    found: Found | None = None


def names_file(recipe: object) -> bool:
    """Say whether what a recipe was asked for by is a file."""
    return isinstance(recipe, str | Path) and str(recipe).endswith(SUFFIX)


def own_name(recipe: str, model: str) -> str:
    """Return the name of a recipe that is one model's alone."""
    return f"{recipe} for {model}"


def read_recipe_file(path: Path) -> RecipeFile:
    """Return what the file says; RunError tells where it can't be read, or says no recipe."""
    values = read_toml(path)
    models, found = values.pop("models", {}), values.pop("found", None)
    shared = recipe_of_table(path, values)
    if not isinstance(models, dict) or not all(isinstance(each, dict) for each in models.values()):
        raise RunError(f"{path}: models must be tables, such as [models.lenet]")
    own = {model: _own_recipe(path, shared, model, changes) for model, changes in models.items()}
    found = None if found is None else _convert(path, found, Found, "found.")
    return RecipeFile(recipe=shared, models=own, found=found)


def write_recipe_file(path: Path, file: RecipeFile) -> None:
    """Write `file`, whole, or raise RunError; the same bytes for the same recipes."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, as_toml(file))
    except OSError as error:
        raise RunError(f"{path} can't be written: {error.strerror or error}") from error


def as_toml(file: RecipeFile) -> str:
    """Return `file` as `read_recipe_file` reads it."""
    before, shared = asdict(file.recipe), asdict(file.recipe)
    tables = {"": shared, "augmentation": shared.pop("augmentation")}
    for model, recipe in file.models.items():
        named = asdict(replace(recipe, name=file.recipe.name))
        changes = {name: value for name, value in named.items() if value != before[name]}
        changes["configurations"] = recipe.configurations
        own = changes.pop("augmentation", None)
        tables[f"models.{_text(model)}"] = changes
        if own is not None:
            tables[f"models.{_text(model)}.augmentation"] = own
    if file.found is not None:
        tables["found"] = asdict(file.found)
    return _HEADING + "".join(_table(name, values) for name, values in tables.items())


def read_toml(path: Path) -> dict[str, Any]:
    """Return what a TOML file says, or raise RunError naming the line that can't be read."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RunError(f"{path} can't be read: {error.strerror or error}") from error
    except ValueError as error:
        raise RunError(f"{path} is no TOML: {format_error(error)}") from error


def check_ranges(recipe: Recipe) -> None:
    """Raise RunError, with its bounds, for a number of `recipe` that can't be trained by."""
    for name, (low, high) in _RANGES.items():
        if not low <= getattr(recipe, name) <= high:
            raise RunError(f"{name} must be {low:g} to {high:g}, not {getattr(recipe, name)}")
    low, high = recipe.augmentation.scale
    if not 0 < low <= high <= 1:
        raise RunError(f"augmentation.scale must be two shares, 0 to 1, not [{low}, {high}]")
    for name in ("flip_probability", "color_jitter"):
        if not 0 <= getattr(recipe.augmentation, name) <= 1:
            raise RunError(f"augmentation.{name} must be 0 to 1")


def _own_recipe(path: Path, shared: Recipe, model: str, changes: dict[str, Any]) -> Recipe:
    for name in _OF_ALL:
        if name in changes:
            raise RunError(f"{path}: models.{model}.{name} can't be: all models have one {name}")
    values = asdict(shared) | {"name": own_name(shared.name, model), "configurations": 0}
    values["augmentation"] |= changes.pop("augmentation", {})
    return recipe_of_table(path, {**values, **with_present_names(changes)}, f"models.{model}.")


def recipe_of_table(path: Path, values: dict[str, Any], where: str = "") -> Recipe:
    """Return what a table says; where it is no recipe, RunError names `path` and the place."""
    values = with_present_names(values)
    _require_known(path, values.get("augmentation", {}), Augmentation, f"{where}augmentation.")
    recipe = _convert(path, values, Recipe, where)
    try:
        check_ranges(recipe)
    except RunError as error:
        raise RunError(f"{path}: {where}{error}") from error
    return recipe


def _convert(path: Path, values: object, kind: type[T], where: str) -> T:
    """Return `values` as a `kind`, which has no other fields, or raise RunError naming one."""
    _require_known(path, values, kind, where)
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError as error:
        what, _, place = str(error).partition(" - at `$.")
        name = where + place.rstrip("`") if place else where.rstrip(".")
        raise RunError(f"{path}: {f'{name}: ' if name else ''}{what}") from error
    except RunError as error:
        raise RunError(f"{path}: {where}{error}") from error


def _require_known(path: Path, values: object, kind: type, where: str) -> None:
    if not isinstance(values, dict):
        raise RunError(f"{path}: {where.rstrip('.')} must be a table")
    known = [each.name for each in fields(kind)]
    for name in values:
        if name not in known:
            raise RunError(f"{path}: unknown key {where}{name}; there are {', '.join(known)}")


def _table(name: str, values: Mapping[str, Any]) -> str:
    lines = [f"{key} = {_text(value)}\n" for key, value in values.items() if value is not None]
    return "".join([f"\n[{name}]\n" if name else "", *lines])


def _text(value: object) -> str:
    """Return a value as TOML writes it; JSON's strings, numbers and lists are TOML's."""
    return json.dumps(value).replace("\x7f", "\\u007f")
