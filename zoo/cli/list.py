"""The `zoo list` command: what is installed, and what is available."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any

import typer

from registry.catalog import FAMILIES, Catalog
from registry.claims import Claims, Kind
from registry.errors import RunError
from zoo.cli import list_tables as tables
from zoo.cli.options import Json, complete, say_renamed
from zoo.cli.output import print_found, say
from zoo.library_names import library_names

_Old = Annotated[bool, typer.Option(hidden=True)]  # until 0.2: `zoo list --recipes` and the like


def list_architectures(
    patterns: Annotated[
        list[str] | None,
        typer.Argument(
            help="Names, 'vgg*', '!vgg19'; or recipes, datasets, engines, families, options.",
            autocompletion=complete,
        ),
    ] = None,
    family: Annotated[
        str | None, typer.Option(help="List the networks of a library: timm, torchvision.")
    ] = None,
    match: Annotated[str, typer.Option(help="With --family: only names like 'mobilenet*'.")] = "*",
    families: _Old = False,
    recipes: _Old = False,
    datasets: _Old = False,
    engines: _Old = False,
    origin: Annotated[
        bool, typer.Option("--origin", help="Show the package and constructor of each.")
    ] = False,
    long: Annotated[bool, typer.Option("--long", help="Show the source of each, too.")] = False,
    as_json: Json = False,
) -> None:
    """List the installed architectures and their contracts, or things of another kind.

    `zoo list recipes` lists recipes; so do `datasets`, `engines`, `families`. `zoo list options`
    lists all options of `zoo bench`.
    """
    old = {"families": families, "recipes": recipes, "datasets": datasets, "engines": engines}
    renamed = [word for word, given in old.items() if given]
    for word in renamed:
        say_renamed(f"zoo list --{word}", f"zoo list {word}")
    asked = [*renamed, *(patterns or ())]
    known = (*old, "options")
    kinds = [word for word in asked if word in known]
    if (kinds and len(asked) > 1) or (asked and family is not None):
        raise RunError(f"one list at a time: names, --family, or one of {', '.join(known)}")
    if match != "*" and family is None:
        raise RunError("--match selects networks of a family: add --family timm")
    if kinds == ["options"]:
        print_found(tables.option_rows(), tables.options_table, as_json=as_json)
    elif kinds:
        _list_kind(kinds[0], as_json=as_json)
    elif family is not None:
        _list_members(family, match, as_json=as_json)
    else:
        _list_installed(patterns or (), origin=origin, long=long, as_json=as_json)


def _list_installed(patterns: Sequence[str], *, origin: bool, long: bool, as_json: bool) -> None:
    entries = Catalog.installed().entries(patterns)
    table = partial(tables.origins, entries) if origin else partial(tables.render, entries, long)
    print_found(list(map(tables.as_row, entries)), table, as_json=as_json)
    if not as_json and not patterns:
        counts = {family: len(names) for family, names in library_names().items()}
        say(" ".join(tables.library_sentences(counts)))


def _list_members(family: str, match: str, *, as_json: bool) -> None:
    found = tables.look(Catalog.installed(), family, match)
    print_found(found, tables.members_table(found), as_json=as_json)
    if not as_json and not all(row["counted"] for row in found):
        say(
            f"the parameters of {len(found):,} networks are not counted, because that takes long: "
            f"select at most {tables.MOST_COUNTED} with --match"
        )


def _list_kind(word: str, *, as_json: bool) -> None:
    kind: Kind[Any] = FAMILIES
    if word != "families":
        from bench.data.dataset_plugins import DATASETS
        from bench.engines.registry import ENGINES
        from bench.training.recipe import RECIPES

        kinds: dict[str, Kind[Any]] = {"recipes": RECIPES, "datasets": DATASETS, "engines": ENGINES}
        kind = kinds[word]
    claims = Claims.installed(kind)
    rows = [
        {
            "name": entry.name,
            "source": str(getattr(entry.found, "source", "")),
            "origin": str(entry.origin),
            "broken": entry.broken,
        }
        for entry in map(claims.entry, claims.names())
    ]
    print_found(rows, tables.kinds_table(rows, kind.noun), as_json=as_json)
