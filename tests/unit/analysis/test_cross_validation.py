from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.analysis.cross_validation import merge_folds, whole_tests
from bench.analysis.frame import comparison
from bench.analysis.pairwise import compare_pairwise
from bench.report.table import trial_name
from bench.runs.store import Store
from bench.training.evaluation import Evaluation
from bench.training.recipe import DEFAULT, FIELDS_BEFORE, FIELDS_SINCE
from bench.training.record import TrialRecord
from bench.training.spec import TrialSpec
from registry.errors import RunError
from zoo import LENET5


def _record(fold: int, *, seed: int = 0, folds: int = 3, **changes: object) -> TrialRecord:
    spec = TrialSpec(
        model="lenet5",
        architecture=LENET5,
        origin="made",
        recipe=DEFAULT,
        classes=("cat", "dog"),
        split_fingerprint=str(fold),
        seed=seed,
        fold=fold,
        folds=folds,
    )
    told = {"status": "ok", "phase": "done", "test_images": fold, "test_accuracy": 1 / fold}
    return TrialRecord(spec=spec, **{**told, "test_loss": float(fold), **changes})


def _test(labels: list[int], said: list[int]) -> Evaluation:
    probabilities = np.eye(2, dtype=np.float32)[said]
    return Evaluation(labels=np.array(labels), probabilities=probabilities, loss=0.5, accuracy=0.5)


def test_folds_make_one_record_of_all_images():
    """Means are weighted by the images, so that no small fold counts more than it should."""
    (whole,) = merge_folds([_record(fold) for fold in (1, 2, 3)])

    assert (whole.status, whole.test_images, whole.spec.turn) == ("ok", 6, "seed 0")
    assert whole.test_accuracy == pytest.approx(3 / 6)
    assert whole.test_loss == pytest.approx((1 + 4 + 9) / 6)


def test_folds_that_are_not_all_done_are_no_result():
    """Two of three have been tested: the seed has no accuracy yet, and says how far it is."""
    done = [_record(fold) for fold in (1, 2)]
    (whole,) = merge_folds(done)
    frame = comparison(done, (3, 6))

    assert (whole.status, whole.test_accuracy) == ("interrupted", None)
    assert frame.loc[0, "error"] == "seed 0, done: 2 of 3 folds"
    assert pd.isna(frame.loc[0, "test_accuracy"])
    assert frame.loc[0, "seeds"] == 0


def test_several_folds_that_fail_are_one_line():
    """The first is told in full, the others are counted."""
    bad = {"status": "killed", "phase": "train", "error": "by SIGKILL"}
    (whole,) = merge_folds([_record(1), _record(2, **bad), _record(3, **bad)])

    assert (whole.status, whole.spec.turn) == ("killed", "seed 0, fold 2")
    assert whole.error == "by SIGKILL (and 1 more of its folds)"


def test_answers_of_folds_stand_in_the_order_of_the_folds():
    """However they ended: fold 2 may have been gone on with after fold 3."""
    tests = {1: _test([0], [0]), 2: _test([1, 1], [0, 1]), 3: _test([0, 0, 1], [0, 0, 0])}
    pairs = [(_record(fold).spec, tests[fold]) for fold in (3, 1, 2)]
    (whole,) = whole_tests(pairs).values()

    assert whole.labels.tolist() == [0, 1, 1, 0, 0, 1]
    assert whole.predicted.tolist() == [0, 0, 1, 0, 0, 0]


def test_a_seed_without_all_its_answers_is_left_out():
    """Answers to four of six images are no column of six, and are not taken for some."""
    records = [_record(fold, seed=seed) for seed in (0, 1) for fold in (1, 2, 3)]
    tests = [
        (each.spec, _test([0] * each.spec.fold, [0] * each.spec.fold)) for each in records[:-1]
    ]
    found = compare_pairwise(records[:-1], [f"{n}.jpg" for n in range(6)], whole_tests(tests))

    assert list(whole_tests(tests)) == [("lenet5", 0)]
    assert found.answers["lenet5"].seeds == (0,)


def test_folds_widen_intervals():
    """The networks of folds share training images: the run's predictions say how many folds."""
    records = [_record(fold, seed=seed) for fold in (1, 2, 3) for seed in (0, 1)]
    tests = [(each.spec, _test([0] * each.spec.fold, [0] * each.spec.fold)) for each in records]
    found = compare_pairwise(records, [f"{n}.jpg" for n in range(6)], whole_tests(tests))

    assert found.answers["lenet5"].folds == 3


def test_a_specification_without_folds_is_who_it_was():
    """Digests made before there were folds hold; each fold has its own, for its checkpoints too."""
    plain = replace(_record(1).spec, fold=None, folds=None)
    before = {name: value for name, value in asdict(plain).items() if value is not None}
    before["recipe"] = {
        FIELDS_BEFORE.get(name, name): value
        for name, value in before["recipe"].items()
        if name not in FIELDS_SINCE or value != FIELDS_SINCE[name]
    }
    digest = hashlib.sha256(json.dumps(before, sort_keys=True).encode()).hexdigest()

    assert plain.id == digest
    same = replace(_record(1).spec, split_fingerprint="")
    other = replace(same, fold=2)
    assert len({plain.id, same.id, other.id}) == 3
    assert same.task_id != other.task_id


def _created(path: Path, *specs: TrialSpec) -> Store:
    return Store.create(path, {"split": {}}, specs)


def test_the_store_holds_each_fold_once(tmp_path):
    """Three folds of a seed are three trials; a second of the same fold is refused."""
    folds = [_record(fold).spec for fold in (1, 2, 3)]
    stored = _created(tmp_path / "run.db", *folds).trials()
    twice = _created(tmp_path / "twice.db", *folds, folds[0])

    assert [trial.spec for trial in stored] == folds
    with pytest.raises(RunError, match="a trial is missing"):
        twice.trials()


def test_a_profile_names_the_fold():
    """Bars of one seed's folds can be told apart; without folds nothing is said of them."""
    assert trial_name({"model": "lenet", "seed": 0, "fold": 2}) == "lenet, seed 0, fold 2"
    assert trial_name({"model": "lenet", "seed": 0}) == "lenet, seed 0"
