"""Options of a run from a file: `--config run.toml`, or the `config.json` of a run folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.runs.run_options import OPTIONS, Option, require_one_rule
from bench.system.received_files import MB, read_regular
from registry.errors import RunError, did_you_mean, format_error

_OWN_RECIPES = (
    "own_recipes"  # only in config.json: the recipes that a recipe file gives to single models
)
GONE = ("processes",)  # fields of earlier versions; null means unused


def read_config_file(path: Path) -> dict[str, Any]:
    """Return the fields of a request that a file sets.

    Keys are names of fields or options. Paths are relative to the current directory. Raises
    RunError if the file cannot be read, or has an invalid key or value.
    """
    if path.is_dir():
        path = path / "config.json"
    names = {option.flag[2:].replace("-", "_"): name for name, option in OPTIONS.items()}
    names |= {name: name for name in (*OPTIONS, _OWN_RECIPES)}
    found: dict[str, Any] = {}
    for key, value in _read(path).items():
        name = names.get(key.replace("-", "_"))
        if value is None and (name or key in GONE):
            continue
        if name is None:
            hint = did_you_mean(key.replace("_", "-"), [each.replace("_", "-") for each in names])
            raise RunError(f"{path}: unknown key {key!r}.{hint} `zoo list options` lists all keys")
        if name in found:
            raise RunError(f"{path}: {key!r} sets {name} a second time")
        found[name] = _own_recipes(path, value) if name == _OWN_RECIPES else _value(
            path, key, value, OPTIONS[name]
        )  # fmt: skip
    if not found.get("until_clear"):
        found.pop("until_clear", None)
    elif path.suffix == ".json":  # a run that went on has the seeds of its last look
        found.pop("seeds", None)
    require_one_rule(found)
    return found


def _read(path: Path) -> Mapping[str, Any]:
    try:
        text = read_regular(path, most=100 * MB, follow=True).decode()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or format_error(error)
        raise RunError(f"cannot read {path}: {reason}") from error
    import tomllib

    kind = "JSON" if path.suffix == ".json" else "TOML"
    try:
        found = json.loads(text) if kind == "JSON" else tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise RunError(f"{path} is not valid {kind}: {format_error(error)}") from error
    found = found.get("request", found) if isinstance(found, dict) else found
    if not isinstance(found, dict):
        raise RunError(f"{path}: no table of options")
    return found


def _value(path: Path, key: str, value: Any, option: Option) -> Any:
    """Return the value of a field, from its value in a file."""
    if isinstance(value, dict) and dict in option.also:
        from bench.training.recipe_file import recipe_of_table

        return recipe_of_table(path, value, f"{key}.")
    if not _allowed(value, option):
        raise RunError(f"{path}: {key} = {json.dumps(value, default=str)}: use {option.allowed}")
    try:
        if option.name == "models":
            value = [_model(each) for each in value] if isinstance(value, list) else value
        if option.kind is Path:
            value = Path(value)
        value = option.parse(value) if option.parse else value
        option.check(value)
    except RunError as error:
        raise RunError(f"{path}: {error}") from error
    return value


def _allowed(value: Any, option: Option) -> bool:
    """Return whether the option takes the type of `value`; true and false are not numbers."""
    kinds = (option.kind, *option.also)
    if isinstance(value, bool):
        return bool in kinds
    if isinstance(value, list):
        inner: tuple[type, ...] = (int,) if option.kind is str else (str,)
        inner += (dict,) if option.name == "models" else ()
        return list in kinds and all(type(each) in inner for each in value)
    if isinstance(value, int):
        return int in kinds or float in kinds
    return isinstance(value, (str,) if Path in kinds else kinds)


def _model(value: Any) -> Any:
    """Return a name unchanged; return an architecture given in Python from its fields."""
    if isinstance(value, str):
        return value
    import msgspec

    from registry.architecture import Architecture

    try:
        return msgspec.convert(value, Architecture)
    except msgspec.ValidationError as error:
        raise RunError(f"models: {error}") from error


def _own_recipes(path: Path, value: Any) -> tuple[tuple[str, Any], ...]:
    from bench.training.recipe_file import recipe_of_table

    try:
        return tuple((str(model), recipe_of_table(path, own)) for model, own in value)
    except (AttributeError, TypeError, ValueError) as error:
        raise RunError(f"{path}: own_recipes: {format_error(error)}") from error
