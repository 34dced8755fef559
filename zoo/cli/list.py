"""The `zoo list` command: what is installed, and what can be reached."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from registry.catalog import FAMILIES, Catalog
from registry.claims import Claims, Kind
from registry.errors import RunError
from zoo.cli.family_tables import MOST_COUNTED, look, members_table
from zoo.cli.options import Json, complete
from zoo.cli.output import print_json, print_rendered, say


def list_architectures(
    patterns: Annotated[
        list[str] | None,
        typer.Argument(help="Names or patterns: 'vgg*', '!vgg19'.", autocompletion=complete),
    ] = None,
    family: Annotated[
        str | None, typer.Option(help="The networks of a library: timm, torchvision.")
    ] = None,
    match: Annotated[
        str, typer.Option(help="With --family: those of such names, 'mobilenet*'.")
    ] = "*",
    families: Annotated[
        bool, typer.Option("--families", help="The families that there are.")
    ] = False,
    recipes: Annotated[bool, typer.Option("--recipes", help="The recipes that there are.")] = False,
    datasets: Annotated[
        bool, typer.Option("--datasets", help="The data sets that there are.")
    ] = False,
    engines: Annotated[bool, typer.Option("--engines", help="The engines that do trials.")] = False,
    origin: Annotated[
        bool, typer.Option("--origin", help="Show where each comes from, file and all.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List the architectures that are installed, with what they promise."""
    asked = [bool(patterns), family is not None, families, recipes, datasets, engines]
    if sum(asked) > 1:
        raise RunError(
            "one list at a time: names, --family, --families, --recipes, --datasets or --engines"
        )
    if match != "*" and family is None:
        raise RunError("--match chooses among a family's networks: give --family timm, too")
    if families:
        _list_kind(FAMILIES, as_json=as_json)
    elif recipes or datasets or engines:
        _list_kind(_of_bench(recipes=recipes, engines=engines), as_json=as_json)
    elif family is not None:
        _list_members(family, match, as_json=as_json)
    else:
        _list_installed(patterns or (), origin=origin, as_json=as_json)


def _list_installed(patterns: Sequence[str], *, origin: bool, as_json: bool) -> None:
    from rich.console import Console

    from zoo.cli.list_tables import as_rows, origins, render

    entries = Catalog.installed().entries(patterns)
    console = Console()
    if as_json:
        print_json(as_rows(entries))
    else:
        console.print(origins(entries) if origin else render(entries, console.width))


def _list_members(family: str, match: str, *, as_json: bool) -> None:
    found = look(Catalog.installed(), family, match)
    if as_json:
        print_json(found)
        return
    print_rendered(members_table(found))
    if not all(row["counted"] for row in found):
        say(
            f"the parameters of {len(found):,} networks are not counted, as each would be built: "
            f"choose {MOST_COUNTED} at most by --match"
        )


def _list_kind(kind: Kind[Any], *, as_json: bool) -> None:
    from zoo.cli.list_tables import kinds_table

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
    if as_json:
        print_json(rows)
    else:
        print_rendered(kinds_table(rows, kind.noun))


def _of_bench(*, recipes: bool, engines: bool) -> Kind[Any]:
    from bench.data.dataset_plugins import DATASETS
    from bench.engines.registry import ENGINES
    from bench.training.recipe import RECIPES

    return RECIPES if recipes else ENGINES if engines else DATASETS
