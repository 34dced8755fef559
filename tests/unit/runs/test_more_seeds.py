"""Runs that get more seeds later, beside runs that have them from the start."""

from __future__ import annotations

import os
import shutil
import signal
from contextlib import closing
from dataclasses import replace

import pytest
from drawn_folder import draw_folder
from endings import acknowledged, differences, ending

import bench
from bench.runs.execute import resume
from bench.runs.more_trials import as_from_the_start, missing_trials
from bench.runs.plan import make_plan
from bench.runs.progress import Progress
from bench.runs.request import Request
from bench.runs.resolve import resolve_request
from bench.runs.run_list import list_runs
from bench.runs.store import Store
from bench.runs.stored_runs import read_run
from bench.training.stored_trial import StoredTrial
from registry.errors import ReproducibilityError, RunError
from zoo import LENET5

pytestmark = pytest.mark.usefixtures("hastened_runs")

_QUIET = Progress(shown=False)
OTHER = replace(LENET5, name="other")


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """A folder of 12 cats and 12 dogs."""
    return draw_folder(tmp_path_factory.mktemp("more") / "drawn")


def _run(images, runs, **options):
    given = {"epochs": 1, "isolate": False, "progress": False, "runs": runs, "threads": 1,
             "layout": "contiguous", "batch_size": 8}  # fmt: skip
    return bench.run(["lenet5", OTHER], images, **given | options)


@pytest.fixture(scope="module")
def begun(images, tmp_path_factory):
    """A finished run of two models and the seeds 0 and 3, and its state then."""
    results = _run(images, tmp_path_factory.mktemp("begun"), seeds=(0, 3))
    return results.folder, {each.trial: each.digest for each in acknowledged(results.folder)}


@pytest.fixture(scope="module")
def whole(images, tmp_path_factory):
    """A run that has the seeds 0, 1 and 3 from the start."""
    return _run(images, tmp_path_factory.mktemp("whole"), seeds=(0, 1, 3)).folder


@pytest.fixture
def folder(begun, tmp_path):
    """A copy of the finished run."""
    return shutil.copytree(begun[0], tmp_path / "runs" / begun[0].name)


def _grow(folder, progress=_QUIET, **changes):
    given = {"seeds": (0, 1, 3)} | changes
    return resume(str(folder), folder.parent, given, progress)


@pytest.fixture(scope="module")
def grown(begun, tmp_path_factory):
    """A copy of the finished run that got the seed 1."""
    folder = shutil.copytree(begun[0], tmp_path_factory.mktemp("grown") / "0001-grown")
    _grow(folder)
    return folder


def test_a_run_with_more_seeds_is_one_that_has_them_from_the_start(grown, whole):
    """Records, predictions, weights and tables are equal; so is the order of the trials."""
    found = read_run(str(grown), grown.parent)
    expected = read_run(str(whole), whole.parent)

    assert differences(ending(grown), ending(whole)) == []
    assert [r.spec.key for r in found.records] == [r.spec.key for r in expected.records]
    assert [r.spec.id for r in found.records] == [r.spec.id for r in expected.records]


def test_finished_trials_stay_bit_for_bit(grown, begun):
    """More seeds change nothing of the trials before."""
    found = {each.trial: each.digest for each in acknowledged(grown)}

    assert len(found) == 6
    assert {name: found[name] for name in begun[1]} == begun[1]


def test_the_stored_request_has_the_new_seeds(grown):
    """Every reader sees one finished run."""
    with closing(Store.open(grown / "run.db", read_only=True)) as store:
        about = store.about()
    (row,) = list_runs(grown.parent)

    assert about["request"]["seeds"] == [0, 1, 3]
    assert (row["trials"], row["finished"], row["state"]) == (6, 6, "done")


@pytest.mark.parametrize("seeds", [(0,), (0, 1, 2), (3, 4)])
def test_seeds_are_never_left_out(folder, seeds):
    """A list without a seed of the run is refused in one line; nothing is stored."""
    before = (folder / "run.db").read_bytes()

    with pytest.raises(RunError, match=r"--seeds leaves out \d: .* keeps its seeds \(0 and 3\)"):
        _grow(folder, seeds=seeds)
    assert (folder / "run.db").read_bytes() == before


def test_the_same_seeds_in_another_order_are_no_change(folder):
    """Nothing is trained; the run keeps its order."""
    results = _grow(folder, seeds=(3, 0))

    assert [record.spec.seed for record in results.records] == [0, 0, 3, 3]


def test_other_software_gives_no_more_seeds(folder):
    """New trials are compared like remaining ones; nothing is stored after a refusal."""
    with closing(Store.open(folder / "run.db")) as store:
        environment = store.about()["environment"]
        packages = environment["packages"] | {"torch": "1.0.0"}
        store.tell("environment", environment | {"packages": packages})

    with pytest.raises(ReproducibilityError, match=r"torch .* instead of 1.0.0"):
        _grow(folder)
    assert len(acknowledged(folder)) == 4
    assert len(read_run(str(folder), folder.parent).records) == 4


def test_inexact_marks_the_new_rows(folder):
    """Finished trials keep their records; the new ones say what is different."""
    results = resume(str(folder), folder.parent, {"seeds": (0, 1, 3), "epochs": 2}, _QUIET,
                     inexact=True)  # fmt: skip
    marks = {record.spec.seed: record.marks for record in results.records}

    assert marks == {0: (), 1: ("resumed with epochs 2 instead of 1",), 3: ()}


class _StopsIn(Progress):
    """Presses Ctrl-C after the first epoch of one trial."""

    def __init__(self, key):
        super().__init__(shown=False)
        self._key = key

    def on_epoch(self, spec, epoch):
        """Ask once."""
        if spec.key == self._key:
            os.kill(os.getpid(), signal.SIGINT)


def test_an_interrupted_growth_resumes(folder, whole):
    """Stopped in a new trial and resumed without an option, it ends like an unbroken run."""
    stopped = _grow(folder, _StopsIn(("lenet5", 1, None)))
    resume(str(folder), folder.parent, {}, _QUIET)

    assert stopped.unfinished == 2
    told = [each for each in differences(ending(folder), ending(whole)) if "resumed" not in each]
    assert told == []


@pytest.mark.parametrize("options", [{"split": "kfold:2"}, {"aa": True}])
def test_new_trials_are_those_of_a_run_from_the_start(images, tmp_path, options):
    """With folds each fold of a new seed is a trial; a second copy has its own seeds."""
    small, whole = (_plan(images, tmp_path, seeds, **options) for seeds in ((0, 3), (0, 1, 3)))
    trials = [_planned(number, spec) for number, spec in enumerate(small.specs)]
    trials += missing_trials(trials, small.about, (0, 1, 3))
    found = as_from_the_start(trials, whole.about)

    assert tuple(trial.spec for trial in found) == whole.specs
    assert [trial.number for trial in trials] == [*range(len(whole.specs))]


def _plan(images, tmp_path, seeds, **options):
    request = Request(models=("lenet5",), data=images, runs=tmp_path, seeds=seeds, **options)
    return make_plan(resolve_request(request), _QUIET, elsewhere=True)


def _planned(number, spec):
    return StoredTrial(number=number, spec=spec, record=None, test=None)
