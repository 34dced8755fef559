"""Recipes: the named, frozen settings of training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bench.data.batch_options import Augmentation
from bench.system.options import format_seconds
from bench.training.recipe_limits import (
    InitializationName,
    OptimizerName,
    ScheduleName,
    check_recipe,
)
from registry.claims import Claims, Kind
from registry.errors import RunError

FIELDS_BEFORE = {"ema_decay": "averaging", "train_resolution": "training_side"}  # in older files
# not in older files; with what was done before
FIELDS_SINCE = {"fresh_statistics": False, "by_kind": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Everything that decides a training run except the architecture, the data and the seed.

    Raises RunError for a value that is unknown, out of range, or not a finite number.

    Attributes:
        name: name of the recipe.
        epochs: length of the training in passes over the images; None if `seconds` is given.
        seconds: length of the training in wall time; None if `epochs` is given.
        batch_size: number of images per batch.
        optimizer: optimiser; `muon` is Muon for the filters of convolutions, AdamW for the rest.
        learning_rate: constant rate, or peak of the schedule.
        filter_rate: rate of the parameters that Muon trains.
        momentum: momentum of SGD.
        weight_decay: weight decay of all weights except biases and normalisation gains.
        schedule: change of the rate per step: `constant`, `one_cycle` (Smith and Topin 2018) or
            `cosine` (Loshchilov and Hutter 2017).
        warmup: share of the training, 0 to 1, during which the rate rises.
        label_smoothing: share of the target spread over all classes (Szegedy et al. 2016).
        initialization: first weights: `own` keeps those of the network; `patches` fits them to the
            training images, if the network has no normalisation layers.
        frozen_share: share of the training, 0 to 1, during which only the head is trained; for
            networks with trained weights.
        backbone_rate: learning rate of all layers except that head, as a share of the head's.
        ema_decay: decay per step of the running mean of weights that is validated, tested and
            saved, such as 0.99; 0 uses the weights of the last step.
        train_resolution: side of training images as a share of the tested side, to the nearest
            multiple of 32 pixels, if the network accepts that size. Several shares divide the
            training into equal parts, such as 96, 128 and 160 pixels (Howard 2018, fastai).
        stratified_batches: whether each batch has the class shares of all images.
        fresh_statistics: whether validation and test use means and variances of batch normalisation
            from at most 256 training images, instead of the running ones, which lag behind the
            weights (Wu and Johnson 2021).
        by_kind: whether a network of another kind than the recipe is for is trained by the values
            that suit it: see `bench.training.kind`.
        patience: number of epochs without better validation accuracy that ends training; then the
            weights of the best epoch are tested. None trains to the end and tests the last weights.
        augmentation: augmentation of training images.
        configurations: number of configurations that a search tried; 0 without a search.
    """

    name: str
    epochs: int | None = None
    seconds: float | None = None
    batch_size: int
    optimizer: OptimizerName
    learning_rate: float
    filter_rate: float = 0.02
    momentum: float = 0.0
    weight_decay: float = 0.0
    schedule: ScheduleName = "constant"
    warmup: float = 0.3
    label_smoothing: float = 0.0
    initialization: InitializationName = "own"
    frozen_share: float = 0.0
    backbone_rate: float = 1.0
    ema_decay: float = 0.0
    train_resolution: float | tuple[float, ...] = 1.0
    stratified_batches: bool = False
    fresh_statistics: bool = False
    by_kind: bool = False
    patience: int | None = None
    augmentation: Augmentation = field(default_factory=Augmentation)
    configurations: int = 0

    @property
    def source(self) -> str:
        """The recipe in one line."""
        kind = "; other values for other kinds of networks" if self.by_kind else ""
        return f"{self.length}, {self.settings}{kind}"

    @property
    def settings(self) -> str:
        """Batches, optimiser and schedule in words."""
        rate = f"{self.optimizer} at {self.learning_rate:g}"
        if self.optimizer == "muon":
            rate = f"muon at {self.filter_rate:g} and adamw at {self.learning_rate:g}"
        schedule = self.schedule.replace("_", " ")
        return f"batches of {self.batch_size}, {rate}, {schedule}"

    @property
    def length(self) -> str:
        """The length of the training in words: `10 epochs`, `60 s`."""
        if self.seconds is not None:
            return format_seconds(self.seconds)
        return f"{self.epochs} epoch{'s' if self.epochs != 1 else ''}"

    def __post_init__(self) -> None:
        if (self.epochs is None) == (self.seconds is None):
            both = "neither" if self.epochs is None else "both"
            raise RunError(f"a recipe needs either epochs or seconds; {self.name!r} has {both}")
        check_recipe(self)


def with_present_names(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a recipe by today's names."""
    present = {before: now for now, before in FIELDS_BEFORE.items()}
    return {present.get(name, name): value for name, value in values.items()}


TEXTBOOK = Recipe(
    name="textbook", epochs=10, batch_size=32, optimizer="sgd", learning_rate=1e-3, momentum=0.9
)
DEFAULT = Recipe(
    name="default",
    epochs=10,
    batch_size=16,
    optimizer="muon",
    learning_rate=2e-4,
    weight_decay=0.05,
    schedule="one_cycle",
    label_smoothing=0.1,
    initialization="patches",
    train_resolution=0.75,
    stratified_batches=True,
    fresh_statistics=True,
    augmentation=Augmentation(scale=(0.25, 1.0)),
)
BEST = replace(DEFAULT, name="best", by_kind=True)
FINETUNE = Recipe(
    name="finetune",
    epochs=10,
    batch_size=32,
    optimizer="adamw",
    learning_rate=1e-3,
    weight_decay=0.05,
    schedule="one_cycle",
    label_smoothing=0.1,
    frozen_share=0.2,
    backbone_rate=0.1,
)
DEMO = replace(DEFAULT, name="demo", epochs=6)  # lenet and alexnet: two minutes on two cores
RECIPES = Kind(
    group="zoo.recipes",
    noun="recipe",
    type=Recipe,
    listing="zoo list recipes",
)


def get_recipe(name: str) -> Recipe:
    """Return the installed recipe called `name`.

    Raises:
        RegistryError: no recipe or several have this name, or its plugin is broken.
    """
    return Claims.installed(RECIPES).entry(name).value
