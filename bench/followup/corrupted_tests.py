"""The answers of trained networks to corrupted test images, kept as they are made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from bench.data.check import CheckedImage
from bench.data.find import ImageFile
from bench.data.loader import DataLoader
from bench.data.pixel_source import InputShape, PixelSource
from bench.data.transform import Pixels, evaluation_pixels, evaluation_side, reduced
from bench.followup.corruptions import CORRUPTIONS, SEVERITIES, Corruption
from bench.followup.finished_run import FinishedRun
from bench.followup.kept_parts import KeptParts
from bench.system.device import autocast
from bench.training.evaluate import evaluate
from bench.training.stored_trial import StoredTrial
from bench.training.trial_batches import TrialBatches

VERSION = 1  # of what decides an answer, beside the key
_MOST_BYTES = 1_500_000_000  # of networks that are asked together
Said = NDArray[np.int32]


@dataclass(frozen=True, slots=True, kw_only=True)
class CorruptedDataset:
    """Test images, corrupted, then prepared as in the run.

    A photograph is corrupted with the shorter side `side`, the same for each network of the run:
    so all see the same, whatever their input.
    """

    images: Sequence[CheckedImage]
    source: PixelSource
    shape: InputShape
    corruption: Corruption
    severity: int
    side: int

    @property
    def files(self) -> Sequence[ImageFile]:
        """Image files, with their labels."""
        return [image.file for image in self.images]

    def order(self, epoch: int) -> NDArray[np.int64]:
        """Return the indices, in order."""
        return np.arange(len(self.images))

    def picture(self, index: int) -> Pixels:
        """Return the whole picture (H, W, 3)."""
        return self.source.full(self.images[index].file)

    def pixels(self, picture: Pixels, index: int, epoch: int) -> Pixels:
        """Return the centre (H, W, C) of the corrupted picture."""
        digest = self.images[index].sha256
        changed = self.corruption(reduced(picture, self.side), self.severity, digest)
        return evaluation_pixels(changed, self.shape)


@dataclass(kw_only=True)
class _Asked:
    trial: StoredTrial
    network: nn.Module
    batches: TrialBatches


def corrupted_answers(run: FinishedRun, kept: KeptParts) -> dict[str, NDArray[np.int32]]:
    """Return the predicted classes (12, 3, N) of each trial of `run`, by `TrialSpec.id`.

    An answer with a value that is not finite is -1. What `kept` has is not asked again; each
    network is asked 36 times. Networks with the same images are asked together, as many as fit.
    """
    side = max(evaluation_side(t.spec.architecture.contract.input_shape) for t in run.trials)
    keys = {trial.spec.id: run.key(trial) for trial in run.trials}

    def key(trial: StoredTrial, corruption: Corruption) -> dict[str, Any]:
        settings = {"corruption": corruption.name, "levels": [*corruption.levels], "side": side}
        return {**keys[trial.spec.id], **settings, "version": VERSION}

    def missing(trial: StoredTrial) -> bool:
        return any(kept.read(key(trial, each)) is None for each in CORRUPTIONS)

    left = [trial for trial in run.trials if missing(trial)]
    with run.progress.counting("corrupted tests", len(left) * len(CORRUPTIONS)) as bar:
        for some in _together(left):
            asked = [
                _Asked(trial=each, network=run.network(each), batches=run.batches(each))
                for each in some
            ]
            for corruption in CORRUPTIONS:
                todo = [each for each in asked if kept.read(key(each.trial, corruption)) is None]
                said = [_said(run, todo, corruption, each, side) for each in SEVERITIES]
                for place, each in enumerate(todo):
                    rows = np.stack([row[place] for row in said])
                    kept.keep(key(each.trial, corruption), {"said": rows})
                    bar.update()
    return {
        trial.spec.id: np.stack([_kept(kept, key(trial, each)) for each in CORRUPTIONS])
        for trial in run.trials
    }


def changed_answers(run: FinishedRun, trial: StoredTrial, kept: KeptParts) -> int:
    """Return how many of the answers to the clean test images differ from those in the run."""
    key = {**run.key(trial), "corruption": None, "version": VERSION}
    if (known := kept.read(key)) is not None:
        return int(known["changed"][0])
    batches = run.batches(trial)
    loader = batches.evaluation(run.images(trial))
    answer = evaluate(
        run.network(trial), loader.epoch(), device=batches.device, precision=batches.precision
    )
    assert trial.test is not None
    changed = int((answer.predicted != trial.test.predicted).sum())
    kept.keep(key, {"changed": np.array([changed])})
    return changed


def _kept(kept: KeptParts, key: Mapping[str, Any]) -> Said:
    found = kept.read(key)
    assert found is not None
    return found["said"]


def _together(trials: Sequence[StoredTrial]) -> Iterator[list[StoredTrial]]:
    """Yield trials with the same test images, as many as fit into memory at a time."""
    group, size = list[StoredTrial](), 0
    for trial in sorted(trials, key=lambda each: each.spec.fold or 0):
        parameters = trial.record.parameters if trial.record else None
        need = 8 * (parameters or 0)
        if group and (trial.spec.fold != group[0].spec.fold or size + need > _MOST_BYTES):
            yield group
            group, size = [], 0
        group.append(trial)
        size += need
    if group:
        yield group


def _said(
    run: FinishedRun, asked: Sequence[_Asked], corruption: Corruption, severity: int, side: int
) -> list[Said]:
    """Return the predicted classes (N,) of each of `asked`; equal batches are made once."""
    found: dict[int, list[torch.Tensor]] = {number: [] for number in range(len(asked))}
    groups: dict[tuple[object, ...], list[int]] = {}
    for number, each in enumerate(asked):
        groups.setdefault(_needs(each.batches), []).append(number)
    for members in groups.values():
        first = asked[members[0]]
        view = CorruptedDataset(
            images=run.images(first.trial),
            source=run.plan.source,
            shape=first.trial.spec.architecture.contract.input_shape,
            corruption=corruption,
            severity=severity,
            side=side,
        )
        for batch in _loader(first.batches, view).epoch():
            for number in members:
                found[number].append(_ask(asked[number], batch.images))
    return [torch.cat(found[number]).numpy() for number in range(len(asked))]


def _needs(batches: TrialBatches) -> tuple[object, ...]:
    """Return what decides the batches of a trial."""
    loader = batches.evaluation(())
    shape = batches.spec.architecture.contract.input_shape
    how = loader.normalization
    return shape, how.mean, how.std, batches.device, loader.dtype, batches.layout


def _loader(batches: TrialBatches, view: CorruptedDataset) -> DataLoader:
    return replace(batches.evaluation(()), view=view)


def _ask(asked: _Asked, images: torch.Tensor) -> torch.Tensor:
    with torch.inference_mode(), autocast(asked.batches.device, asked.batches.precision):
        logits = asked.network(images).float()
    known = logits.isfinite().all(dim=1)
    return torch.where(known, logits.argmax(1), -1).int().cpu()
