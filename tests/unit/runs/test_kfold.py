from __future__ import annotations

import json
import os
import signal
from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from drawn_folder import draw_folder
from endings import differences, ending

import bench
from bench.analysis.frame import BASELINE
from bench.runs.execute import execute, resume
from bench.runs.export import choose, plan
from bench.runs.plan import make_plan
from bench.runs.progress import Progress
from bench.runs.request import Request
from bench.runs.resolve import resolve_request
from bench.runs.stored_runs import write_report
from bench.runs.trained_weights import find_weights
from bench.training.trial_evaluation import TrialEvaluation
from registry.errors import RunError
from zoo import LENET5

pytestmark = pytest.mark.usefixtures("hastened_runs")

OTHER = replace(LENET5, name="other")
_QUIET = Progress(shown=False)


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """A folder of 12 cats and 12 dogs."""
    return draw_folder(tmp_path_factory.mktemp("kfold") / "drawn")


def _run(images, runs, models=("lenet5",), **options):
    given = {"split": "kfold:3", "epochs": 1, "isolate": False, "progress": False, "runs": runs,
             "threads": 1, "layout": "contiguous"}  # fmt: skip
    return bench.run(models, images, **given | options)


@pytest.fixture(scope="module")
def results(images, tmp_path_factory):
    """Two models, two seeds, three folds."""
    return _run(images, tmp_path_factory.mktemp("runs"), ["lenet5", OTHER], seeds=(0, 1))


def _predictions(folder, model, seed):
    paths = sorted((folder / model / f"seed-{seed}").glob("fold-*/predictions.csv"))
    return pd.concat([pd.read_csv(path) for path in paths], ignore_index=True)


def test_each_image_is_tested_once_a_seed(results, images):
    """The folds' predictions name every file once, under the label that its folder says."""
    names = {f"{path.parent.name}/{path.name}": path.parent.name for path in images.glob("*/*")}

    for model, seed in (("lenet5", 0), ("lenet5", 1), ("other", 0), ("other", 1)):
        told = _predictions(results.folder, model, seed)
        assert dict(zip(told["image"], told["label"].str.capitalize(), strict=True)) == names
        assert len(told) == 24


def test_models_take_turns_within_folds(results):
    """All models do fold 1 of a seed, then all fold 2: a machine that slows down slows all."""
    keys = [record.spec.key for record in results.records]

    assert keys == [
        (model, seed, fold)
        for seed in (0, 1)
        for fold in (1, 2, 3)
        for model in ("lenet5", "other")
    ]


def test_answers_are_those_of_all_images(results):
    """Seeds by images, in one order for all models; the accuracy is over all of them."""
    row = results.frame.set_index("model").loc["lenet5"]
    answers = results.pairwise.answers["lenet5"]
    told = [_predictions(results.folder, "lenet5", seed) for seed in (0, 1)]
    right = np.array([each["label"] == each["predicted"] for each in told])

    assert answers.images == tuple(told[0]["image"])
    assert (answers.correct == right).all()
    assert answers.images == results.pairwise.answers["other"].images
    assert (row["seeds"], row["test_images"]) == (2, 24)
    assert row["test_accuracy"] == pytest.approx(right.mean())


def test_equal_networks_are_equal_in_every_fold(results):
    """One architecture under two names answers the same: the folds are the same for all."""
    verdict = results.compare("lenet5", "other")

    assert (verdict.found.seeds, verdict.found.images) == (2, 24)
    assert verdict.found.difference == 0


def test_seconds_are_one_trainings(results):
    """The column is the mean over trainings, not the sum over a seed's folds."""
    row = results.frame.set_index("model").loc["other"]
    seconds = [each.spent_seconds for each in results.records if each.model == "other"]

    assert len(seconds) == 6
    assert row["train_seconds"] == pytest.approx(np.mean(seconds))


def test_the_run_says_its_folds(results):
    """In its title, in config.json file by file, and in history.csv as a column."""
    split = json.loads((results.folder / "config.json").read_text())["split"]
    history = pd.read_csv(results.folder / "history.csv")

    assert "24 images, each tested in one of 3 folds" in results.title
    assert [len(fold[part]) for fold in split["folds"] for part in ("train", "test")] == [14, 8] * 3
    assert split["test"] == [name for fold in split["folds"] for name in fold["test"]]
    assert list(history.columns[:3]) == ["model", "seed", "fold"]
    assert Counter(history["fold"]) == {1: 4, 2: 4, 3: 4}


def test_without_folds_nothing_has_a_fold(images, tmp_path):
    """Folders, columns and the split's description are as they were before there were folds."""
    folder = _run(images, tmp_path, split="stratified").folder
    split = json.loads((folder / "config.json").read_text())["split"]

    assert (folder / "lenet5" / "seed-0" / "predictions.csv").is_file()
    assert (folder / "history.csv").read_text().startswith("model,seed,epoch,")
    assert list(split) == ["name", "fingerprint", "train", "validation", "test"]


