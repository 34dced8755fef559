"""What the folds of one seed gave, put together: every image tested once, by one of k networks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch

from bench.training.evaluate import Evaluation
from bench.training.record import TrialRecord
from bench.training.spec import TrialSpec


def tested_names(split: Mapping[str, Any], spec: TrialSpec) -> list[str]:
    """Return the names of the images that the trial tests, of what the store says of the split."""
    return list((split if spec.fold is None else split["folds"][spec.fold - 1])["test"])


def merge_folds(records: Sequence[TrialRecord]) -> list[TrialRecord]:
    """Return one record for each model and seed: that of its trial, or one for all its folds.

    It is ok if all folds are, and then has the accuracy over all their images. Else it is that of
    the first fold that failed, or interrupted while folds are to be done, without a test.
    All else, times too, is the first fold's.
    """
    seeds: dict[tuple[str, int], list[TrialRecord]] = {}
    for record in records:
        seeds.setdefault((record.model, record.spec.seed), []).append(record)
    return [each[0] if each[0].spec.folds is None else _whole(each) for each in seeds.values()]


def whole_tests(
    tests: Iterable[tuple[TrialSpec, Evaluation]],
) -> dict[tuple[str, int], Evaluation]:
    """Return the answers by model and seed: of its trial, or of all its folds in their order.

    A seed of which a fold has none is left out: the others' are answers to other images. Figures
    that rank images, ROC AUC, then rank those of k networks, as if they were equally sure.
    Source: G. Forman, M. Scholz 2010, SIGKDD Explorations 12, 49-57 (what that does to them).
    """
    seeds: dict[tuple[str, int], dict[int, Evaluation]] = {}
    folds: dict[tuple[str, int], int] = {}
    for spec, test in tests:
        seeds.setdefault((spec.model, spec.seed), {})[spec.fold or 1] = test
        folds[spec.model, spec.seed] = spec.folds or 1
    return {
        key: _concatenate([each[fold] for fold in sorted(each)])
        for key, each in seeds.items()
        if len(each) == folds[key]
    }


def _concatenate(tests: Sequence[Evaluation]) -> Evaluation:
    """Return the answers to all images, one test's after the other's."""
    if len(tests) == 1:
        return tests[0]
    sizes = [len(test.labels) for test in tests]
    return Evaluation(
        labels=torch.cat([test.labels for test in tests]),
        probabilities=torch.cat([test.probabilities for test in tests]),
        loss=_mean([test.loss for test in tests], sizes),
        accuracy=_mean([test.accuracy for test in tests], sizes),
    )


def _whole(folds: Sequence[TrialRecord]) -> TrialRecord:
    untested: dict[str, Any] = {"test_images": 0, "test_accuracy": None, "test_loss": None}
    failed = [record for record in folds if record.status != "ok"]
    if failed:
        more = f" (and {len(failed) - 1} more of its folds)" if len(failed) > 1 else ""
        return replace(failed[0], error=f"{failed[0].error}{more}", **untested)
    wanted = folds[0].spec.folds or 1
    first = replace(folds[0], spec=replace(folds[0].spec, fold=None))
    if len(folds) < wanted:
        why = f"{len(folds)} of {wanted} folds"
        return replace(first, status="interrupted", error=why, **untested)
    sizes = [record.test_images for record in folds]
    return replace(
        first,
        test_images=sum(sizes),
        test_accuracy=_mean([record.test_accuracy or 0.0 for record in folds], sizes),
        test_loss=_mean([record.test_loss or 0.0 for record in folds], sizes),
    )


def _mean(values: Sequence[float], images: Sequence[int]) -> float:
    """Return the mean over images of what are means over so many of them."""
    weighted = (value * count for value, count in zip(values, images, strict=True))
    return sum(weighted) / sum(images)
