"""How a network is trained: named, frozen recipes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from bench.data.transform import Augmentation
from registry.claims import Claims, Kind
from registry.errors import RunError


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Everything that decides a training run but the architecture, the data and the seed.

    Attributes:
        learning_rate: the constant rate, or the peak of the one-cycle schedule.
        schedule: `constant`, or `one_cycle` (Smith and Topin 2018), stepped once a batch.
        initialization: the network's `own` weights, or such as fit `patches` of the training
            images, where it does not normalise between its layers (`bench.initialize`).
        label_smoothing: share of the target spread over all classes (Szegedy et al. 2016).
        configurations: how many were tried to choose this one; 0 where none was chosen.
    """

    name: str
    epochs: int
    batch_size: int
    optimizer: Literal["sgd", "adamw"]
    learning_rate: float
    momentum: float = 0.0
    weight_decay: float = 0.0
    schedule: Literal["constant", "one_cycle"] = "constant"
    label_smoothing: float = 0.0
    initialization: Literal["own", "patches"] = "own"
    augmentation: Augmentation = field(default_factory=Augmentation)
    configurations: int = 0

    @property
    def source(self) -> str:
        """What it is, in a line."""
        return (
            f"{self.epochs} epochs, batches of {self.batch_size}, {self.optimizer} at "
            f"{self.learning_rate:g}, {self.schedule.replace('_', ' ')}"
        )

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "learning_rate"):
            if getattr(self, name) <= 0:
                raise RunError(f"{name} must be above 0, not {getattr(self, name)}")


TEXTBOOK = Recipe(
    name="textbook", epochs=10, batch_size=32, optimizer="sgd", learning_rate=1e-3, momentum=0.9
)
DEFAULT = Recipe(
    name="default",
    epochs=10,
    batch_size=32,
    optimizer="adamw",
    learning_rate=3e-4,
    weight_decay=0.05,
    schedule="one_cycle",
)
DEMO = replace(DEFAULT, name="demo", epochs=6)  # two minutes for lenet and alexnet on two cores
RECIPES = Kind(
    group="zoo.recipes",
    noun="recipe",
    type=Recipe,
    name_of=lambda recipe: recipe.name,
    listing="zoo list --recipes",
)


def get_recipe(name: str) -> Recipe:
    """Return the installed recipe called `name`.

    Raises:
        RegistryError: there is none, it is claimed twice, or its plugin is broken.
    """
    return Claims.installed(RECIPES).entry(name).value
