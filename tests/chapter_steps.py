"""The steps from the chapter's recipe to ours, one change each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from chapter_networks import LOGITS, PRINTED

from bench.data.transform import Augmentation
from bench.recipe import DEFAULT, TEXTBOOK, Recipe
from registry.architecture import Architecture
from zoo import ALEXNET, LENET


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One more change: what is trained, how, and on what.

    Attributes:
        name: of its folder.
        what: the change, for a person.
        networks: that are trained.
        more: train on the training part of the 2,002 photographs instead of the chapter's 400.
        beyond: it takes more than the chapter's photographs and epochs.
    """

    name: str
    what: str
    networks: tuple[Architecture, ...]
    recipe: Recipe
    more: bool = False
    beyond: bool = False


def steps() -> Iterator[Step]:
    """Yield the steps, each with the changes of those before it."""
    both = (LENET, ALEXNET)
    yield Step(
        name="trained",
        what="as printed, but trained (`--recipe textbook`)",
        networks=(PRINTED, ALEXNET),
        recipe=TEXTBOOK,
    )
    yield Step(
        name="logits",
        what="logits, no softmax before the loss",
        networks=(LOGITS,),
        recipe=TEXTBOOK,
    )
    yield Step(name="relu", what="a ReLU after `fc1`", networks=(LENET,), recipe=TEXTBOOK)
    recipe = TEXTBOOK
    for name, what, changes in _CHANGES:
        recipe = replace(recipe, name=name, **changes)
        yield Step(name=name, what=what, networks=both, recipe=recipe)
    yield Step(
        name="default",
        what="training images of 192x192, not of 256x256: the `default` recipe",
        networks=(ALEXNET,),
        recipe=DEFAULT,
    )
    longer = replace(DEFAULT, name="longer", epochs=30)
    yield Step(
        name="longer",
        what="30 epochs instead of 10",
        networks=both,
        recipe=longer,
        beyond=True,
    )
    yield Step(
        name="more",
        what="the 2,002 photographs' training part (1,401) instead of 400, 10 epochs",
        networks=both,
        recipe=DEFAULT,
        more=True,
        beyond=True,
    )


_CHANGES: tuple[tuple[str, str, dict[str, object]], ...] = (
    ("weights", "first weights that fit the pictures", {"initialization": "patches"}),
    ("schedule", "one-cycle instead of a constant rate", {"schedule": "one_cycle"}),
    (
        "optimizer",
        "AdamW at 2e-4 instead of SGD at 1e-3",
        {"optimizer": "adamw", "learning_rate": 2e-4, "momentum": 0.0},
    ),
    ("decay", "weight decay 0.05", {"weight_decay": 0.05}),
    ("smoothing", "label smoothing 0.1", {"label_smoothing": 0.1}),
    ("batch", "batches of 16 instead of 32", {"batch_size": 16}),
    (
        "crops",
        "crops from a quarter of a picture on, not from half",
        {"augmentation": Augmentation(scale=(0.25, 1.0))},
    ),
)
