"""Plans that add seeds to a gathered run, with made answers: nothing is trained."""

from __future__ import annotations

from contextlib import closing

import numpy as np
import pytest
from drawn_folder import draw_folder

from bench.analysis.sequential import Look
from bench.runs.batch.gather import gather
from bench.runs.batch.next_plan import next_plan
from bench.runs.batch.plan_file import plan_text, read_plan
from bench.runs.batch.work_folder import WorkFolder
from bench.runs.plan import make_plan
from bench.runs.progress import Progress
from bench.runs.request import Request
from bench.runs.resolve import resolve_request
from bench.runs.store import Store
from bench.training.evaluate import Evaluation
from bench.training.record import TrialRecord, TrialResult
from registry.errors import RunError

pytestmark = pytest.mark.usefixtures("hastened_runs")

_QUIET = Progress(shown=False)


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """A folder of 12 cats and 12 dogs."""
    return draw_folder(tmp_path_factory.mktemp("next") / "drawn")


@pytest.fixture(autouse=True)
def _made_look(monkeypatch):
    """Let lenet5 and lenet be clear after six seeds."""

    def look(answers, number, same_within, seeds):
        endings = {("lenet5", "lenet"): "open" if number == 1 else "images"}
        return Look(endings=endings, going_on=("lenet5", "lenet") if number == 1 else ())

    monkeypatch.setattr("bench.analysis.sequential.look", look)


def _written(plan, path):
    path.write_text(plan_text(plan))
    return read_plan(path)


def _first(images, tmp_path, **options):
    request = Request(models=("lenet5", "lenet"), data=images, **options)
    plan = make_plan(resolve_request(request), _QUIET, elsewhere=True)
    return _written(plan, tmp_path / "plan.json")


def _gather(plan, runs, cpu="one", *, trained=True):
    folder = WorkFolder(plan, plan.folder)
    for number, spec in enumerate(plan.specs) if trained else ():
        labels = np.array([image.file.label for image in plan.splits.of(spec.fold).test])
        probabilities = np.eye(2, dtype=np.float32)[labels]
        record = TrialRecord(spec=spec, status="ok", phase="done", test_loss=0.5,
                             test_accuracy=1.0, test_images=len(labels))  # fmt: skip
        test = Evaluation(labels=labels, probabilities=probabilities, loss=0.5, accuracy=1.0)
        folder.trials.trial(spec)
        folder.write(number, TrialResult(record=record, test=test), {"cpu": cpu})
    return gather(plan, folder, runs, _QUIET)


def _keys(results):
    return [(record.model, record.spec.seed) for record in results.records]


def test_the_next_look_is_a_plan_of_its_own(images, tmp_path):
    """Its trials are gathered into the run that it continues, which is then at its end."""
    runs = tmp_path / "runs"
    begun = _gather(_first(images, tmp_path, until_clear=True), runs).results
    second = _written(next_plan("1", runs, {}, _QUIET), tmp_path / "next.json")
    ended = _gather(second, runs, cpu="two").results
    with closing(Store.open(ended.folder / "run.db", read_only=True)) as store:
        about = store.about()

    assert begun.outcome.next_seeds == (0, 1, 2, 3, 4, 5)
    assert ended.folder == begun.folder
    assert _keys(ended) == [(model, seed) for seed in range(6) for model in ("lenet5", "lenet")]
    assert ended.outcome.sentence.startswith("lenet5 and lenet: test images, not seeds, are the")
    assert about["environment"]["cpu"] == "one and two"
    with pytest.raises(RunError, match="needs no more seeds"):
        next_plan("1", runs, {}, _QUIET)


def test_seeds_are_added_by_a_plan(images, tmp_path):
    """Gathering the first plan again changes nothing; a missing trial is in the exit code."""
    runs = tmp_path / "runs"
    first = _first(images, tmp_path)
    _gather(first, runs)
    more = _written(next_plan("1", runs, {"seeds": (0, 1)}, _QUIET), tmp_path / "more.json")
    missing = _gather(more, runs, trained=False)
    grown = _gather(more, runs).results
    again = _gather(first, runs, trained=False).results

    assert missing.missing == (0, 1)
    assert _keys(grown) == _keys(again) == [(m, s) for s in (0, 1) for m in ("lenet5", "lenet")]


def test_a_plan_without_its_run_is_refused(images, tmp_path):
    """The seeds before are in the run alone."""
    runs = tmp_path / "runs"
    _gather(_first(images, tmp_path), runs)
    more = _written(next_plan("1", runs, {"seeds": (0, 1)}, _QUIET), tmp_path / "more.json")

    with pytest.raises(RunError, match="has not the run that this plan adds seeds to"):
        _gather(more, tmp_path / "others")


def test_an_unfinished_run_gets_no_plan(images, tmp_path):
    """Its trials are gathered first."""
    runs, first = tmp_path / "runs", _first(images, tmp_path)
    _gather(first, runs)
    folder = next(runs.iterdir())
    with closing(Store.open(folder / "run.db")) as store:
        trial = store.trials()[0]
        store.finish(0, TrialResult(record=TrialRecord(spec=trial.spec, status="interrupted")))

    with pytest.raises(RunError, match="has 1 missing trial: gather the plan first"):
        next_plan("1", runs, {}, _QUIET)
