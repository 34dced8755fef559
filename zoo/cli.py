"""The `zoo` command: arguments in, text out.

torch is imported only inside a command that builds a network, so that `zoo list` answers at once.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from registry.catalog import Catalog
from registry.errors import RunError, ZooError
from zoo import __version__, cli_weights
from zoo.cli_data import data_app
from zoo.cli_output import Json, accept_any_text, print_json, print_rendered, say

app = typer.Typer(
    name="zoo",
    help="A model zoo and a benchmark: register an architecture once, and it gets a fair fight.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(data_app, name="data")


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


def _complete(incomplete: str) -> list[str]:
    return [name for name in Catalog.installed().names() if name.startswith(incomplete)]


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


@app.command(name="list")
def list_architectures(
    patterns: Annotated[
        list[str] | None,
        typer.Argument(help="Names or patterns: 'vgg*', '!vgg19'.", autocompletion=_complete),
    ] = None,
    as_json: Json = False,
) -> None:
    """List the architectures that are installed, with what they promise."""
    from rich.console import Console

    from zoo.listing import as_rows, render

    entries = Catalog.installed().entries(patterns or ())
    if as_json:
        print_json(as_rows(entries))
    else:
        console = Console()
        console.print(render(entries, console.width))


@app.command()
def show(
    name: Annotated[str, typer.Argument(autocompletion=_complete)],
    as_json: Json = False,
) -> None:
    """Show one architecture layer by layer, and whether it keeps its contract."""
    from zoo.showing import as_json_value, render, verdict

    entry = Catalog.installed().get(name)
    broken = verdict(entry)
    if as_json:
        print_json(as_json_value(entry, broken))
    else:
        print_rendered(render(entry, broken))
    if broken:
        raise broken


@app.command()
def bench(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[MODEL]...", help="More models.", autocompletion=_complete),
    ] = None,
    models: Annotated[
        list[str] | None,
        typer.Option(
            "--models",
            "-m",
            help="Models to compare: `--models lenet alexnet`, `-m lenet -m 'vgg*'`, `-m a,b`.",
            autocompletion=_complete,
        ),
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Folder of images. Without it: drawn cats and dogs.")
    ] = None,
    recipe: Annotated[
        str | None, typer.Option(help="default, textbook, or demo (as default, 6 epochs).")
    ] = None,
    split: Annotated[str, typer.Option(help="stratified (70/15/15) or textbook.")] = "stratified",
    epochs: Annotated[int | None, typer.Option(min=1, help="Instead of the recipe's.")] = None,
    batch_size: Annotated[int | None, typer.Option(min=1, help="Instead of the recipe's.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Instead of the recipe's.")] = None,
    seeds: Annotated[str, typer.Option(help="How many (3), or which (0,7).")] = "1",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps.")] = "auto",
    precision: Annotated[
        str, typer.Option(help="float32; on a GPU also bfloat16 or float16.")
    ] = "float32",
    threads: Annotated[
        int | None, typer.Option(min=1, help="CPU threads of the network; all cores if not given.")
    ] = None,
    workers: Annotated[
        int, typer.Option(min=0, help="Threads that make batches ahead; 0: none.")
    ] = 2,
    limit: Annotated[int | None, typer.Option(min=2, help="Use so many images at most.")] = None,
    runs_dir: Annotated[Path, typer.Option(help="Where run folders go.")] = Path("runs"),
    weights: Annotated[
        bool, typer.Option("--weights/--no-weights", help="Keep the trained weights.")
    ] = True,
    fidelity: Annotated[
        str, typer.Option(help="Resize training images: exact, or fast (2 of 255 away).")
    ] = "exact",
    layout: Annotated[
        str, typer.Option(help="Memory order: channels_last, contiguous, auto (the faster).")
    ] = "auto",
    compiled: Annotated[
        bool, typer.Option("--compile", help="Use torch.compile; its time is counted apart.")
    ] = False,
    cache: Annotated[
        bool, typer.Option("--cache/--no-cache", help="Decode each image once, for all runs.")
    ] = True,
    profile: Annotated[
        bool, typer.Option("--profile", help="Show where the time went, and the ceiling.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Train and test models on the same images in the same order, and print one table."""
    wanted = _split_commas([*(models or ()), *(names or ())])
    seed_values = _seeds(seeds)
    Catalog.installed().resolve(wanted)  # a typing error is told before torch is imported

    from bench.allocator import wait_asleep

    wait_asleep()

    from rich.console import Console

    from bench.harness import execute
    from bench.progress import Progress
    from bench.report.profile import render_profile
    from bench.report.table import render
    from bench.request import Request

    request = Request(
        models=tuple(wanted),
        data=data,
        recipe=recipe,
        split=split,
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        seeds=seed_values,
        device=device,
        precision=precision,
        threads=threads,
        workers=workers,
        limit=limit,
        runs=runs_dir,
        weights=weights,
        fidelity=fidelity,
        layout=layout,
        compiled=compiled,
        cache=cache,
        profile=profile,
    )
    try:
        results = execute(request, Progress())
    except KeyboardInterrupt:
        print("zoo: interrupted before anything was measured", file=sys.stderr)
        raise typer.Exit(130) from None
    if as_json:
        print((results.folder / "comparison.json").read_text(encoding="utf-8"), end="")
    else:
        console = Console()
        console.print(render(results.frame, results.title, console.width))
        if len(results.profile):
            console.print(render_profile(results.profile))
    print(f"Results, figures and weights: {results.folder}", file=sys.stderr)
    raise typer.Exit(results.exit_code)


cli_weights.add_to(app)


def _split_commas(values: list[str]) -> list[str]:
    names = [name.strip() for value in values for name in value.split(",") if name.strip()]
    if not names:
        raise RunError(
            "which models? For example `zoo bench --models lenet alexnet`; see `zoo list`"
        )
    return names


def _seeds(text: str) -> tuple[int, ...]:
    try:
        numbers = [int(part) for part in text.split(",") if part.strip()]
    except ValueError:
        numbers = []
    if "," not in text and len(numbers) == 1 and numbers[0] > 0:
        return tuple(range(numbers[0]))
    if "," not in text or not numbers or min(numbers) < 0 or len(set(numbers)) < len(numbers):
        raise RunError(f"--seeds takes a number of seeds (3) or a list (0,7), not {text!r}")
    return tuple(numbers)
