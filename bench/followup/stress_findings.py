"""What corrupted tests show: accuracies with intervals, verdicts, and leads that turn round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from bench.analysis.predictions import Predictions
from bench.analysis.standings import Standings, standings
from bench.analysis.stats.interval import accuracy_interval
from bench.analysis.stats.paired import LEVEL, holm
from bench.analysis.stats.unpaired import UnpairedDifference, all_differences
from bench.analysis.verdict import SEEDS, Verdict
from bench.followup.corruptions import CORRUPTIONS, SEVERITIES
from bench.followup.finished_run import FinishedRun
from bench.training.spec import paired_seed

Shares = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stressed:
    """The answers of one model, with S seeds, to N images: clean and corrupted.

    Attributes:
        model: name of the model.
        clean: its answers in the run.
        correct: whether a corrupted image is answered right (S, N, 12, 3).
    """

    model: str
    clean: Predictions
    correct: NDArray[np.bool_]

    @property
    def shares(self) -> Shares:
        """Share of the 36 corrupted images of an image that are answered right (S, N)."""
        return np.asarray(self.correct.mean(axis=(2, 3)))

    def of_corruption(self, place: int) -> Shares:
        """Return the share of the three severities that are answered right (S, N)."""
        return np.asarray(self.correct[:, :, place].mean(axis=2))

    def accuracy(self, place: int, severity: int) -> tuple[float, float, float]:
        """Return an accuracy and its 95 % interval; severity 0 is clean, else 1 to 3."""
        right = self.correct[:, :, place, severity - 1] if severity else self.clean.correct
        return float(right.mean()), *accuracy_interval(right, self.clean.clusters)

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the mean accuracy under corruption."""
        return accuracy_interval(self.shares, self.clean.clusters)

    @property
    def worst(self) -> int:
        """The place of the corruption with the lowest accuracy."""
        return int(self.correct.mean(axis=(0, 1, 3)).argmin())


@dataclass(frozen=True, slots=True, kw_only=True)
class Turned:
    """Two models whose order a corruption turns round: `now` is ahead there, `clean` without it.

    Attributes:
        found: difference `now` minus `clean` under the corruption.
        clear: whether the verdict holds among all pairs and corruptions.
    """

    clean: str
    now: str
    corruption: str
    found: UnpairedDifference
    clear: bool


def stressed_models(run: FinishedRun, said: Mapping[str, NDArray[np.int32]]) -> list[Stressed]:
    """Return each model of `run` whose networks were all asked, in the order of the table.

    `said` has the predicted classes (12, 3, N) of each trial, by `TrialSpec.id`.
    """
    rows: dict[tuple[str, int], dict[int, NDArray[np.int32]]] = {}
    for trial in run.trials:
        spec = trial.spec
        turn = spec.model, paired_seed(spec.model, spec.seed)
        rows.setdefault(turn, {})[spec.fold or 1] = said[spec.id]
    found = list[Stressed]()
    for model, clean in run.results.pairwise.answers.items():
        if any(len(rows.get((model, seed), {})) < clean.folds for seed in clean.seeds):
            continue
        by_seed = [rows[model, seed] for seed in clean.seeds]
        whole = [np.concatenate([each[fold] for fold in sorted(each)], axis=2) for each in by_seed]
        correct = np.stack(whole) == clean.labels  # (S, 12, 3, N)
        found.append(Stressed(model=model, clean=clean, correct=np.moveaxis(correct, 3, 1)))
    order = list(run.results.frame["model"])
    return sorted(found, key=lambda each: order.index(each.model))


def compared(run: FinishedRun, models: Sequence[Stressed]) -> list[Stressed]:
    """Return the models that have verdicts: those without marks."""
    marked = {record.model for record in run.results.records if record.marks}
    return [each for each in models if each.model not in marked]


def stress_standings(models: Sequence[Stressed], noun: str) -> tuple[Standings, list[Verdict]]:
    """Return who is best under corruption, with the verdict on each pair, as for the table."""
    order = sorted(models, key=lambda each: -float(each.shares.mean()))
    found = _differences([each.shares for each in order], order)
    corrected = holm([each.p for each in found])
    verdicts = [
        Verdict(first=one.model, second=other.model, found=each, p=p, pairs=len(found), noun=noun)
        for (one, other), each, p in zip(combinations(order, 2), found, corrected, strict=True)
    ]
    accuracies = {each.model: float(each.shares.mean()) for each in models}
    return standings(accuracies, [each.model for each in order], (), verdicts), verdicts


def turned_leads(models: Sequence[Stressed]) -> list[Turned]:
    """Return the pairs that a corruption turns round, by corruption; the clearest first."""
    order = sorted(models, key=lambda each: -float(each.clean.correct.mean()))
    pairs = list(combinations(order, 2))
    found = [
        (one, other, name, each)
        for place, name in enumerate(each.name for each in CORRUPTIONS)
        for (one, other), each in zip(
            pairs, _differences([m.of_corruption(place) for m in order], order), strict=True
        )
    ]
    corrected = holm([each.p for *_, each in found])
    turned = [
        Turned(
            clean=one.model,
            now=other.model,
            corruption=name,
            found=each.turned(),
            clear=p <= LEVEL and each.seeds >= SEEDS,
        )
        for (one, other, name, each), p in zip(found, corrected, strict=True)
        if each.difference < 0
    ]
    return sorted(turned, key=lambda each: (not each.clear, -each.found.difference))


def _differences(values: Sequence[Shares], models: Sequence[Stressed]) -> list[UnpairedDifference]:
    if len(models) < 2:
        return []
    first = models[0].clean
    pairs = list(combinations(range(len(models)), 2))
    return all_differences(values, pairs, first.clusters, first.folds)


def stress_values(models: Sequence[Stressed]) -> dict[str, object]:
    """Return the accuracies of each model as JSON values."""
    return {
        each.model: {
            "seeds": list(each.clean.seeds),
            "images": len(each.clean.images),
            "clean_accuracy": float(each.clean.correct.mean()),
            "corrupted_accuracy": float(each.shares.mean()),
            "corrupted_accuracy_low": each.interval[0],
            "corrupted_accuracy_high": each.interval[1],
            "accuracy_by_severity": {
                corruption.name: [
                    float(each.correct[:, :, place, severity - 1].mean()) for severity in SEVERITIES
                ]
                for place, corruption in enumerate(CORRUPTIONS)
            },
        }
        for each in models
    }
