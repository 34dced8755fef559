"""`bench.learn_curve`: subsets are ordinary runs, finished ones are kept, and the page says it."""

from __future__ import annotations

import json
import shutil
from itertools import pairwise

import pytest
from followed import trained

import bench
from bench.followup.subset_runs import train_sizes_below
from bench.report.followup_file import read_followup
from bench.runs.session import Session
from bench.runs.stored_runs import stored_run
from registry.errors import DataError, RunError

pytestmark = pytest.mark.usefixtures("hastened_runs")

_SIZES = [8, 16, 32]


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """A run of two tiny networks with two seeds and 56 training images, without weights."""
    return trained(tmp_path_factory.mktemp("more"), seeds=(0, 1), epochs=1, weights=False)


@pytest.fixture(scope="module")
def run(bare, hastened_runs):
    """A copy of that run, which was asked."""
    folder = shutil.copytree(bare, bare.with_name("0002-asked"))
    return folder, bench.learn_curve(folder, train_sizes=_SIZES, progress=False)


def _kept(monkeypatch, after=None):
    """Return a list of the trials that are kept from now on; stop `after` so many."""
    keep, kept = Session._keep, []

    def count(self, number, result):
        keep(self, number, result)
        kept.append(result.record.spec.key)
        if len(kept) == after:
            raise KeyboardInterrupt

    monkeypatch.setattr(Session, "_keep", count)
    return kept


def _parts(folder):
    return [
        stored_run(each.name, each.parent)
        for each in sorted(folder.glob("followups/learn-curve/*"))
    ]


def test_subsets_are_ordinary_runs_on_the_same_tests(run):
    """With the recipe and the seeds of the run; each training part lies within the next."""
    folder, _ = run
    whole, parts = stored_run(folder.name, folder.parent), _parts(folder)
    training = [{*each.about["split"]["train"]} for each in (*parts, whole)]

    assert [len(each) for each in training] == [*_SIZES, 56]
    assert all(one < other for one, other in pairwise(training))
    for part in parts:
        for name in ("validation", "test"):
            assert part.about["split"][name] == whole.about["split"][name]
        assert [spec.key for spec in part.specs] == [spec.key for spec in whole.specs]
        assert [spec.recipe for spec in part.specs] == [spec.recipe for spec in whole.specs]
        assert part.results.unfinished == 0


def test_the_trials_of_the_run_are_the_largest_size(run):
    """Their accuracy is that of the table."""
    folder, found = run
    answers = bench.load(folder).pairwise.answers

    for model, values in found.values["models"].items():
        last = values["measured"][-1]
        assert last["train_images"] == 56
        assert last["accuracy"] == answers[model].correct.mean()


def test_the_page_has_a_chart_of_all_models_and_one_of_each(run):
    """The title says who gains most; a point of the fitted curve is there only if it is said."""
    _, found = run
    (chart,) = found.charts
    by_panel = {panel: [p.x for p in chart.points if p.panel == panel]
                for panel in dict.fromkeys(point.panel for point in chart.points)}  # fmt: skip
    colours, means = sorted(found.values["models"])

    assert chart.log
    assert "From 8 to 56 photographs, " in chart.title
    assert by_panel["all models"] == [*_SIZES, 56] * 2
    assert by_panel[means] == [*_SIZES, 56]
    said = "doubled" in found.values["models"][colours]
    assert by_panel[colours] == [*_SIZES, 56, *([112] if said else [])]


def test_a_second_call_trains_nothing_and_says_the_same(run, monkeypatch):
    """Byte for byte; fewer sizes need none either."""
    folder, found = run
    kept = _kept(monkeypatch)
    before = (folder / "followups" / "learn-curve.json").read_bytes()

    assert bench.learn_curve(folder, train_sizes=_SIZES, progress=False) == found
    assert (folder / "followups" / "learn-curve.json").read_bytes() == before
    bench.learn_curve(folder, train_sizes=[16], progress=False)
    assert kept == []
    assert bench.learn_curve(folder, train_sizes=_SIZES, progress=False) == found