def test_the_majority_class_is_that_of_all_images(results, images, tmp_path):
    """Not that of each fold's training images, which is the one that its test has fewer of."""
    (images / "Cat" / "cat.0.jpg").rename(tmp_path / "cat.jpg")
    try:
        plan = make_plan(
            resolve_request(Request(models=("lenet5",), data=images, split="kfold:3")), _QUIET
        )
    finally:
        (tmp_path / "cat.jpg").rename(images / "Cat" / "cat.0.jpg")

    assert results.frame.set_index("model").loc[BASELINE, "test_accuracy"] == 0.5
    assert plan.about["baseline"] == [12, 23]


def test_a_report_is_the_same_again(results):
    """Every table of a run with folds is made from its records, byte for byte."""
    made = [path for path in results.folder.rglob("*") if path.suffix in (".csv", ".md")]
    before = {path: path.read_bytes() for path in made}
    for path in made:
        path.unlink()
    write_report(str(results.folder), results.folder.parent)

    assert {path: path.read_bytes() for path in made} == before
    assert len(before) > 30


def test_weights_are_chosen_by_fold(results, tmp_path):
    """`zoo export --fold` takes one training of five; the file's name says which."""
    weights = find_weights(results.folder)
    (one,) = choose(weights, model="lenet5", seed=1, fold=2)
    (export,) = plan([one], "safetensors", f"{tmp_path}/")

    assert len(weights) == 12
    assert one.path.parent == results.folder / "lenet5" / "seed-1" / "fold-2"
    assert export.path.name == "lenet5-seed-1-fold-2.safetensors"
    assert len(choose(weights, model="lenet5", seed=1)) == 3
    with pytest.raises(RunError, match=r"no such weights: .*other \(seed 1, fold 3\)"):
        choose(weights, fold=4)


def test_a_run_goes_on_with_its_own_folds(results):
    """Another number of folds is another run: refused by name, not by what is missing then."""
    for split in ("kfold:4", "stratified"):
        with pytest.raises(RunError, match=r"keeps its split \(kfold:3\)"):
            resume(str(results.folder), results.folder.parent, {"split": split}, _QUIET)


class _StopsIn(Progress):
    """Presses Ctrl-C after the first epoch of one trial."""

    def __init__(self, key):
        super().__init__(shown=False)
        self._key = key

    def on_epoch(self, spec, epoch):
        """Ask once."""
        if spec.key == self._key and epoch.epoch == 1:
            os.kill(os.getpid(), signal.SIGINT)


def test_an_interrupted_run_ends_like_an_unbroken_one(images, tmp_path):
    """Stopped in the second fold and gone on with: weights, answers and tables are the same."""
    request = Request(models=("lenet5", OTHER), data=images, split="kfold:3", epochs=2,
                      batch_size=4, threads=1, layout="contiguous", isolate=False,
                      runs=tmp_path / "whole")  # fmt: skip
    whole = execute(resolve_request(request), _QUIET)
    stopping = _StopsIn(("other", 0, 2))
    begun = execute(resolve_request(replace(request, runs=tmp_path / "begun")), stopping)
    told = begun.frame.set_index("model")
    done = resume(str(begun.folder), begun.folder.parent, {}, _QUIET)

    assert (begun.exit_code, len(begun.records)) == (130, 4)
    assert told.loc["lenet5", "error"] == "seed 0, done: 2 of 3 folds"
    assert told.loc["other", "error"] == "seed 0, fold 2, train: stopped by the user"
    assert done.exit_code == 0
    assert differences(ending(whole.folder), ending(done.folder)) == []
    assert sum(record.resumed for record in done.records) == 1


def test_a_fold_that_fails_takes_its_seed_with_it(images, tmp_path, monkeypatch):
    """The row has the status and names the fold; the other seed counts, the other folds do not."""
    test = TrialEvaluation.test

    def failing(evaluation):
        if evaluation.batches.spec.key == ("lenet5", 0, 2):
            raise RuntimeError("no luck")
        return test(evaluation)

    monkeypatch.setattr(TrialEvaluation, "test", failing)
    results = _run(images, tmp_path, seeds=(0, 1))
    row = results.frame.set_index("model").loc["lenet5"]
    answers = results.pairwise.answers["lenet5"]

    assert results.exit_code == 4
    assert (row["status"], row["seeds"]) == ("failed", 1)
    assert row["error"] == "seed 0, fold 2, test: RuntimeError: no luck"
    assert answers.seeds == (1,)
    assert row["test_accuracy"] == answers.correct.mean()
