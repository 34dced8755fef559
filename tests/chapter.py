"""The chapter's result explained, one change at a time: `make chapter` writes docs/chapter.md.

Each step is an ordinary run of `bench`, in a folder of its own, and compared with the step before
it by `bench.compare`. A run that is there is read, and one that was interrupted is gone on with.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import torch
from chapter_networks import LOGITS, PRINTED
from chapter_page import page

import bench
from bench.data.batch import Batches
from bench.data.transform import Augmentation, normalization_of
from bench.data.view import EvaluationView
from bench.evaluate import evaluate
from bench.harness import resume
from bench.plan import make_plan
from bench.progress import Progress
from bench.recipe import DEFAULT, TEXTBOOK, Recipe
from bench.request import Request
from bench.results import Results
from registry.architecture import Architecture
from zoo import ALEXNET, LENET

_ROOT = Path(__file__).resolve().parents[1]
_PAGE = _ROOT / "docs" / "chapter.md"
_FOLDER = _ROOT / ".benchmarks" / "chapter"
_DATA = _ROOT.parent / "shared" / "data"
_CHAPTER, _MANY = "dogs-vs-cats", "dogs-vs-cats-2000"
_UNTRAINED_SEEDS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One more change: what is trained, how, and on what.

    Attributes:
        name: of its folder.
        what: the change, for a person.
        networks: that are trained.
        more: train on the training part of the 2,002 photographs instead of the chapter's 400.
    """

    name: str
    what: str
    networks: tuple[Architecture, ...]
    recipe: Recipe
    more: bool = False


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
        recipe = replace(recipe, name="default" if name == "crops" else name, **changes)
        yield Step(name=name, what=what, networks=both, recipe=recipe)
    longer = replace(DEFAULT, name="longer", epochs=30)
    yield Step(name="longer", what="30 epochs instead of 10", networks=both, recipe=longer)
    yield Step(
        name="more",
        what="the 2,002 photographs' training part (1,401) instead of 400, 10 epochs",
        networks=both,
        recipe=DEFAULT,
        more=True,
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
        "crops from a quarter of a picture on, not from half: the `default` recipe",
        {"augmentation": Augmentation(scale=(0.25, 1.0))},
    ),
)


def result_of(step: Step, seeds: int, options: argparse.Namespace) -> Results:
    """Return the results of a step: read, gone on with, or trained now."""
    runs = options.folder / step.name
    begun = sorted(runs.glob("[0-9]*")) if runs.is_dir() else []
    if begun:
        return resume(str(begun[-1]), runs, {}, Progress())
    given = {"data": options.data / (_MANY if step.more else _CHAPTER)}
    if not step.more:
        given["test_data"] = options.data / _MANY
    return bench.run(
        list(step.networks),
        **given,
        split="stratified" if step.more else "textbook",
        recipe=step.recipe,
        seeds=tuple(range(seeds)),
        threads=options.threads,
        weights=False,
        runs=runs,
    )


def untrained(architecture: Architecture, data: Path) -> list[int]:
    """Return how many of the 92 validation photographs each untrained network gets right.

    That is the chapter's first loop as it is indented: the training phase is never run, so all ten
    epochs say the same.
    """
    request = Request(models=(architecture,), data=data / _CHAPTER, split="textbook")
    plan = make_plan(request, Progress())
    view = EvaluationView(
        files=[image.file for image in plan.splits.of(None).validation],
        source=plan.source,
        shape=architecture.contract.input_shape,
    )
    batches = list(
        Batches(view, batch_size=32, normalization=normalization_of(architecture)).epoch()
    )
    right = []
    for seed in range(_UNTRAINED_SEEDS):
        torch.manual_seed(seed)
        network = architecture.build(num_classes=2)
        found = [evaluate(network, batches, device=torch.device("cpu")) for _ in range(2)]
        assert found[0].loss == found[1].loss
        right.append(int((found[0].predicted == found[0].labels).sum()))
    return right


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is not there yet, and write the page; not 0 where a step was stopped or failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument("--only", nargs="*", help="names of steps to run; the page needs all")
    parser.add_argument("--data", type=Path, default=_DATA)
    parser.add_argument("--folder", type=Path, default=_FOLDER)
    parser.add_argument("--page", type=Path, default=_PAGE)
    options = parser.parse_args(arguments)
    chosen = [step for step in steps() if not options.only or step.name in options.only]
    results: dict[str, Results] = {}
    for step in chosen:
        results[step.name] = result_of(step, options.seeds, options)
        if results[step.name].exit_code:  # stopped, or a trial has failed: no page comes of it
            return results[step.name].exit_code
    if not options.only:
        text = page(list(steps()), results, untrained(PRINTED, options.data))
        options.page.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
