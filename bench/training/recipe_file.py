"""Recipe files: TOML that `zoo tune` writes and `zoo bench --recipe ./recipe.toml` reads."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from bench.data.batch_options import Augmentation
from bench.system.atomic_files import write_text
from bench.system.received_files import MB, read_regular
from bench.training.recipe import Recipe, with_present_names
from bench.training.recipe_limits import check_choices
from registry.errors import RunError, did_you_mean, format_error

SUFFIX = ".toml"
_HEADING = "# Found by `zoo tune`. To train with it: zoo bench --recipe ./FILE\n"
# equal for all models: a comparison needs the same conditions
_OF_ALL = ("name", "epochs", "seconds", "patience")
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The search that found a recipe.

    Attributes:
        data: folder or name of the data set.
        images: number of images in the training part, the only ones that the search used.
        fingerprint: fingerprint of these images, their labels and their split.
        metric: metric that the search maximised.
        seed: seed of the search.
    """

    data: str
    images: int
    fingerprint: str
    metric: str
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeFile:
    """Content of a recipe file: the shared recipe, recipes by model name, and their origin."""

    recipe: Recipe
    models: Mapping[str, Recipe] = field(default_factory=dict)
    found: Found | None = None


def names_file(recipe: object) -> bool:
    """Say whether `recipe`, as requested, names a file."""
    return isinstance(recipe, str | Path) and str(recipe).endswith(SUFFIX)


def own_name(recipe: str, model: str) -> str:
    """Return the name of a recipe for one model only."""
    return f"{recipe} for {model}"


def read_recipe_file(path: Path) -> RecipeFile:
    """Return the content of the file; RunError if it is unreadable or not a recipe."""
    values = read_toml(path)
    models, found = values.pop("models", {}), values.pop("found", None)
    shared = recipe_of_table(path, values)
    if not isinstance(models, dict) or not all(isinstance(each, dict) for each in models.values()):
        raise RunError(f"{path}: models must be tables, such as [models.lenet]")
    own = {model: _own_recipe(path, shared, model, changes) for model, changes in models.items()}
    found = None if found is None else _convert(path, found, Found, "found.")
    return RecipeFile(recipe=shared, models=own, found=found)


def write_recipe_file(path: Path, file: RecipeFile) -> None:
    """Write `file` completely, or raise RunError; equal recipes give equal bytes."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, as_toml(file))
    except OSError as error:
        raise RunError(f"cannot write {path}: {error.strerror or error}") from error


def as_toml(file: RecipeFile) -> str:
    """Return `file` as TOML for `read_recipe_file`."""
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
    """Return the values of a TOML file; RunError names an unreadable line."""
    try:
        return tomllib.loads(read_regular(path, most=MB, follow=True).decode())
    except OSError as error:
        raise RunError(f"cannot read {path}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise RunError(f"{path} is not valid TOML: {format_error(error)}") from error


def _own_recipe(path: Path, shared: Recipe, model: str, changes: dict[str, Any]) -> Recipe:
    for name in _OF_ALL:
        if name in changes:
            raise RunError(f"{path}: remove models.{model}.{name}: all models share one {name}")
    values = asdict(shared) | {"name": own_name(shared.name, model), "configurations": 0}
    augmentation = changes.pop("augmentation", {})
    _require_known(path, augmentation, Augmentation, f"models.{model}.augmentation.")
    values["augmentation"] |= augmentation
    return recipe_of_table(path, {**values, **with_present_names(changes)}, f"models.{model}.")


def recipe_of_table(path: Path, values: dict[str, Any], where: str = "") -> Recipe:
    """Return the recipe in a table; RunError names `path` and the wrong key."""
    values = with_present_names(values)
    _require_known(path, values.get("augmentation", {}), Augmentation, f"{where}augmentation.")
    return _convert(path, values, Recipe, where)


def _convert(path: Path, values: Any, kind: type[T], where: str) -> T:
    """Return `values` as a `kind`; RunError names an unknown or wrong field."""
    _require_known(path, values, kind, where)
    try:
        check_choices(values)
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
            hint = did_you_mean(name, known)
            keys = ", ".join(known)
            raise RunError(f"{path}: unknown key {where}{name}; known keys: {keys}.{hint}")


def _table(name: str, values: Mapping[str, Any]) -> str:
    lines = [f"{key} = {_text(value)}\n" for key, value in values.items() if value is not None]
    return "".join([f"\n[{name}]\n" if name else "", *lines])


def _text(value: object) -> str:
    """Return a value as TOML; JSON strings, numbers and lists are valid TOML."""
    return json.dumps(value).replace("\x7f", "\\u007f")
