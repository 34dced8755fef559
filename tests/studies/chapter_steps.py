"""The steps from the chapter's recipe to ours, one change each, and what ours gives elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

from chapter_networks import LOGITS, PRINTED, amended

import registry
from bench.data.batch_options import Augmentation
from bench.training.recipe import DEFAULT, TEXTBOOK, Recipe
from registry.architecture import Architecture
from zoo import ALEXNET, LENET

SEEDS = 6
_MINUTES = (1, 5, 10)
_ELSEWHERE_SECONDS, _LONGER_SECONDS = 300, 1200


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A network that is trained by a recipe, on some photographs.

    Attributes:
        name: of what was changed: one word.
        what: the change, for a person.
        network: that is trained.
        recipe: by which; where it has a budget of seconds, all cores are used, else one thread.
        more: train on the training part of the 2,002 photographs instead of the chapter's 400.
        seeds: 0 and those after it, so many.
        table: of the page, that it is a line of.
    """

    name: str
    what: str
    network: Architecture
    recipe: Recipe
    more: bool = False
    seeds: int = SEEDS
    table: Literal["changes", "beyond", "budgets", "elsewhere"] = "changes"

    @property
    def key(self) -> str:
        """What no other step is called."""
        return f"{self.name}/{self.network.name}"


def steps(model: str) -> Iterator[Step]:
    """Yield the steps of `lenet` or `alexnet`, each with the changes of those before it.

    The last two, beyond the chapter's epochs and photographs, have all changes but each other's.
    """
    network = LENET if model == "lenet" else ALEXNET
    yield Step(
        name="trained",
        what="as printed, but trained (`--recipe textbook`)",
        network=PRINTED if model == "lenet" else ALEXNET,
        recipe=TEXTBOOK,
    )
    if model == "lenet":
        what = "logits, no softmax before the loss"
        yield Step(name="logits", what=what, network=LOGITS, recipe=TEXTBOOK)
        yield Step(name="relu", what="a ReLU after `fc1`", network=LENET, recipe=TEXTBOOK)
    recipe = TEXTBOOK
    for name, what, changes in _CHANGES:
        if name == "side" and model == "lenet":  # it takes images of one size alone
            continue
        recipe = replace(recipe, name=name, **changes)
        yield Step(name=name, what=what, network=network, recipe=recipe)
    yield Step(
        name="longer",
        what="20 epochs instead of 10",
        network=network,
        recipe=replace(recipe, name="longer", epochs=20),
        table="beyond",
    )
    yield Step(
        name="more",
        what="1,402 of the 2,002 photographs instead of 400",
        network=network,
        recipe=replace(recipe, name="more"),
        more=True,
        table="beyond",
    )


def budgets(model: str) -> Iterator[Step]:
    """Yield trainings of `lenet` or `alexnet` by `default` within minutes."""
    for minutes in _MINUTES:
        yield Step(
            name=f"{minutes}m",
            what=f"{minutes} min",
            network=LENET if model == "lenet" else ALEXNET,
            recipe=_within(60 * minutes),
            more=True,
            table="budgets",
        )


def elsewhere() -> Iterator[Step]:
    """Yield trainings of all other built-ins and of eight other kinds of network by `default`."""
    for name, what in _ELSEWHERE.items():
        step = Step(
            name="elsewhere",
            what=what,
            network=registry.get(name),
            recipe=_within(_ELSEWHERE_SECONDS),
            more=True,
            seeds=1,
            table="elsewhere",
        )
        yield step
        if name == "vgg16":
            longer = _within(_LONGER_SECONDS)
            yield replace(step, name="longer_elsewhere", what="the same, 20 min", recipe=longer)
        if name == "torchvision:squeezenet1_1":
            what = "the same without the ReLU after its head"
            yield replace(step, what=what, network=amended(step.network))


@cache
def all_steps() -> tuple[Step, ...]:
    """Return every step of the page; the families' networks are looked up once."""
    own = [step for model in ("lenet", "alexnet") for step in (*steps(model), *budgets(model))]
    return (*own, *elsewhere())


def _within(seconds: float) -> Recipe:
    """Return `default` for a time, as it was when these networks were trained."""
    return replace(DEFAULT, epochs=None, seconds=float(seconds), fresh_statistics=False)


_CHANGES: tuple[tuple[str, str, dict[str, object]], ...] = (
    ("weights", "first weights that fit the pictures", {"initialization": "patches"}),
    ("side", "training images of 192x192, tested at 256x256", {"train_resolution": 0.75}),
    ("schedule", "one-cycle instead of a constant rate", {"schedule": "one_cycle"}),
    (
        "optimizer",
        "AdamW at 2e-4 and batches of 16 instead of SGD at 1e-3 and batches of 32",
        {"optimizer": "adamw", "learning_rate": 2e-4, "momentum": 0.0, "batch_size": 16},
    ),
    (
        "filters",
        "Muon at 0.02 instead of AdamW for the filters of convolutions",
        {"optimizer": "muon", "filter_rate": 0.02},
    ),
    (
        "stratified",
        "as many cats as dogs in each batch, to one or two",
        {"stratified_batches": True},
    ),
    ("decay", "weight decay 0.05", {"weight_decay": 0.05}),
    ("smoothing", "label smoothing 0.1", {"label_smoothing": 0.1}),
    (
        "crops",
        "crops from a quarter of a picture on, not from half",
        {"augmentation": Augmentation(scale=(0.25, 1.0))},
    ),
)
_ELSEWHERE = {
    "lenet5": "the LeNet of 1998, of 32x32 grey pixels",
    "lenet_as_printed": "the chapter's, softmax and all",
    "alexnet_2012": "one tower of the AlexNet of 2012",
    "vgg11": "plain, 11 layers",
    "vgg13": "plain, 13 layers",
    "vgg16": "plain, 16 layers",
    "vgg19": "plain, 19 layers",
    "torchvision:squeezenet1_1": "fire modules, no normalisation",
    "torchvision:resnet18": "residual",
    "torchvision:googlenet": "inception",
    "torchvision:mobilenet_v3_small": "inverted residuals, depthwise",
    "torchvision:shufflenet_v2_x0_5": "grouped and shuffled",
    "timm:convnext_atto": "ConvNeXt",
    "timm:vit_tiny_patch16_224": "transformer",
    "timm:mixer_s32_224": "multilayer perceptrons alone",
}
