"""Folds of one seed, merged: each of k networks tests its share, so all images are tested."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from bench.training.evaluation import Evaluation
from bench.training.record import TrialRecord
from bench.training.spec import TrialSpec


def tested_names(split: Mapping[str, Any], spec: TrialSpec) -> list[str]:
    """Return the names of the test images of a trial, from the stored split."""
    return list((split if spec.fold is None else split["folds"][spec.fold - 1])["test"])


def merge_folds(records: Sequence[TrialRecord]) -> list[TrialRecord]:
    """Return one record per model and seed: its trial's, or one for all its folds.

    If all folds are ok, it is ok, with the accuracy over all their images. If a fold failed, it is
    that fold's record without a test. If folds are missing, its status is `interrupted`. All other
    values, including times, are the first fold's.
    """
    seeds: dict[tuple[str, int], list[TrialRecord]] = {}
    for record in records:
        seeds.setdefault((record.model, record.spec.seed), []).append(record)
    return [each[0] if each[0].spec.folds is None else _whole(each) for each in seeds.values()]


def whole_tests(
    tests: Iterable[tuple[TrialSpec, Evaluation]],
) -> dict[tuple[str, int], Evaluation]:
    """Return the predictions by model and seed: its trial's, or those of all folds in order.

    A seed without predictions of all folds is left out. With folds, metrics that rank images, such
    as ROC AUC, treat the k networks as equally confident.
    Source: G. Forman, M. Scholz 2010, SIGKDD Explorations 12, 49-57 (the effect on metrics).
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
    """Return the predictions of all tests, in order."""
    if len(tests) == 1:
        return tests[0]
    sizes = [len(test.labels) for test in tests]
    return Evaluation(
        labels=np.concatenate([test.labels for test in tests]),
        probabilities=np.concatenate([test.probabilities for test in tests]),
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
    """Return the mean over all images, from means over parts of `images` images."""
    weighted = (value * count for value, count in zip(values, images, strict=True))
    return sum(weighted) / sum(images)
