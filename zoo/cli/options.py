"""Options that several commands share: those of a run, from their fields, and a few others."""

from __future__ import annotations

import os
from collections.abc import Callable, Container, Iterable, Iterator
from inspect import Parameter, Signature, signature
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

import typer

from bench.runs.config_file import read_config_file
from bench.runs.run_options import OPTIONS, Option, displaced_by
from registry.catalog import Catalog
from registry.errors import RunError
from zoo.cli.output import say

_OF_TORCHRUN = {"RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT"}
_METAVARS = MappingProxyType({int: "N", float: "X", str: "TEXT", Path: "PATH", list: "NAMES"})
_FORMERLY = "formerly_"  # before the name of a field: the parameter of its old spelling


def complete(incomplete: str) -> list[str]:
    """Return the names of architectures that begin so."""
    return [name for name in Catalog.installed().names() if name.startswith(incomplete)]


def refuse_torchrun() -> None:
    """Raise RunError where torchrun has begun this command several times, each a whole run."""
    if os.environ.get("WORLD_SIZE", "1") != "1" and os.environ.keys() >= _OF_TORCHRUN:
        raise RunError(
            f"torchrun has begun this command {os.environ['WORLD_SIZE']} times, each a whole run: "
            "leave torchrun out; --jobs 2 or --engine ray run several trials at a time"
        )


Names = Annotated[
    list[str] | None, typer.Argument(metavar="MODEL", help="More models.", autocompletion=complete)
]
Config = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Options from a file: run.toml, or a run's config.json. The command line wins.",
    ),
]
Columns = Annotated[
    str | None,
    typer.Option(metavar="NAMES", help="Show these columns: accuracy,training,parameters; or all."),
]
Target = Annotated[str | None, typer.Option(metavar="ACCURACY", help=OPTIONS["target"].text)]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout and nothing else.")]


def with_run_options(
    options: Iterable[Option],
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return a decorator: a function of `**options` takes these options, and its own after them."""

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
            autocompletion=complete if option.name == "models" else None,
        )
        if flags:
            annotation: Any = Annotated[kind if default is not None else kind | None, about]
            yield Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def given_options(
    context: typer.Context, config: Path | None = None, names: Container[str] = OPTIONS
) -> dict[str, Any]:
    """Return those fields of a request that were given on the command line, or else in a file.

    It raises RunError where the file has something that is no option.
    """
    given: dict[str, Any] = {}
    for parameter, value in context.params.items():
        name = parameter.removeprefix(_FORMERLY)
        source = context.get_parameter_source(parameter)
        if name in names and source is not None and source.name == "COMMANDLINE":
            given[name] = ",".join(value) if isinstance(value, list | tuple) else value
            if parameter != name:
                say_renamed(str(OPTIONS[name].formerly), OPTIONS[name].flag)
    if more := context.params.get("names"):
        given["models"] = ",".join([*([given["models"]] if "models" in given else ()), *more])
    parsers = {name: OPTIONS[name].parse for name in given}
    given |= {name: parse(given[name]) for name, parse in parsers.items() if parse is not None}
    told = {} if config is None else read_config_file(config)
    return {**told, **displaced_by(given), **given} if told else given


def say_renamed(old: str, new: str) -> None:
    """Say on stderr how an old spelling is spelt now."""
    say(f"zoo: {old} is now {new}; this version still takes the old spelling")
