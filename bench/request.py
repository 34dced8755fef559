"""What is asked of a comparison, and what that means: models, recipe, choices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeVar

from bench.data.transform import Layout
from bench.layout import LAYOUTS
from bench.recipe import DEFAULT, DEMO, Recipe, get_recipe
from registry.architecture import Architecture
from registry.catalog import Catalog
from registry.errors import RunError

LAYOUT_CHOICES: tuple[Layout | Literal["auto"], ...] = ("auto", *LAYOUTS)
T = TypeVar("T", bound=str)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is to be compared, and how.

    Attributes:
        data: a folder of images, or None for the embedded drawings.
        recipe: a recipe, or the name of one; None is `demo` on the embedded data, else `default`.
        split: `stratified` or `textbook`.
        seeds: one trial of every model for each.
        limit: use so many images at most.
        threads, workers: of the CPU: for the network, and for making batches.
        weights: keep the trained weights in the run folder.
        fidelity: `exact` resizes training images by Pillow, `fast` by torch, 2 of 255 away.
        layout: `channels_last`, `contiguous`, or `auto`: the faster one for each network.
        compiled: by `torch.compile`; its time is counted apart.
        cache: keep decoded pixels in the cache folder and read them from there.
        profile: measure where the time goes.
    """

    models: tuple[str | Architecture, ...]
    data: Path | None = None
    recipe: Recipe | str | None = None
    split: str = "stratified"
    epochs: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    seeds: tuple[int, ...] = (0,)
    device: str = "auto"
    precision: str = "float32"
    threads: int | None = None
    workers: int = 2
    limit: int | None = None
    runs: Path = Path("runs")
    weights: bool = True
    fidelity: str = "exact"
    layout: str = "auto"
    compiled: bool = False
    cache: bool = True
    profile: bool = False


@dataclass(frozen=True, slots=True)
class Contender:
    """An architecture under the name that it was asked for by."""

    model: str
    architecture: Architecture
    origin: str


def contenders(models: Sequence[str | Architecture]) -> list[Contender]:
    """Return what is compared, in the order asked, names and patterns before values.

    Raises:
        ZooError: a name is unknown, or one name stands for two, or there is none.
    """
    catalog = Catalog.installed()
    names = [model for model in models if isinstance(model, str)]
    entries = [catalog.get(name) for name in catalog.resolve(names)] if names else []
    chosen = [
        Contender(entry.name, entry.architecture, str(entry.origin))
        for entry in entries
        if entry.architecture is not None
    ]
    values = [model for model in models if isinstance(model, Architecture)]
    chosen += [Contender(value.name, value, "given in Python") for value in values]
    if not chosen:
        raise RunError("no models to compare: name some, such as `--models lenet alexnet`")
    taken = [contender.model for contender in chosen]
    for name in taken:
        if taken.count(name) > 1:
            raise RunError(f"two models are called {name!r}: give one of them another name")
    return chosen


def recipe_of(request: Request) -> Recipe:
    """Return the recipe that is asked for, with the changes that are.

    Raises:
        RunError: there is none of that name.
    """
    recipe = request.recipe
    if recipe is None:
        recipe = DEMO if request.data is None else DEFAULT
    elif isinstance(recipe, str):
        recipe = get_recipe(recipe)
    changes = {
        name: value
        for name in ("epochs", "batch_size", "learning_rate")
        if (value := getattr(request, name)) is not None
    }
    return replace(recipe, **changes) if changes else recipe


def one_of(what: str, value: str, known: tuple[T, ...]) -> T:
    """Return the one of `known` that `value` is.

    Raises:
        RunError: it is none; the message names `what` it should be, and those that there are.
    """
    for each in known:
        if each == value:
            return each
    raise RunError(f"unknown {what} {value!r}: there are {', '.join(map(str, known))}")
