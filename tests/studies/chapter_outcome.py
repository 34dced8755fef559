"""What came of a step of the chapter with one network, as docs/explanation/chapter.json keeps it.

Of the photographs nothing is kept but, in the order of their names, which were answered rightly.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from chapter_photographs import Bits, packed, tested, unpacked

from bench.analysis.results import StoredRun
from bench.system.atomic_files import write_text
from bench.system.strict_json import json_text
from bench.training.recipe import Recipe
from bench.training.record import TrialRecord

_SAID_ONLY = ("name", "configurations")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Trainings of one network by one recipe, seed by seed from 0 on.

    Attributes:
        network: its constructor.
        recipe: the fields of the `Recipe`.
        split: fingerprint of the images that trained, validated and tested.
        validated: how many of `validating` photographs were right after the last epoch.
        seconds: of training, with `threads` threads.
        epochs: passes over the training images; under a budget the last is a part of one.
        photographs: how many there are in the larger folder.
        tested: which of them were tested, in the order of their names, as hexadecimal digits.
        right: for each seed which of those were right.
        majority: how many of them are of the most frequent class.
        machine: where.
    """

    network: str
    recipe: dict[str, Any]
    split: str
    validated: tuple[int, ...]
    validating: int
    seconds: tuple[float, ...]
    threads: int
    epochs: tuple[float, ...]
    photographs: int
    tested: str
    right: tuple[str, ...]
    majority: int
    machine: str

    @property
    def was_tested(self) -> Bits:
        """Which of all photographs were tested."""
        return unpacked(self.tested, self.photographs)

    @property
    def correct(self) -> Bits:
        """What was right (S, N), of the N that were tested."""
        count = int(self.was_tested.sum())
        return np.stack([unpacked(row, count) for row in self.right])

    def correct_of(self, wanted: Bits) -> Bits:
        """Return what was right of those that are `wanted`, all of all, and were tested."""
        return self.correct[:, wanted[self.was_tested]]

    def is_of(self, network: str, recipe: Recipe, seeds: int) -> bool:
        """Say whether it is what a run of this recipe with so many seeds would give.

        What a recipe could not say yet when it was run was as it is by itself.
        """
        kept = msgspec.convert({"name": recipe.name, **self.recipe}, Recipe)
        same = plain(kept) == plain(recipe)
        return same and (self.network, len(self.right)) == (network, seeds)


def plain(recipe: Recipe) -> dict[str, Any]:
    """Return the fields of a recipe as JSON has them, but those that train nothing."""
    fields: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(recipe))
    return {name: value for name, value in fields.items() if name not in _SAID_ONLY}


def outcome_of(run: StoredRun, known: Mapping[str, int]) -> Outcome:
    """Return what is kept of a run of one network; `known` are the places of all photographs."""
    records = sorted(run.results.records, key=lambda record: record.spec.seed)
    (answers,) = run.results.pairwise.answers.values()
    validating = len(run.about["split"]["validation"])
    environment, spec = run.about["environment"], records[0].spec
    places = tested(answers.images, known)
    was_tested = np.zeros(len(known), bool)
    was_tested[places] = True
    return Outcome(
        network=spec.architecture.constructor,
        recipe=plain(spec.recipe),
        split=spec.split_fingerprint,
        validated=tuple(
            round(record.last.validation_accuracy * validating) for record in records if record.last
        ),
        validating=validating,
        seconds=tuple(round(record.spent_seconds, 1) for record in records),
        threads=spec.threads,
        epochs=tuple(_passes(record, len(run.about["split"]["train"])) for record in records),
        photographs=len(known),
        tested=packed(was_tested),
        right=tuple(packed(row) for row in answers.correct[:, np.argsort(places)]),
        majority=run.about["baseline"][0],
        machine=f"{environment['cpu']}, torch {environment['packages']['torch']}",
    )


def _passes(record: TrialRecord, training: int) -> float:
    return round(sum(epoch.train_images or training for epoch in record.history) / training, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """All that is kept.

    Attributes:
        outcomes: by step and network.
        untrained: how many of the 92 each untrained network got right.
        chapters: which of the larger folder's photographs are the chapter's.
    """

    outcomes: dict[str, Outcome]
    untrained: tuple[int, ...] = ()
    chapters: str = ""


def read(path: Path) -> Chapter:
    """Return what the file has; nothing where there is none."""
    if not path.is_file():
        return Chapter(outcomes={})
    return msgspec.json.decode(path.read_bytes(), type=Chapter, strict=True)


def write(path: Path, chapter: Chapter) -> None:
    """Write the file whole, or leave it as it is."""
    ordered = replace(chapter, outcomes=dict(sorted(chapter.outcomes.items())))
    write_text(path, json_text(asdict(ordered)) + "\n")
