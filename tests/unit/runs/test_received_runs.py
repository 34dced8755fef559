"""What somebody else has made is read with care: work folders, plans, checkpoints, pages."""

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import replace
from types import SimpleNamespace

import pytest
from made_runs import correct, make_run, spec

from bench.report.page.provenance import data_section, repeat_section
from bench.runs.batch.plan_file import read_plan
from bench.runs.batch.work_folder import DamagedError, FinishedTrial, _as_planned
from bench.runs.request import Request
from bench.runs.run_folder import RunFolder
from bench.runs.store import Store
from bench.runs.stored_runs import write_report
from bench.training.checkpoint import Checkpoints
from bench.training.recipe_file import read_toml
from registry.errors import RunError


@pytest.fixture
def received(tmp_path):
    """A plan of one trial of 300 images, and the trial that a worker has finished."""
    run = make_run(tmp_path / "0001-a", {"lenet": correct(seeds=1)})
    with closing(Store.open(run / "run.db", read_only=True)) as store:
        (trial,) = store.trials()
    test = [SimpleNamespace(file=SimpleNamespace(label=n)) for n in trial.test.labels.tolist()]
    plan = SimpleNamespace(
        specs=(trial.spec,), splits=SimpleNamespace(of=lambda fold: SimpleNamespace(test=test))
    )
    done = FinishedTrial(record=trial.record, test=trial.test, environment={}, weights={})
    return plan, done, tmp_path / "done.json"


def _with_record(done, **changes):
    return replace(done, record=replace(done.record, **changes))


def test_a_trial_as_planned_is_taken(received):
    """With the plan's own specification."""
    plan, done, path = received

    assert _as_planned(path, done, plan, 0).record.spec is plan.specs[0]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"seed": 7}, "seed"),
        ({"model": ".."}, "model"),
        ({"split_fingerprint": "1" * 64}, "split_fingerprint"),
        ({"classes": ("cat", "cow")}, "classes"),
    ],
)
def test_a_trial_of_another_specification_is_refused_by_name(received, changes, named):
    """A worker's folder cannot say what was asked."""
    plan, done, path = received
    lie = _with_record(done, spec=replace(done.record.spec, **changes))

    with pytest.raises(DamagedError, match=f"the plan has another {named}"):
        _as_planned(path, lie, plan, 0)


def test_a_halved_batch_is_taken_with_its_mark_only(received):
    """As a trial that ran out of memory has it."""
    plan, done, path = received
    recipe = plan.specs[0].recipe
    half = recipe.batch_size // 2
    halved = replace(plan.specs[0], recipe=replace(recipe, batch_size=half))
    mark = f"batch size {half} instead of {recipe.batch_size}"
    marked = _as_planned(path, _with_record(done, spec=halved, marks=(mark,)), plan, 0)

    assert marked.record.spec == halved
    with pytest.raises(DamagedError, match="the plan has another recipe"):
        _as_planned(path, _with_record(done, spec=halved), plan, 0)


def test_an_accuracy_that_the_predictions_lack_is_refused(received):
    """They are counted again."""
    plan, done, path = received
    lie = replace(done, test=replace(done.test, accuracy=0.99))

    with pytest.raises(DamagedError, match=r"test_accuracy is 0\.99, but the stored"):
        _as_planned(path, lie, plan, 0)


def test_other_test_images_than_the_plans_are_refused(received):
    """Their labels are compared, in order."""
    plan, done, path = received
    flipped = replace(done.test, labels=1 - done.test.labels, accuracy=1 - done.test.accuracy)

    with pytest.raises(DamagedError, match="not those of the plan's test images"):
        _as_planned(path, replace(done, test=flipped), plan, 0)


def test_equal_probabilities_may_have_been_different_logits(received):
    """Either accuracy is then true."""
    plan, done, path = received
    shares = done.test.probabilities.copy()
    shares[0] = 0.5

    for each in (0, 1):
        right = int((shares[1:].argmax(1) == done.test.labels[1:]).sum()) + each
        test = replace(done.test, probabilities=shares, accuracy=right / 300)
        assert _as_planned(path, replace(done, test=test), plan, 0)


