"""The `zoo` command: arguments in, text out.

torch is imported only inside a command that builds a network, so that `zoo list` answers at once.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from registry.catalog import Catalog
from registry.errors import ZooError
from zoo import __version__
from zoo.cli import weights
from zoo.cli.bench import bench
from zoo.cli.check import check
from zoo.cli.compare import compare
from zoo.cli.contract import contract_app
from zoo.cli.data import data_app
from zoo.cli.doctor import doctor
from zoo.cli.list import list_architectures
from zoo.cli.new import new
from zoo.cli.options import Json, complete
from zoo.cli.output import accept_any_text, print_json, print_rendered, say
from zoo.cli.plan import gather, plan, work
from zoo.cli.runs import report, runs_app
from zoo.cli.tune import tune

app = typer.Typer(
    name="zoo",
    help="A model zoo and a benchmark: register an architecture once, and it gets a fair fight.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """Run the command; an error of ours is one line on stderr and an exit code."""
    accept_any_text()
    try:
        app()
    except ZooError as error:
        say(f"zoo: {error}")
        sys.exit(error.exit_code)
    except BrokenPipeError:  # `zoo list | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"zoo {__version__}")
        raise typer.Exit


@app.callback()
def zoo(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """A model zoo and a benchmark for image classifiers."""


@app.command()
def show(
    name: Annotated[str, typer.Argument(autocompletion=complete)],
    as_json: Json = False,
) -> None:
    """Show one architecture layer by layer, and whether it keeps its contract."""
    from zoo.cli.show_tables import as_json_value, render, verdict

    entry = Catalog.installed().get(name)
    broken = verdict(entry)
    if as_json:
        print_json(as_json_value(entry, broken))
    else:
        print_rendered(render(entry, broken))
    if broken:
        raise broken


app.command(name="list")(list_architectures)
app.command()(check)
app.command()(bench)
app.command()(plan)
app.command()(work)
app.command()(gather)
app.command()(new)
app.command()(doctor)
app.command()(compare)
app.command()(tune)
app.command()(report)
weights.add_to(app)
app.add_typer(contract_app, name="contract")
app.add_typer(runs_app, name="runs")
app.add_typer(data_app, name="data")
