"""The `zoo contract` commands: measure networks, freeze their contracts, show changes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from registry.architecture import Architecture, Contract
from registry.catalog import Catalog
from registry.claims import Entry
from registry.errors import ContractError, RunError
from registry.frozen import FILE, Frozen, FrozenContract, write_frozen
from zoo.cli.options import complete
from zoo.cli.output import say
from zoo.scaffold.new_package import contract_text

contract_app = typer.Typer(
    help="Measure shapes and sizes of networks; freeze them; show changes.",
    no_args_is_help=True,
)

Names = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="NAME...",
        help="Architectures: lenet, timm:resnet18, ./mynet.py:MyNet.",
        autocompletion=complete,
    ),
]


@contract_app.command()
def freeze(
    names: Names = None,
    write: Annotated[
        bool,
        typer.Option("--write", help=f"Write them to {FILE}, which is enforced in its folder."),
    ] = False,
) -> None:
    """Measure networks and print their contracts as Python to paste; or write them to a file."""
    if not names:
        raise RunError("which networks? For example `zoo contract freeze timm:resnet18 --write`")
    catalog = Catalog.installed(frozen=Frozen())  # ignore earlier frozen contracts
    new = {}
    for entry in [catalog.get(name) for name in catalog.resolve(names)]:
        measured = _measure(entry.value)
        new[entry.name] = FrozenContract(contract=measured, origin=str(entry.origin))
    if not write:
        for name, kept in new.items():
            print(f"# {name}\n{contract_text(kept.contract)}")
        return
    frozen = Frozen.found()
    path = frozen.path or Path(FILE)
    write_frozen(path, {**frozen.contracts, **new})
    say(f"{', '.join(new)}: written to {path}, checked before each training in its folder")


@contract_app.command()
def diff(names: Names = None) -> None:
    """Show which networks no longer keep their contract; exit code 4 if any.

    Without names: all contracts that are frozen in this folder.
    """
    frozen = Frozen.found()
    asked = list(names or frozen.contracts)
    if not asked:
        raise RunError(f"nothing is frozen here: `zoo contract freeze NAME --write` writes {FILE}")
    catalog = Catalog.installed()
    changed = [line for name in catalog.resolve(asked) for line in _changes(catalog.get(name))]
    if changed:
        raise ContractError(f"{len(changed)} changed: {'; '.join(changed)}")


def _measure(architecture: Architecture) -> Contract:
    from registry.verify import measure_contract

    return measure_contract(architecture).contract


def _changes(entry: Entry[Architecture]) -> list[str]:
    promised, found = entry.value.contract, _measure(entry.value)
    word = "frozen" if entry.value.contract_by == "frozen" else "promised"
    wrong = [
        f"{field} {getattr(found, field)}, {word} {getattr(promised, field)}"
        for field in ("input_shape", "output_shape", "parameters")
        if getattr(found, field) != getattr(promised, field)
    ]
    print(f"{'✗' if wrong else '✓'} {entry.name} ({entry.origin}){': ' if wrong else ''}"
          f"{'; '.join(wrong)}")  # fmt: skip
    return [entry.name] if wrong else []