def test_what_a_stopped_command_lacks_is_trained_alone(bare, run, tmp_path, monkeypatch):
    """Six of twelve trials; then the other six, with the same outcome as without a stop."""
    folder = shutil.copytree(bare, tmp_path / bare.name)
    with monkeypatch.context() as patch:
        first = _kept(patch, after=6)
        with pytest.raises(KeyboardInterrupt):
            bench.learn_curve(folder, train_sizes=_SIZES, progress=False)
    rest = _kept(monkeypatch)
    found = bench.learn_curve(folder, train_sizes=_SIZES, progress=False)

    assert (len(first), len(rest)) == (6, 6)
    assert found.values == run[1].values


def test_more_seeds_of_the_run_are_trained_alone(bare, tmp_path, monkeypatch):
    """A run that grew by a seed after it was asked."""
    folder = shutil.copytree(bare, tmp_path / bare.name)
    bench.learn_curve(folder, train_sizes=[16], progress=False)
    from bench.runs.execute import resume
    from bench.runs.progress import Progress

    resume(str(folder), folder.parent, {"seeds": (0, 1, 2)}, Progress(shown=False), trusted=True)
    kept = _kept(monkeypatch)
    found = bench.learn_curve(folder, train_sizes=[16], progress=False)

    assert {seed for _, seed, _ in kept} == {2}
    assert len(kept) == 2
    assert len(found.values["models"]) == 2


def test_a_changed_image_is_told_before_any_training(bare, monkeypatch):
    """A curve of other images than the run's would say nothing."""
    image = bare.parent.parent / "drawn" / "Cat" / "cat.3.jpg"
    before, kept = image.read_bytes(), _kept(monkeypatch)
    shutil.copyfile(image.with_name("cat.4.jpg"), image)
    try:
        with pytest.raises(DataError, match="not those that it had"):
            bench.learn_curve(bare, train_sizes=[16], progress=False)
    finally:
        image.write_bytes(before)
    assert kept == []


def test_sizes_are_halves_by_default():
    """Five where the smallest class keeps ten images, else four; fewer if there are too few."""
    assert train_sizes_below(1402, 701, None) == [87, 175, 350, 701]
    assert train_sizes_below(400, 200, None) == [25, 50, 100, 200]
    assert train_sizes_below(56, 28, None) == [7, 14, 28]
    assert train_sizes_below(8, 4, None) == [4]


@pytest.mark.parametrize("size", [0, -1, 57, 8.0, True])
def test_a_size_that_the_run_does_not_have_is_refused(size):
    """With the range."""
    with pytest.raises(RunError, match=f"from 1 to 56, which the run has to train, not {size}"):
        train_sizes_below(56, 28, [8, size])


def test_asked_sizes_are_sorted_and_the_run_itself_is_not_trained_again():
    """The largest is the run."""
    assert train_sizes_below(56, 28, [56, 16, 8, 16]) == [8, 16]


def test_the_command_prints_what_was_found(run, zoo):
    """The JSON is that of the file; of `Means`, which learns nothing here, nothing can be said."""
    folder, found = run
    code, out, _ = zoo("learn-curve", folder, "--train-sizes", "8,16,32", "--json")

    assert code == 0
    assert json.loads(out)["values"] == found.values
    assert read_followup(folder, "learn-curve") == found
    code, out, _ = zoo("learn-curve", folder, "--train-sizes", "8,16,32")
    assert code == 0
    assert found.title in out
    assert "tiny.py:Means: cannot say, its accuracy does not rise clearly" in out


def test_sizes_that_are_no_numbers_are_told_in_one_line(run, zoo):
    """With an example."""
    code, _, err = zoo("learn-curve", run[0], "--train-sizes", "8,many")

    assert code == 2
    assert err == (
        "zoo: --train-sizes takes numbers of images, such as 50,100,200,400, not '8,many'\n"
    )


def test_an_ordinary_run_takes_fewer_training_images(run):
    """`--train-images` of `zoo bench` is what a subset has."""
    folder, _ = run
    part = _parts(folder)[0]

    assert part.about["request"]["train_images"] == _SIZES[0]
    assert part.results.title.startswith("drawn: 8/12/12 images")
