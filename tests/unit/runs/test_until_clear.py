"""Runs that add seeds until it is clear, with made answers: nothing is trained."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from drawn_folder import draw_folder
from endings import differences, ending

import bench
from bench.analysis.sequential import Look
from bench.report.page.write import write_page
from bench.runs.config_file import read_config_file
from bench.runs.execute import resume
from bench.runs.next_look import prior_look
from bench.runs.progress import Progress
from bench.runs.request import Request, as_plain, request_of
from bench.runs.store import Store
from bench.runs.stored_runs import unfinished_like, write_report
from bench.system.clock import Throttle
from bench.training.evaluate import Evaluation
from bench.training.record import TrialRecord, TrialResult
from registry.errors import RunError
from zoo import LENET5

pytestmark = pytest.mark.usefixtures("hastened_runs")

_QUIET = Progress(shown=False)
_MODELS = ("lenet5", *(replace(LENET5, name=name) for name in ("other", "third")))
_WRONG = {"lenet5": 0, "other": 1, "third": 2}


class _KilledError(BaseException):
    """The process ends here."""


class MadeSession:
    """A session whose trials answer at once; it is killed before the trial number `dies_at`."""

    dies_at = 10**6
    made = 0

    def __init__(self, options, folder, store, plan, progress, keep, server=None):
        self._store, self._splits, self._keep = store, plan.splits, keep

    def run(self, pending):
        """Store a result for each trial."""
        for each in pending:
            if MadeSession.made == MadeSession.dies_at:
                raise _KilledError
            result = _result(each.spec, self._splits.of(each.spec.fold).test)
            self._store.finish(each.number, result)
            MadeSession.made += 1
            self._keep(each.number, result)


def _result(spec, images):
    labels = np.array([image.file.label for image in images])
    right = (np.arange(len(labels)) + spec.seed) % len(labels) >= _WRONG[spec.model]
    probabilities = np.eye(2, dtype=np.float32)[np.where(right, labels, 1 - labels)]
    accuracy = float(right.mean())
    record = TrialRecord(spec=spec, status="ok", phase="done", train_seconds=30.0, test_loss=0.5,
                         test_accuracy=accuracy, test_images=len(labels))  # fmt: skip
    test = Evaluation(labels=labels, probabilities=probabilities, loss=0.5, accuracy=accuracy)
    return TrialResult(record=record, test=test)


def made_look(answers, number, same_within, seeds):
    """Say at the first look that two models beat the third, at the second that they are level."""
    assert [len(seeds), same_within] == [3 * number, 0.02]
    level = "open" if number == 1 else "same"
    endings = {("lenet5", "third"): "better", ("other", "third"): "better",
               ("lenet5", "other"): level}  # fmt: skip
    return Look(endings=endings, going_on=("lenet5", "other") if number == 1 else ())


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """A folder of 12 cats and 12 dogs."""
    return draw_folder(tmp_path_factory.mktemp("clear") / "drawn")


class _Once(Throttle):
    """Writes the tables once, after the last trial: each time takes a tenth of a second."""

    def __call__(self):
        self._due = True


@pytest.fixture(scope="module", autouse=True)
def _made():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bench.runs.execute.Session", MadeSession)
        patch.setattr("bench.runs.execute.Throttle", _Once)
        patch.setattr("bench.analysis.sequential.look", made_look)
        yield


@pytest.fixture(autouse=True)
def _begin(monkeypatch):
    monkeypatch.setattr(MadeSession, "made", 0)
    monkeypatch.setattr(MadeSession, "dies_at", 10**6)


@pytest.fixture(scope="module")
def whole(images, tmp_path_factory):
    """The results of an unbroken run."""
    return _run(images, tmp_path_factory.mktemp("whole"))


def _run(images, runs, **options):
    given = {"until_clear": True, "progress": False, "runs": runs, "isolate": False}
    return bench.run(_MODELS, images, **given | options)


def test_a_beaten_model_is_not_trained_further(whole):
    """After three seeds two models go on to six; the table has the seeds of each."""
    seeds = dict(zip(whole.frame["model"], whole.frame["seeds"], strict=True))
    keys = [(record.model, record.spec.seed) for record in whole.records]

    assert (seeds["lenet5"], seeds["other"], seeds["third"]) == (6, 6, 3)
    assert keys[9:] == [(m, seed) for seed in (3, 4, 5) for m in ("lenet5", "other")]
    assert whole.outcome.next_seeds == ()


def test_the_ending_is_said_in_words(whole):
    """Each beaten model once, below the best that beats it; then those that are level."""
    told = whole.outcome.sentence
    plain = json.loads((whole.folder / "comparison.json").read_text())

    assert told.startswith("lenet5 is better than third: +")
    assert "; lenet5 and other are the same for practical purposes, within 2 points: +" in told
    assert plain["ending"] == told


@pytest.mark.parametrize("moment", [4, 9, 13])
def test_a_killed_run_ends_the_same(images, tmp_path, monkeypatch, whole, moment):
    """In the first look, at the begin of the second, and in it."""
    monkeypatch.setattr(MadeSession, "dies_at", moment)
    with pytest.raises(_KilledError):
        _run(images, tmp_path / "killed")
    monkeypatch.setattr(MadeSession, "dies_at", 10**6)
    found = resume("1", tmp_path / "killed", {}, _QUIET)

    assert found.outcome.sentence == whole.outcome.sentence
    assert differences(ending(found.folder), ending(whole.folder)) == []


def test_a_run_killed_before_its_next_look_is_stored_takes_it_again(images, tmp_path, monkeypatch):
    """All planned trials are finished, but the look says that two models go on."""
    with monkeypatch.context() as patch:
        patch.setattr("bench.runs.execute.growth_until_clear", lambda *_: None)
        begun = _run(images, tmp_path)
    found = resume("1", tmp_path, {}, _QUIET)

    assert begun.outcome.sentence == "not clear after 3 seeds: lenet5 and other need more"
    assert len(found.records) == 15
    assert found.outcome.found.going_on == ()


def test_every_reader_takes_models_of_different_seeds(whole):
    """Tables, page and figures are made again from the store."""
    again = write_report(str(whole.folder), whole.folder.parent)
    with closing(Store.open(whole.folder / "run.db", read_only=True)) as store:
        write_page(again, store.about(), store.thumbnails.read)

    assert again.outcome.sentence == whole.outcome.sentence
    assert again.frame["seeds"].equals(whole.frame["seeds"])
    assert again.page.is_file()


def test_an_unfinished_run_is_the_request_of_its_first_look(images, tmp_path, monkeypatch):
    """It is found by the request that began it, its file repeats it, and it has no ending yet."""
    monkeypatch.setattr(MadeSession, "dies_at", 12)
    with pytest.raises(_KilledError):
        _run(images, tmp_path)
    with closing(Store.open(tmp_path / "0001-lenet5-other-third" / "run.db")) as store:
        stored = store.about()["request"]
    begun = replace(request_of(stored), seeds=(0, 1, 2))
    folder = unfinished_like(as_plain(begun), tmp_path)
    results = write_report("1", tmp_path)

    assert (results.unfinished, results.outcome) == (3, None)
    assert (stored["until_clear"], stored["seeds"]) == (True, [0, 1, 2, 3, 4, 5])
    assert folder.path.name == "0001-lenet5-other-third"
    assert "seeds" not in read_config_file(folder.path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seeds": (0, 1, 2, 3)}, "adds seeds until it is clear: leave out --seeds"),
        ({"same_within": 3.0}, "keeps the rule for its seeds: leave out --until-clear"),
        ({"until_clear": False}, "keeps the rule for its seeds: leave out --until-clear"),
    ],
)
def test_a_resumed_run_keeps_its_rule(whole, changes, message):
    """The looks alone decide how many seeds it has."""
    with pytest.raises(RunError, match=message):
        resume("1", whole.folder.parent, changes, _QUIET)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"until_clear": True, "seeds": (0, 1)}, "sets the number of seeds: leave out --seeds"),
        ({"same_within": 1.0}, "--same-within is for --until-clear"),
        ({"until_clear": True, "same_within": 0.0}, "takes points above 0, not 0"),
    ],
)
def test_a_rule_that_means_nothing_is_refused(options, message):
    """One line, before anything is read."""
    with pytest.raises(RunError, match=message):
        Request(models=("lenet5",), **options)


def test_a_number_of_seeds_and_a_rule_for_it_are_refused(zoo):
    """On the command line even where the number is that of the first look."""
    code, _, err = zoo("bench", "lenet5", "lenet", "--until-clear", "--seeds", 3)

    assert code == 2
    assert err == "zoo: --until-clear sets the number of seeds: leave out --seeds\n"


def test_one_model_is_never_clear(images, tmp_path):
    """There is nothing to compare it with."""
    with pytest.raises(RunError, match="--until-clear compares models: name two or more"):
        bench.run(["lenet5"], images, until_clear=True, progress=False, runs=tmp_path)


def test_what_cannot_show_is_said_before_the_training(monkeypatch):
    """Groups of images count as one image each."""
    seen = []

    def least(*arguments):
        seen.append(arguments)
        return 0.14

    monkeypatch.setattr("bench.runs.next_look.least_visible_difference", least)
    about = {"classes": ["cat", "dog"], "split": {"test": ["a"] * 76}}
    line = prior_look(about)
    grouped = {"test": ["a", "b", "c"], "groups": ["x", "x", None], "folds": [{}, {}]}
    prior_look(about | {"split": grouped})

    assert line == (
        "with 76 test images no difference under 14 points can show, with any number of seeds"
    )
    assert seen == [(76, 1, 2), (2, 2, 2)]


def test_a_run_of_one_seed_gets_looks_later(images, tmp_path):
    """It ends as if it had them from the start."""
    first = _run(images, tmp_path, until_clear=False)
    found = resume("1", tmp_path, {"until_clear": True}, _QUIET)

    assert (first.outcome, len(first.records)) == (None, 3)
    assert found.outcome.next_seeds == ()
    assert {record.spec.seed for record in found.records} == {*range(6)}


def test_a_run_that_was_tested_gets_no_looks(images, tmp_path):
    """Its own test has been made: another three would be too many."""
    _run(images, tmp_path, until_clear=False, seeds=(0, 1))

    with pytest.raises(RunError, match=r"tested with 2 seeds, .*: begin a new run with --until-cl"):
        resume("1", tmp_path, {"until_clear": True}, _QUIET)
