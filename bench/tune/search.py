"""Run a search: one configuration after the other, each an ordinary, resumable run."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from bench.analysis.results import StoredRun
from bench.runs.execute import execute, resume
from bench.runs.request import Request, as_plain
from bench.runs.resolve import contenders, recipe_of, resolve_request
from bench.runs.run_folder import RunFolder
from bench.runs.stored_runs import stored_run
from bench.system.display import display
from bench.training.recipe import Recipe, get_recipe
from bench.training.recipe_file import Found, RecipeFile, names_file, own_name
from bench.tune.choice import Choice, choose
from bench.tune.space import Space, position_of, recipe_at, require_optuna, suggest
from bench.tune.study import (
    Configuration,
    Study,
    TimedProgress,
    configuration_of,
    require_same_images,
    with_run_name,
)
from registry.architecture import Architecture
from registry.errors import RunError

_ATTEMPTS = 16  # repeated suggestions, after which the space counts as exhausted
_METRIC = "mean accuracy over models, seeds and images held out of the training part"
Say = Callable[[str], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Options of a search that starts from the recipe `base`; `per_model`: one for each model.

    After `budget` wall seconds no configuration starts. `take_best` chooses the best even if it is
    not clearly better than `base`. The request's `within` is never None.
    """

    request: Request
    base: Recipe
    space: Space
    trials: int | None = 24
    budget: float | None = None
    seed: int = 0
    per_model: bool = False
    take_best: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Result of one search, and the number of the signal that stopped it.

    `choice` is None if every configuration failed or a signal came; `found` describes the search.
    """

    models: tuple[str, ...]
    folder: Path
    tried: tuple[Configuration, ...]
    choice: Choice | None
    found: Found | None
    stopped_by: int | None = None


def base_of(request: Request) -> Recipe:
    """Return the recipe that a search starts from: `default`, unless another is requested.

    Its values are the same for every kind of network: a search varies them.
    """
    if names_file(request.recipe):
        raise RunError("zoo tune starts from a named recipe, not from a file")
    start = recipe_of(replace(request, recipe=request.recipe or get_recipe("default")))
    return replace(start, by_kind=False)


def search(asked: Search, say: Say, *, shown: bool = True) -> list[Outcome]:
    """Return one outcome, or one for each model.

    ZooError reports what is missing; finished runs are kept.
    """
    require_optuna()
    models = tuple(each.model for each in contenders(asked.request))
    values = {each.name: each for each in asked.request.models if isinstance(each, Architecture)}
    parts = [(model,) for model in models] if asked.per_model else [models]
    share = None if asked.budget is None else asked.budget / len(parts)
    outcomes: list[Outcome] = []
    for part in parts:
        request = replace(asked.request, models=tuple(values.get(name, name) for name in part))
        one = replace(asked, request=request, budget=share)
        outcomes.append(_search_models(one, part, say, shown))
        if outcomes[-1].stopped_by is not None:
            break
    return outcomes


def recipe_file(outcomes: Sequence[Outcome], base: Recipe, name: str) -> RecipeFile | None:
    """Return the chosen recipe as a recipe file; None if none is chosen.

    After several searches, the file holds what each model's recipe changes in `base`.
    """
    chosen = {
        each.models[0]: each.choice.recipe(name) for each in outcomes if each.choice is not None
    }
    if not chosen or len(chosen) < len(outcomes):
        return None
    found = outcomes[0].found
    if len(chosen) == 1:
        return RecipeFile(recipe=chosen.popitem()[1], found=found)
    own = {model: replace(each, name=own_name(name, model)) for model, each in chosen.items()}
    return RecipeFile(recipe=replace(base, name=name), models=own, found=found)


def _search_models(asked: Search, models: tuple[str, ...], say: Say, shown: bool) -> Outcome:
    label = "-".join(re.sub(r"[^\w.]", "-", display(m), flags=re.ASCII) for m in models[:3])
    study = Study.find_or_create(asked.request.runs, label, _identity(asked))
    with RunFolder(study.path).held():
        runs, tried, stopped_by = _finished_runs(asked, study, say, shown)
        study.write_time()
    found = None
    if runs:
        about = runs[0].about
        found = Found(
            data=Path(about["data"]).name,
            images=about["manifest"]["images"],
            fingerprint=about["split"]["fingerprint"],
            metric=_METRIC,
            seed=asked.seed,
        )
    return Outcome(
        models=models,
        folder=study.path,
        tried=tuple(tried),
        choice=choose(tried, take_best=asked.take_best) if stopped_by is None else None,
        found=found,
        stopped_by=stopped_by,
    )


def _finished_runs(
    asked: Search, study: Study, say: Say, shown: bool
) -> tuple[list[StoredRun], list[Configuration], int | None]:
    """Return the finished runs in order, their configurations, and the signal that stopped."""
    there, runs, tried = study.runs(say), list[StoredRun](), list[Configuration]()
    while asked.trials is None or len(runs) < asked.trials:
        number = len(runs) + 1
        recipe = _next_recipe(asked, tried)
        if recipe is None:
            say(f"all {len(runs)} configurations of the space were tried")
            break
        recipe, run = with_run_name(recipe, number), there.get(number)
        if run is None or run.results.unfinished:
            if asked.budget is not None and study.spent_seconds >= asked.budget and runs:
                say(f"the budget of {asked.budget:,.0f} s is spent: a repeated search may "
                    "differ; with --trials it would not")  # fmt: skip
                break
            say(f"configuration {number}{'' if asked.trials is None else f' of {asked.trials}'}")
            run, stopped_by = _run(asked, study, recipe, run, shown)
            if stopped_by is not None or run.results.unfinished:
                return runs, tried, stopped_by or 0
        elif run.specs[0].recipe != recipe:
            raise RunError(f"{run.results.folder} holds another recipe than this search: remove it")
        runs.append(run)
        require_same_images(runs)
        tried.append(configuration_of(run, asked.base))
        say(f"configuration {number}: {tried[-1].accuracy:.1%} ({tried[-1].status})")
    return runs, tried, None


def _run(
    asked: Search, study: Study, recipe: Recipe, before: StoredRun | None, shown: bool
) -> tuple[StoredRun, int | None]:
    progress = TimedProgress(study, shown=shown)
    if before is not None:
        results = resume(str(before.results.folder), study.path, {}, progress)
    else:
        request = replace(asked.request, recipe=recipe, runs=study.path, weights=False,
                          epochs=None, budget=None, patience=None, batch_size=None,
                          learning_rate=None)  # fmt: skip
        results = execute(resolve_request(request), progress)
    return stored_run(str(results.folder), study.path), results.stopped_by


def _next_recipe(asked: Search, tried: Sequence[Configuration]) -> Recipe | None:
    """Return the next recipe after those `tried`; None if the space is exhausted."""
    if not tried:
        return asked.base
    places = [(position_of(asked.space, each.recipe), each.accuracy) for each in tried]
    for attempt in range(_ATTEMPTS):
        position = suggest(asked.space, places, asked.seed, attempt)
        recipe = recipe_at(asked.space, position, asked.base)
        if all(recipe != each.recipe for each in tried):
            return recipe
    return None


def _identity(asked: Search) -> dict[str, Any]:
    """Return everything that determines a search, except its length."""
    left_out = ("runs", "recipe", "own_recipes", "weights", "timeout", "checkpoint_every")
    request = as_plain(asked.request)
    return {
        "request": {name: value for name, value in request.items() if name not in left_out},
        "recipe": msgspec.to_builtins(asked.base),
        "space": msgspec.to_builtins(asked.space),
        "seed": asked.seed,
    }