def test_checkpoints_behind_a_link_stay(tmp_path):
    """A finished trial of a received run must not clear a folder of the user."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "1-1.pt").write_bytes(b"mine")
    (tmp_path / "checkpoints").symlink_to(tmp_path / "mine")
    Checkpoints(tmp_path / "checkpoints").clear()

    assert (tmp_path / "mine" / "1-1.pt").read_bytes() == b"mine"


def test_checkpoints_are_not_saved_behind_a_link(tmp_path):
    """One error, and nothing is written."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "checkpoints").symlink_to(tmp_path / "mine")

    with pytest.raises(OSError, match="it is a link, which is not followed"):
        Checkpoints(tmp_path / "checkpoints").save({})
    assert not list((tmp_path / "mine").iterdir())


def test_files_of_others_among_checkpoints_stay(tmp_path):
    """Only the names that checkpoints have are removed."""
    (tmp_path / "best.pt").write_bytes(b"mine")
    Checkpoints(tmp_path).clear()

    assert (tmp_path / "best.pt").exists()


@pytest.mark.parametrize("name", ["..", ".", "", "../x", "a\0b", "NUL", "run.db", "a" * 9000])
def test_a_models_folder_is_one_below_the_run(tmp_path, name):
    """Whatever the model is called."""
    path = RunFolder(tmp_path).trial(replace(spec("lenet", 0), model=name))

    assert path.parents[1] == tmp_path
    assert path.resolve().is_relative_to(tmp_path.resolve())
    assert path.parent.name.casefold() not in ("nul", "run.db")


@pytest.mark.parametrize("read", [read_plan, read_toml])
def test_a_pipe_is_no_plan_and_no_recipe(tmp_path, read):
    """It is refused without a wait."""
    os.mkfifo(tmp_path / "pipe.toml")

    with pytest.raises(RunError, match="it is no regular file"):
        read(tmp_path / "pipe.toml")


def test_a_large_recipe_is_refused_by_name(tmp_path):
    """Its size is compared before it is parsed."""
    (tmp_path / "recipe.toml").write_bytes(b"#" * 1_000_001)

    with pytest.raises(RunError, match=r"recipe\.toml: it is larger than 1 MB"):
        read_toml(tmp_path / "recipe.toml")


@pytest.mark.parametrize("url", ["s3://u:pass@host/x", "abfs://c/x?sig=pass", "s3://u:p/pass@h/x"])
def test_checkpoints_with_a_password_are_refused_without_it(url):
    """The run would store it; the message does not repeat it."""
    with pytest.raises(RunError, match="a password or key") as caught:
        Request(models=("lenet",), checkpoints=url)

    assert "pass@" not in str(caught.value)
    assert "=pass" not in str(caught.value)


def test_the_page_has_names_in_place_of_absolute_paths():
    """They may name the user."""
    argv = ["/home/alice/bin/zoo", "bench", "--data", "/home/alice/cats", "--labels=/home/alice/l"]
    about, results = {"data": "/home/alice/cats"}, SimpleNamespace(records=(), command=argv)
    shown = str(data_section(about)) + str(repeat_section(results, about))

    assert "alice" not in shown
    assert "--data cats --labels=l" in shown


def test_all_files_of_a_run_have_one_mode(tmp_path, monkeypatch):
    """That of the user's mask."""
    monkeypatch.setattr("bench.runs.stored_runs.write_page", lambda *given: None)
    before = os.umask(0o027)
    try:
        run = make_run(tmp_path / "0001-a", {"lenet": correct(seeds=1)})
        with pytest.raises(RunError):
            write_report(str(run), tmp_path)
    finally:
        os.umask(before)

    assert {path.stat().st_mode & 0o777 for path in run.rglob("*") if path.is_file()} == {0o640}
