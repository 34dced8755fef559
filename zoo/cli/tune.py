"""The `zoo tune` command: search for a recipe on training images only."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.runs.run_options import OPTIONS
from registry.errors import RunError
from registry.exit_codes import ExitCode
from zoo.cli.bench import KEPT
from zoo.cli.options import Json, Names, given_options, refuse_torchrun, with_run_options
from zoo.cli.output import end_when_interrupted, print_json, print_rendered, say

if TYPE_CHECKING:
    from bench.tune.search import Outcome, Search

_SEARCH = "The search"
_searching = partial(typer.Option, rich_help_panel=_SEARCH)
_TRIALS = 24
_OWN: dict[str, dict[str, Any]] = {  # how options differ from those of a run
    "models": {"text": "Models to tune."},
    "data": {},
    "within": {
        "text": "Search on the training part of this split: stratified, textbook.",
        "default": "stratified",
    },
    "split": {"text": "Split of that part: kfold:3, stratified.", "default": "kfold:3"},
    "limit": {},
    "allow_rejects": {},
    "recipe": {"text": "The recipe to start from.", "default": "default", "panel": _SEARCH},
    "epochs": {"panel": _SEARCH},
    "seeds": {"text": "Seeds of each configuration.", "panel": _SEARCH},
    "isolate": {},
    "device": {},
    "threads": {},
    "jobs": {},
    "runs": {"text": "Folder for the search's runs."},
}
_OPTIONS = {name: replace(OPTIONS[name], shown=True, **own) for name, own in _OWN.items()}


@with_run_options(_OPTIONS.values())
def tune(
    context: typer.Context,
    names: Names = None,
    trials: Annotated[
        int | None, _searching(min=1, help="Number of configurations; 24 without --budget.")
    ] = None,
    budget: Annotated[
        str | None,
        _searching(
            metavar="TIME", help="Start no configuration after 90s, 20m or 8h, with restarts."
        ),
    ] = None,
    seed: Annotated[int, _searching(min=0, help="Seed of the search.")] = 0,
    space: Annotated[Path | None, _searching(help="TOML file of the search space.")] = None,
    only: Annotated[
        list[str] | None,
        _searching(metavar="NAMES", help="Search only these: learning_rate,batch_size."),
    ] = None,
    per_model: Annotated[
        bool, _searching("--per-model", help="Find one recipe for each model.")
    ] = False,
    take_best: Annotated[
        bool,
        _searching("--take-best", help="Take the best even if not clearly better than the first."),
    ] = False,
    out: Annotated[Path, typer.Option(help="File for the recipe.")] = Path("recipe.toml"),
    as_json: Json = False,
    **options: Any,
) -> None:
    """Find a recipe by trying configurations on training images; the test images stay unseen.

    Repeat the command to resume a search, or to show a finished one. More --trials or a longer
    --budget extend it. `zoo bench --recipe FILE` uses the recipe.
    """
    given = {name: own["default"] for name, own in _OWN.items() if "default" in own}
    given |= given_options(context, names=_OPTIONS)
    if not given.get("models"):
        raise RunError("which models? For example `zoo tune --models lenet alexnet`")
    if out.suffix != ".toml":
        raise RunError(f"--out must end in .toml, not {out}")
    refuse_torchrun()

    from bench.runs.request import Request
    from bench.system.cpu import wait_asleep
    from bench.system.options import parse_seconds, split_commas
    from bench.training.recipe_file import write_recipe_file
    from bench.tune import search as searching
    from bench.tune.space import only as narrowed
    from bench.tune.space import read_space, whole_space

    request = Request(**given)
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
    with end_when_interrupted(f"{KEPT}; repeat the command to resume"):
        outcomes = searching.search(asked, say)
    file = searching.recipe_file(outcomes, base, "tuned")
    if file is not None:
        write_recipe_file(out, file)
    _show(outcomes, asked, out if file is not None else None, as_json=as_json)
    raise typer.Exit(_exit_code(outcomes, file is not None))


def _show(outcomes: list[Outcome], asked: Search, out: Path | None, *, as_json: bool) -> None:
    from bench.tune.search_table import as_json as plain
    from bench.tune.search_table import render

    if as_json:
        print_json([plain(each) for each in outcomes])
    for outcome in outcomes:
        if not as_json and outcome.tried:
            print_rendered(render(outcome))
        say(f"Runs of the search: {outcome.folder}")
        if outcome.stopped_by is not None:
            say("zoo: interrupted; repeat the command to resume")
    if asked.trials is None and asked.budget is not None:
        say("a search limited by time may find another recipe if repeated; --trials avoids that")
    if out is not None:
        say(f"Recipe: {out}; use it with `zoo bench --recipe {out}`")


def _exit_code(outcomes: list[Outcome], chosen: bool) -> ExitCode:
    """Return OK if a recipe was chosen, or the code of an interruption or of no choice."""
    for by in (outcome.stopped_by for outcome in outcomes):
        if by is not None:
            return ExitCode.of_signal(by) if by else ExitCode.FAILED
    return ExitCode.OK if chosen else ExitCode.NOTHING_MEASURED
