"""Resolution of a request on this machine: models, recipes, device and threads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from bench.engines.registry import LOCAL
from bench.runs.request import Request
from bench.system.cpu import threads_each
from bench.system.device import choose_device, choose_precision
from bench.system.options import parse_seconds
from bench.training.checkpoint import Cadence
from bench.training.recipe import BEST, DEFAULT, DEMO, FINETUNE, Recipe, get_recipe
from bench.training.recipe_file import names_file, read_recipe_file
from bench.training.remote_checkpoints import whole_place
from bench.training.spec import SECOND_NAME, SECOND_SEEDS
from bench.training.suitable import can_have_pictures, require_pictures
from registry.architecture import Architecture, Origin
from registry.catalog import Catalog
from registry.claims import Entry
from registry.errors import (
    BrokenPluginError,
    ConstructionError,
    RunError,
    UnsuitableError,
    did_you_mean,
)
from registry.unbuilt import is_unbuilt, unbuilt

_CHANGES = ("epochs", "batch_size", "learning_rate", "patience")  # options named as recipe fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """A model of the comparison: its requested name, architecture, origin and recipe.

    Attributes:
        seed_offset: number added to the seeds of the run.
    """

    model: str
    architecture: Architecture
    origin: str
    recipe: Recipe
    seed_offset: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialOptions:
    """Options that do not change the predictions of trials; `RunOptions` explains each.

    Attributes:
        shares_machine: whether other trials may run at the same time and affect the times.
    """

    engine: str
    address: str | None
    jobs: int | None
    isolate: bool
    shares_machine: bool
    timeout: float | None
    cadence: Cadence
    checkpoints: str | None
    halve_on_oom: bool
    weights: bool
    profile: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedRequest:
    """A request with all choices made.

    Attributes:
        request: request as written, with the content of recipe files; stored with the run.
        contenders: models of the comparison.
        recipe: recipe of the models without their own.
        device: device of every trial.
        threads: CPU threads of each trial.
        options: options that do not change predictions.
    """

    request: Request
    contenders: tuple[Contender, ...]
    recipe: Recipe
    device: torch.device
    threads: int
    options: TrialOptions


def resolve_request(request: Request) -> ResolvedRequest:
    """Return `request` resolved for this machine and its installed models.

    Raises:
        ZooError: a model, recipe, device or file is invalid or missing.
    """
    request = with_files_read(request)
    threads = _threads(request)
    compared = tuple(contenders(request))
    device = choose_device(request.device)
    choose_precision(request.precision, device)
    resolved = ResolvedRequest(
        request=request,
        contenders=compared,
        recipe=recipe_of(request),
        device=device,
        threads=threads,
        options=trial_options(request),
    )
    _require_whole_seconds(resolved)
    return resolved


def trial_options(request: Request) -> TrialOptions:
    """Return the options of `request` that do not change predictions."""
    return TrialOptions(
        engine=request.engine,
        address=request.address,
        jobs=request.jobs,
        isolate=request.isolate,
        shares_machine=request.shares,
        timeout=request.timeout,
        cadence=Cadence.parse(request.checkpoint_every),
        checkpoints=request.checkpoints,
        halve_on_oom=request.on_oom == "halve",
        weights=request.weights,
        profile=request.profile,
    )


def _threads(request: Request) -> int:
    """Return the threads of each trial; a cluster knows its own cores."""
    if request.engine == LOCAL.name:
        return threads_each(request.jobs or 1, request.threads)
    return request.threads or 1


def _require_whole_seconds(resolved: ResolvedRequest) -> None:
    timed = any(each.recipe.seconds is not None for each in resolved.contenders)
    if resolved.options.shares_machine and timed:
        raise RunError(
            "--budget counts seconds of a machine that no other trial uses: it needs --jobs 1; "
            "or pass --epochs"
        )


def contenders(request: Request) -> list[Contender]:
    """Return the models to compare, in the requested order, names and patterns first.

    `--pretrained` loads trained weights; `--aa` compares one architecture with itself.

    Raises:
        ZooError: a name is unknown or ambiguous, or there is no model.
    """
    catalog = Catalog.installed()
    names = [model for model in request.models if isinstance(model, str)]
    entries = [_entry(catalog, name) for name in catalog.resolve(names)] if names else []
    chosen = [_contender(request, entry.name, entry.value, str(entry.origin)) for entry in entries]
    values = [model for model in request.models if isinstance(model, Architecture)]
    chosen += [_contender(request, value.name, value, "given in Python") for value in values]
    if not chosen:
        raise RunError("no models to compare: name some, for example `--models lenet alexnet`")
    taken = [contender.model for contender in chosen]
    for name in taken:
        if taken.count(name) > 1:
            raise RunError(f"two models are called {name!r}: rename one")
    _require_some(chosen)
    return _with_second_copy(chosen) if request.aa else chosen


def _entry(catalog: Catalog, name: str) -> Entry[Architecture]:
    """Return the entry `name`; a network that cannot be built is one that fails with the reason."""
    origin = Origin(distribution="unbuilt", version="")
    try:
        entry = catalog.entry(name)
    except (ConstructionError, UnsuitableError, BrokenPluginError) as error:
        reason = " ".join(str(error).split())
        return Entry(name=name, found=unbuilt(reason), origin=origin)
    return entry if entry.found else replace(entry, found=unbuilt(entry.broken_line))


def _require_some(chosen: Sequence[Contender]) -> None:
    """Raise the reason of the first of `chosen` if none of them can be trained."""
    for each in chosen:
        if can_have_pictures(each.architecture):
            return
    for each in chosen:
        require_pictures(each.architecture)
        each.architecture.build(each.architecture.contract.num_classes)


def _contender(request: Request, model: str, architecture: Architecture, origin: str) -> Contender:
    recipe = recipe_of(request, model, architecture.name)
    if request.pretrained and not is_unbuilt(architecture):
        architecture = architecture.pretrained(frozen=request.frozen)
    return Contender(model=model, architecture=architecture, origin=origin, recipe=recipe)


def _with_second_copy(compared: Sequence[Contender]) -> list[Contender]:
    """Return the architecture under two names, the second with other seeds.

    Raises:
        RunError: there are several architectures.
    """
    if len(compared) != 1:
        raise RunError(f"--aa compares one model with itself: name one, not {len(compared)}")
    (once,) = compared
    return [once, replace(once, model=f"{once.model}{SECOND_NAME}", seed_offset=SECOND_SEEDS)]


def with_files_read(request: Request) -> Request:
    """Return `request` with absolute paths, and the content of a recipe file instead of its path.

    So a run resumes with the same recipe, even if the file changes.

    Raises:
        RunError: the file has no valid recipe, or one for a model that is not compared.
    """
    if request.checkpoints is not None:
        request = replace(request, checkpoints=whole_place(request.checkpoints))
    if not names_file(request.recipe):
        return request
    path = Path(str(request.recipe))
    file = read_recipe_file(path)
    _require_models(path, file.models, request)
    return replace(request, recipe=file.recipe, own_recipes=tuple(file.models.items()))


def _require_models(path: Path, named: Iterable[str], request: Request) -> None:
    """Raise RunError for a table of a model that is neither compared nor installed."""
    given = [each if isinstance(each, str) else each.name for each in request.models]
    known = [*given, *Catalog.installed().names()]
    for model in named:
        if model not in known and not {":", "/"} & {*model}:
            hint = did_you_mean(model, known)
            raise RunError(f"{path}: models.{model}: unknown model.{hint} `zoo list` shows all")


def recipe_of(request: Request, *models: str) -> Recipe:
    """Return the recipe of the first of `models` that has its own, else that of the request.

    Options such as `--epochs` replace its fields.

    Raises:
        RunError: no recipe has the requested name.
    """
    own = dict(request.own_recipes)
    recipe = next((own[model] for model in models if model in own), request.recipe)
    if recipe is None and request.pretrained:
        recipe = FINETUNE
    elif recipe is None:
        recipe = BEST if request.budget is not None else DEFAULT
        recipe = DEMO if request.data is None else recipe
    elif isinstance(recipe, str):
        recipe = get_recipe(recipe)
    asked = {name: getattr(request, name) for name in _CHANGES}
    changes = {name: value for name, value in asked.items() if value is not None}
    if request.epochs is not None:
        changes["seconds"] = None
    elif request.budget is not None:
        changes |= {"epochs": None, "seconds": parse_seconds(request.budget)}
    return replace(recipe, **changes) if changes else recipe
