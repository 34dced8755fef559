"""Options that several commands share: those of a run, and a few others."""

from __future__ import annotations

import os
from collections.abc import Callable, Container, Iterable, Iterator
from inspect import Parameter, Signature, signature
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

import typer

from bench.runs.config_file import read_config_file
from bench.runs.run_options import OPTIONS, Option, displaced_by, require_one_rule
from registry.catalog import Catalog
from registry.errors import RunError
from zoo.cli.output import say

_OF_TORCHRUN = {"RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT"}
_METAVARS = MappingProxyType({int: "N", float: "X", str: "TEXT", Path: "PATH", list: "NAMES"})
_FORMERLY = "formerly_"  # prefix of the parameter for a field's old spelling


def complete(incomplete: str) -> list[str]:
    """Return the names of architectures that start with `incomplete`; after `timm:`, its networks.

    Like the other completions, it needs no torch.
    """
    family, colon, _ = incomplete.partition(":")
    if colon:
        from zoo.library_names import library_names

        names = library_names().get(family, [])
    else:
        catalog = Catalog.installed()
        names = [*catalog.names(), *(f"{each.name}:" for each in catalog.families())]
    return [name for name in names if name.startswith(incomplete)]


def complete_recipe(incomplete: str) -> list[str]:
    """Return the names of recipes that start with `incomplete`."""
    from bench.training.recipe import RECIPES
    from registry.claims import Claims

    names = Claims.installed(RECIPES).names()
    return [name for name in names if name.startswith(incomplete)]


def complete_run(context: typer.Context, incomplete: str) -> list[str]:
    """Return the names of the runs in the command's folder that start with `incomplete`."""
    from bench.runs.run_folder import run_folders

    try:
        folders = run_folders(Path(context.params.get("runs_dir") or "runs"))
    except RunError:
        return []
    return [each.path.name for each in folders if each.path.name.startswith(incomplete)]


def complete_columns(incomplete: str) -> list[str]:
    """Return the list of columns so far, with each column that may come next."""
    from bench.analysis.columns import COLUMNS

    before, comma, last = incomplete.rpartition(",")
    names = [*(each.name for each in COLUMNS if each.name), *([] if comma else ["all"])]
    return [f"{before}{comma}{name}" for name in names if name.startswith(last)]


_COMPLETIONS = MappingProxyType({"models": complete, "recipe": complete_recipe})


def refuse_torchrun() -> None:
    """Raise RunError if torchrun has started this command several times."""
    if os.environ.get("WORLD_SIZE", "1") != "1" and os.environ.keys() >= _OF_TORCHRUN:
        raise RunError(
            f"torchrun has started this command {os.environ['WORLD_SIZE']} times, each a full run: "
            "run it without torchrun; --jobs 2 or --engine ray run trials concurrently"
        )


Names = Annotated[
    list[str] | None, typer.Argument(metavar="MODEL", help="More models.", autocompletion=complete)
]
Config = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Read options from a file: run.toml, or a run's config.json. The command line wins.",
    ),
]
Columns = Annotated[
    str | None,
    typer.Option(
        metavar="NAMES",
        help="Columns to show: accuracy,training,parameters; or all.",
        autocompletion=complete_columns,
    ),
]
Target = Annotated[str | None, typer.Option(metavar="ACCURACY", help=OPTIONS["target"].text)]
Json = Annotated[bool, typer.Option("--json", help="Print only JSON on stdout.")]


def with_run_options(
    options: Iterable[Option],
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return a decorator: a function of `**options` gets these options, before its own."""

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        own = list(signature(function, eval_str=True).parameters.values())[:-1]
        theirs = [each for option in options for each in _parameters(option)]
        parameters = [each.replace(kind=Parameter.KEYWORD_ONLY) for each in theirs + own]
        function.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
        function.__annotations__ = {each.name: each.annotation for each in parameters}
        return function

    return decorate


def _parameters(option: Option) -> Iterator[Parameter]:
    """Yield the parameter of an option, and one for its old spelling."""
    kind: Any = list[str] if option.kind is list else option.kind
    default = str(len(option.default)) if isinstance(option.default, tuple) else option.default
    old = (option.formerly,) if option.formerly else ()
    for name, flags in ((option.name, option.flags), (_FORMERLY + option.name, old)):
        about = typer.Option(
            *flags,
            help=option.text,
            min=option.minimum,
            metavar=option.metavar or _METAVARS.get(option.kind),
            rich_help_panel=option.panel,
            hidden=not option.shown or flags is old,
            autocompletion=_COMPLETIONS.get(option.name),
        )
        if flags:
            annotation: Any = Annotated[kind if default is not None else kind | None, about]
            yield Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def given_options(
    context: typer.Context, config: Path | None = None, names: Container[str] = OPTIONS
) -> dict[str, Any]:
    """Return the fields of a request that the command line or a file gives.

    Raises:
        RunError: the file has an unknown option or a wrong value.
    """
    given: dict[str, Any] = {}
    for parameter, value in context.params.items():
        name = parameter.removeprefix(_FORMERLY)
        source = context.get_parameter_source(parameter)
        if name in names and source is not None and source.name == "COMMANDLINE":
            value = ",".join(value) if isinstance(value, list | tuple) else value
            given[name] = Path(value) if OPTIONS[name].kind is Path else value  # before typer 0.29
            if parameter != name:
                say_renamed(str(OPTIONS[name].formerly), OPTIONS[name].flag)
    if more := context.params.get("names"):
        given["models"] = ",".join([*([given["models"]] if "models" in given else ()), *more])
    parsers = {name: OPTIONS[name].parse for name in given}
    given |= {name: parse(given[name]) for name, parse in parsers.items() if parse is not None}
    require_one_rule(given)
    if config is None:
        return given
    stored = read_config_file(config)
    if config.is_dir() or config.suffix == ".json":  # a run's; others are written by hand
        from bench.runs.trust import require_trusted_config

        require_trusted_config(config, stored, given)
    if "until_clear" in given:
        stored.pop("seeds", None)
    return {**stored, **displaced_by(given), **given}


def say_renamed(old: str, new: str) -> None:
    """Print the new spelling of an old one on stderr."""
    say(f"zoo: {old} is now {new}; the old spelling still works in this version")
