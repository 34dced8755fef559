"""The `zoo tune` command: a recipe found by a search over training images alone."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from registry.errors import RunError
from zoo.cli.options import (
    AllowRejects,
    Data,
    Device,
    Isolate,
    Jobs,
    Json,
    Limit,
    Names,
    Threads,
    complete,
    refuse_torchrun,
)
from zoo.cli.output import print_json, print_rendered, say, seed_numbers, split_commas

if TYPE_CHECKING:
    from bench.tune.search import Outcome, Search

_SEARCH = "The search"
_TRIALS = 24


def tune(
    names: Names = None,
    models: Annotated[
        list[str] | None,
        typer.Option("--models", "-m", help="Models that it is for.", autocompletion=complete),
    ] = None,
    data: Data = None,
    within: Annotated[
        str,
        typer.Option(help="Search on the training part of this split: stratified, textbook."),
    ] = "stratified",
    split: Annotated[
        str, typer.Option(help="How that part is split: kfold:3, stratified.")
    ] = "kfold:3",
    limit: Limit = None,
    allow_rejects: AllowRejects = False,
    trials: Annotated[
        int | None,
        typer.Option(min=1, help="Configurations; 24 without --budget.", rich_help_panel=_SEARCH),
    ] = None,
    budget: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Begin none after so long: 90s, 20m, 8h, restarts included.",
            rich_help_panel=_SEARCH,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the search.", rich_help_panel=_SEARCH)] = 0,
    space: Annotated[
        Path | None,
        typer.Option(help="A TOML file of what is searched.", rich_help_panel=_SEARCH),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAMES",
            help="Search these alone: learning_rate,batch_size.",
            rich_help_panel=_SEARCH,
        ),
    ] = None,
    recipe: Annotated[
        str, typer.Option(help="The recipe to begin with.", rich_help_panel=_SEARCH)
    ] = "default",
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Instead of the recipe's.", rich_help_panel=_SEARCH)
    ] = None,
    seeds: Annotated[
        str, typer.Option(help="Seeds of each configuration.", rich_help_panel=_SEARCH)
    ] = "1",
    per_model: Annotated[
        bool,
        typer.Option("--per-model", help="One recipe for each model.", rich_help_panel=_SEARCH),
    ] = False,
    take_best: Annotated[
        bool,
        typer.Option(
            "--take-best",
            help="Take the best though it can't be told from the first.",
            rich_help_panel=_SEARCH,
        ),
    ] = False,
    isolate: Isolate = True,
    device: Device = "auto",
    threads: Threads = None,
    jobs: Jobs = None,
    out: Annotated[Path, typer.Option(help="Where the recipe goes.")] = Path("recipe.toml"),
    runs_dir: Annotated[Path, typer.Option(help="Where its runs go.")] = Path("runs"),
    as_json: Json = False,
) -> None:
    """Find a recipe by trying configurations on training images alone; the test stays unseen.

    The same command goes on with a search that was ended, or shows one that is done; more --trials
    or a longer --budget take it further. What is found is used by `zoo bench --recipe FILE`.
    """
    wanted = split_commas([*(models or ()), *(names or ())])
    if not wanted:
        raise RunError("which models? For example `zoo tune --models lenet alexnet`")
    if out.suffix != ".toml":
        raise RunError(f"--out must end in .toml, not {out}")
    refuse_torchrun()

    from bench.runs.request import Request
    from bench.system.cpu import wait_asleep
    from bench.system.options import parse_seconds
    from bench.training.recipe_file import write_recipe_file
    from bench.tune import search as searching
    from bench.tune.space import only as narrowed
    from bench.tune.space import read_space, whole_space

    request = Request(
        models=tuple(wanted), data=data, within=within, split=split, limit=limit,
        allow_rejects=allow_rejects, recipe=recipe, epochs=epochs, seeds=seed_numbers(seeds),
        device=device, threads=threads, jobs=jobs, isolate=isolate, runs=runs_dir,
    )  # fmt: skip
    base = searching.base_of(request)
    searched: Any = read_space(space, base) if space else whole_space(base)
    asked = searching.Search(
        request=request,
        base=base,
        space=narrowed(searched, split_commas(only)) if only else searched,
        trials=trials or (None if budget else _TRIALS),
        budget=None if budget is None else parse_seconds(budget),
        seed=seed,
        per_model=per_model,
        take_best=take_best,
    )
    wait_asleep()
    try:
        outcomes = searching.search(asked, say)
    except KeyboardInterrupt as error:
        say("zoo: stopped at once; what was finished is kept, and the same command goes on")
        raise typer.Exit(128 + (error.args[0] if error.args else signal.SIGINT)) from None
    file = searching.recipe_file(outcomes, base, "tuned")
    if file is not None:
        write_recipe_file(out, file)
    _show(outcomes, asked, out if file is not None else None, as_json=as_json)
    raise typer.Exit(_exit_code(outcomes, file is not None))


def _show(outcomes: list[Outcome], asked: Search, out: Path | None, *, as_json: bool) -> None:
    from bench.tune.search_table import as_json as plain
    from bench.tune.search_table import render

    if as_json:
        print_json(plain(outcomes))
    for outcome in outcomes:
        if not as_json and outcome.tried:
            print_rendered(render(outcome))
        say(f"Runs of the search: {outcome.folder}")
        if outcome.stopped_by is not None:
            say("zoo: interrupted; the same command goes on with it")
    if asked.trials is None and asked.budget is not None:
        say("a search that ends by time may end elsewhere when it is repeated; --trials does not")
    if out is not None:
        say(f"Recipe: {out}; use it by `zoo bench --recipe {out}`")


def _exit_code(outcomes: list[Outcome], chosen: bool) -> int:
    """Return 0 for a choice, 6 for none, 4 or 128 and the signal where it was interrupted."""
    for outcome in outcomes:
        if outcome.stopped_by is not None:
            return 128 + outcome.stopped_by if outcome.stopped_by else 4
    return 0 if chosen else 6
