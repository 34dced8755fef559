"""What processes of torchrun find out together, for `test_ddp`: begun by it, answers as JSON.

`torchrun ... ranks_scenarios.py IMAGES FOLDER` writes `found.json` into the folder: a list by rank,
in each what came of every scenario, by its name.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from bench.checkpoint import Cadence, Checkpoints
from bench.data.batch import Batch, Batches
from bench.data.check import check
from bench.data.find import find
from bench.data.pixel_source import DirectPixels
from bench.data.split import Split, stratified_split
from bench.data.transform import GREY
from bench.data.view import EvaluationView
from bench.engines.ranks import AgreedStop, _Elsewhere, _Silent
from bench.evaluate import evaluate
from bench.parallel import ALONE, Group, Ranks, group_of
from bench.recipe import DEFAULT
from bench.record import TrialResult, TrialSpec
from bench.stop import StopRequest
from bench.torchrun import launched
from bench.trial import run_trial
from bench.watcher import Service
from zoo import LENET5

BATCH = 7  # of 16 images: the last batch has 2, which of three processes one gets nothing of


class Noisy(nn.Module):
    """A network with dropout."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.drop = nn.Dropout(0.3)
        self.fc = nn.Linear(1024, num_classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits."""
        return self.fc(self.drop(images.flatten(1)))


class Normalizing(nn.Module):
    """A network that normalises over a batch."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(1)
        self.fc = nn.Linear(1024, num_classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits."""
        return self.fc(self.norm(images).flatten(1))


class Broken(Noisy):
    """A network whose logits are no numbers in one process, from the second step on."""

    steps = 0

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits, or NaN."""
        self.steps += self.training
        lost = self.training and self.steps == 2 and os.environ["RANK"] == "1"
        return super().forward(images) * (torch.nan if lost else 1)


class Unweighted(Ranks):
    """A liar: the mean over each share counts alike, however large the share."""

    def weight(self, share: int, whole: int) -> float:
        """Return 1 where there is a share at all."""
        return 1.0 if share else 0.0


class StoppedAfter(_Silent):
    """Asks for a stop after so many steps."""

    def __init__(self, stop: StopRequest, steps: int) -> None:
        self._stop, self._left = stop, steps

    def on_batch(self, spec: TrialSpec) -> None:
        """Count a step."""
        self._left -= 1
        if self._left == 0:
            self._stop.request()


def spec(name: str = "", parameters: int = 2050, **changes: Any) -> TrialSpec:
    """Return lenet5's specification, or that of a network of this module."""
    architecture = LENET5
    if name:
        contract = replace(LENET5.contract, parameters=parameters)
        constructor = f"{__name__}:{name}"
        architecture = replace(LENET5, name="mine", constructor=constructor, contract=contract)
    options = {
        "model": "mine",
        "architecture": architecture,
        "origin": "here",
        "recipe": replace(DEFAULT, epochs=3, batch_size=BATCH),
        "classes": ("cat", "dog"),
        "split_fingerprint": "",
        "seed": 0,
    }
    return TrialSpec(**options | changes)


def trained(spec: TrialSpec, split: Split, group: Group, **service: Any) -> TrialResult:
    """Return what comes of a trial that `group` does."""
    stop = AgreedStop(group)
    watcher = StoppedAfter(stop, service.pop("stop_after", 0))
    return run_trial(spec, split, watcher, Service(group=group, stop=stop, **service))


def difference(one: TrialResult, other: TrialResult) -> float:
    """Return the largest difference of any weight, of the last epoch or the best."""
    pairs = (one.last_weights, other.last_weights), (one.best_weights, other.best_weights)
    return max(
        (mine.state[name] - yours.state[name]).abs().max().item()
        for mine, yours in pairs
        for name in mine.state
    )


def agreement(group: Ranks, split: Split, folder: Path) -> dict[str, Any]:
    """Train alone and together, in float64 and float32, and lie once."""
    found: dict[str, Any] = {}
    for precision in ("float64", "float32"):
        asked = spec(precision=precision)
        alone, together = (trained(asked, split, each) for each in (ALONE, group))
        found[precision] = {
            "weights": difference(alone, together),
            "probabilities": (alone.test.probabilities - together.test.probabilities)
            .abs().max().item(),
            "labels": [each.test.labels.tolist() for each in (alone, together)],
            "test_loss": [each.test.loss for each in (alone, together)],
            "history": [
                [{name: value for name, value in asdict(epoch).items()
                  if not name.endswith("seconds")} for epoch in each.record.history]
                for each in (alone, together)
            ],
        }  # fmt: skip
        if precision == "float64":
            liar = Unweighted(group._launch, group._store)
            found["liar"] = difference(alone, trained(asked, split, liar))
    return found


def going_on(group: Ranks, split: Split, folder: Path) -> dict[str, Any]:
    """Train a network with dropout, once in one go and once stopped by the second process."""
    asked = spec("Noisy")
    kind = Checkpoints if group.rank == 0 else _Elsewhere
    service = {"checkpoints": kind(folder / "checkpoints"), "cadence": Cadence(steps=2)}
    whole = trained(asked, split, group)
    stopped = trained(asked, split, group, stop_after=5 if group.rank == 1 else 0, **service)
    after = trained(asked, split, group, **service)
    return {
        "status": [stopped.record.status, after.record.status],
        "steps": [len(stopped.record.history), after.record.steps, after.record.resumed],
        "digests": [whole.record.digest, after.record.digest],
        "losses": [[e.train_loss for e in each.record.history] for each in (whole, after)],
    }


def failures(group: Ranks, split: Split, folder: Path) -> dict[str, Any]:
    """Train what diverges in one process, and what can't be trained by shares."""
    records = {
        name: trained(spec(name, parameters), split, group).record
        for name, parameters in (("Broken", 2050), ("Normalizing", 2052))
    }
    return {name: [record.status, record.error] for name, record in records.items()}


def budget(group: Ranks, split: Split, folder: Path) -> dict[str, Any]:
    """Train for seconds by clocks that do not agree."""
    seconds = iter(np.arange(0, 1000, 0.1 * (1 + group.rank)))
    recipe = replace(DEFAULT, epochs=None, seconds=5.0, batch_size=BATCH)
    record = trained(spec(recipe=recipe), split, group, clock=lambda: float(next(seconds))).record
    return {"status": record.status, "steps": record.steps, "epochs": len(record.history)}


def answers(group: Ranks, split: Split, folder: Path) -> dict[str, Any]:
    """Ask an untrained network about 5 images, alone, together, and counting what stands in."""
    torch.manual_seed(0)
    network = LENET5.build(num_classes=2).double()
    found: dict[str, Any] = {}
    for name, each in (("alone", ALONE), ("together", group), ("liar", group)):
        batches = evaluation_batches(split, each)
        if name == "liar":
            batches = [replace(batch, weight=1.0) for batch in batches]
        evaluation = evaluate(
            network, batches, device=torch.device("cpu"), precision=torch.float64, group=each
        )
        found[name] = {
            "labels": evaluation.labels.tolist(),
            "probabilities": evaluation.probabilities.tolist(),
            "loss": evaluation.loss,
            "accuracy": evaluation.accuracy,
        }
    return found


def evaluation_batches(split: Split, group: Group) -> list[Batch]:
    """Return this one's shares of 5 images in batches of 3: in the last, three share two."""
    files = [image.file for image in (*split.test[:3], *split.train[:2])]
    view = EvaluationView(files=files, source=DirectPixels(), shape=(1, 32, 32))
    options = {"normalization": GREY, "workers": 0, "dtype": torch.float64}
    return list(Batches(view, batch_size=3, group=group, **options).epoch())


SCENARIOS = (agreement, answers, going_on, failures, budget)


def main() -> None:
    """Play all scenarios."""
    images, folder = map(Path, sys.argv[1:])
    place = launched()
    assert place is not None
    group = group_of(place)
    split = stratified_split(check(find(images)))
    found = {each.__name__: each(group, split, folder) for each in SCENARIOS}
    everyone = group.gathered(found)
    if group.rank == 0:
        (folder / "found.json").write_text(json.dumps(everyone))


if __name__ == "__main__":
    import ranks_scenarios  # as which networks are built

    ranks_scenarios.main()
