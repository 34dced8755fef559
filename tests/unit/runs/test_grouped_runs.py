from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from drawn_folder import draw_folder
from group_simulation import MOODY, grouped, named
from made_runs import make_run

import bench
from bench.analysis.frame import BASELINE
from bench.analysis.stats.interval import wilson_interval
from bench.data.check import check
from bench.data.find import find
from bench.data.folds import Splits
from bench.data.split import Split
from bench.report.page.words import notes
from bench.report.table import as_markdown
from bench.runs.description import _describe_splits
from bench.runs.plan import make_plan
from bench.runs.progress import Progress
from bench.runs.request import Request
from bench.runs.resolve import resolve_request
from bench.runs.stored_runs import read_run, stored_run
from bench.training.recipe import DEFAULT
from bench.tune.choice import choose, interval
from bench.tune.study import configuration_of

SIZES = np.full(30, 10)  # 30 videos of 10 frames
SPLIT = {"groups": list(named(SIZES)), "majority": [place % 20 < 10 for place in range(300)]}
NOTE = "intervals count 30 groups, not 300 images"


@pytest.fixture
def images(tmp_path):
    """Checked images of 12 cats and 12 dogs."""
    return check(find(draw_folder(tmp_path / "drawn"))).images


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The folder of three runs of the same answers: without groups, with groups, and other ones."""
    folder = tmp_path_factory.mktemp("grouped") / "runs"
    pair = grouped(MOODY, np.random.default_rng(8), 2, 6, SIZES)
    models = dict(zip(("lenet", "alexnet"), pair, strict=True))
    make_run(folder / "0001-old", models)
    make_run(folder / "0002-new", models, split=SPLIT)
    make_run(folder / "0003-one", {"lenet": pair[1]}, split=SPLIT)
    return folder


def _width(results, model):
    row = results.frame.set_index("model").loc[model]
    return row["test_accuracy_high"] - row["test_accuracy_low"]


def _with_groups(images, group):
    return tuple(replace(each, file=replace(each.file, group=group(each.file))) for each in images)


def _splits(images, folds):
    parts = [images[fold::folds] for fold in range(folds)]
    each = tuple(
        Split(name="made", train=images[:9], validation=images[:2], test=test) for test in parts
    )
    return Splits(name="made", each=each)


@pytest.mark.parametrize("folds", [1, 3])
def test_a_run_keeps_the_group_of_each_test_image(images, folds):
    """In the order of the test images, fold by fold; an image may have none."""
    grouped_ones = _with_groups(images, lambda file: f"of {file.name}" if file.label else None)
    split = _describe_splits(_splits(grouped_ones, folds))

    assert len(split["groups"]) == len(split["test"]) == 24
    for name, group in zip(split["test"], split["groups"], strict=True):
        assert group == (f"of {name}" if name.startswith("Dog") else None)


def test_images_without_groups_are_described_as_before(images):
    """Nothing is added, so that a stored run is the same byte for byte."""
    assert list(_describe_splits(_splits(images, 1))) == [
        "name", "fingerprint", "train", "validation", "test",
    ]  # fmt: skip


def test_groups_that_were_found_are_in_the_plan(tmp_path, monkeypatch):
    """From the finder to what the store keeps, nothing loses them."""

    def find_groups(folder, **options):
        found = find(folder, **options)
        named_ones = (replace(image, group=image.name[:9]) for image in found.images)
        return replace(found, images=tuple(named_ones))

    monkeypatch.setattr("bench.runs.load_data.find", find_groups)
    folder = draw_folder(tmp_path / "drawn")
    asked = Request(models=("lenet5",), data=folder, cache=False)
    split = make_plan(resolve_request(asked), Progress(shown=False)).about["split"]

    assert split["groups"] == [name[:9] for name in split["test"]]
    assert sum(split["majority"]) == 2


def test_a_stored_run_counts_its_groups(runs):
    """Interval and verdict are wider than those of the same answers without groups."""
    old, new = read_run("0001", runs), read_run("0002", runs)
    before, after = (each.compare("lenet", "alexnet").found for each in (old, new))

    assert (before.groups, after.groups) == (None, 30)
    assert after.high - after.low > before.high - before.low
    assert _width(new, "lenet") > _width(old, "lenet")
    assert new.frame["test_groups"].dropna().tolist() == [30, 30]


def test_one_seed_counts_its_groups(runs, tmp_path):
    """Thirty videos are no 300 photographs, also for Wilson's interval."""
    right = grouped(MOODY, np.random.default_rng(9), 1, 1, SIZES)[0]
    make_run(tmp_path / "one" / "0001-a", {"lenet": right}, split=SPLIT)
    low, high = wilson_interval(int(right.sum()), 300)

    assert _width(read_run("0001", tmp_path / "one"), "lenet") > 2.5 * (high - low)


def test_the_baseline_counts_its_groups(runs):
    """Whole groups are of one class: 15 of 30 groups, nearly."""
    low, high = wilson_interval(15, 30)

    assert _width(read_run("0002", runs), BASELINE) == pytest.approx(high - low, abs=0.03)
    assert _width(read_run("0001", runs), BASELINE) < 0.12


def test_a_run_without_groups_says_nothing_of_them(runs, zoo):
    """Stored before groups were known, it is read as before."""
    _, out, _ = zoo("runs", "show", 1, "--runs-dir", runs)
    results = read_run("0001", runs)

    assert "intervals count" not in out
    assert results.frame["test_groups"].isna().all()
    assert not any("groups" in line for line in notes(results))


def test_table_and_report_say_what_intervals_count(runs, zoo):
    """Under the table on a terminal, in Markdown, and on the page."""
    _, out, _ = zoo("runs", "show", 2, "--runs-dir", runs, width=200)
    results = read_run("0002", runs)

    assert NOTE in out
    assert "300 images in 30 groups" in out
    assert f"- {NOTE}\n" in as_markdown(results.frame, results.title)
    assert f"I{NOTE[1:]}." in notes(results)


def test_a_comparison_of_runs_counts_groups(runs, zoo):
    """So it does if only one of both runs knows them, and it says so."""
    without = bench.compare(1, runs / "0003-one", runs=runs).changes[0].accuracy
    both = bench.compare(2, runs / "0003-one", runs=runs).changes[0].accuracy
    code, out, _ = zoo("compare", 2, 3, "--runs-dir", runs, "--json")

    assert code == 0
    assert without.found == both.found
    assert both.found.groups == 30
    assert "intervals and p count 30 groups, not 300 images" in json.loads(out)["notes"]


def test_a_search_counts_groups(runs, monkeypatch):
    """The interval of a configuration, and the gain of one over another."""
    monkeypatch.setattr("bench.tune.study._number", lambda run: int(run.results.folder.name[:4]))
    plain, over, other = (configuration_of(stored_run(n, runs), DEFAULT) for n in ("1", "2", "3"))
    alone = replace(over, correct=over.correct[:1])
    choice = choose(sorted([alone, other], key=lambda each: each.accuracy), take_best=True)
    (low, high), (least, most) = interval(plain), interval(over)

    assert most - least > high - low
    assert choice.gain.groups == 30
