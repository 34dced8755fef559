"""A split of the training part of another: what that leaves out is seen by nobody."""

from __future__ import annotations

from dataclasses import replace

import pytest
from drawn_folder import draw_folder

from bench.analysis.comparable import ComparedRun, why_incomparable
from bench.data.check import check
from bench.data.find import find
from bench.data.folds import make_splits
from bench.data.pixel_source import DirectPixels
from bench.data.split import as_plain, split_of, stratified_split
from bench.runs.execute import execute, resume
from bench.runs.plan import make_plan
from bench.runs.progress import Progress
from bench.runs.request import Request
from bench.runs.resolve import resolve_request
from bench.runs.stored_runs import stored_run
from registry.errors import DataError, RunError

pytestmark = pytest.mark.usefixtures("hastened_runs")

_QUIET = Progress(shown=False)


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """A folder of 20 cats and 20 dogs."""
    return draw_folder(tmp_path_factory.mktemp("within") / "drawn", each=20)


def _request(images, **changes):
    fields = {"models": ("lenet5",), "data": images, "split": "kfold:3", "within": "stratified",
              "epochs": 1, "isolate": False, "threads": 1, "layout": "contiguous"}  # fmt: skip
    return Request(**fields | changes)


def _all(splits):
    return {i for split in splits.each for i in (*split.train, *split.validation, *split.test)}


def test_a_nested_split_has_the_outer_training_images_alone(images):
    """In any of its parts, whichever it is."""
    manifest = check(find(images))

    for name in ("kfold:3", "stratified"):
        assert _all(make_splits(name, manifest, "stratified")) == set(
            stratified_split(manifest).train
        )
        assert _all(make_splits(name, manifest)) == set(manifest.images)


def test_a_run_within_opens_no_other_image(images, tmp_path, monkeypatch):
    """Not to train, to validate, to test, or to draw; without, all are opened."""
    opened, read = set(), DirectPixels.full

    def reading(source, file):
        opened.add(file.name)
        return read(source, file)

    monkeypatch.setattr(DirectPixels, "full", reading)
    outer = {i.file.name for i in stratified_split(check(find(images))).train}
    for within in ("stratified", None):
        opened.clear()
        request = _request(images, within=within, cache=False, runs=tmp_path / f"{within}")
        assert execute(resolve_request(request), _QUIET).exit_code == 0
        assert opened <= outer if within else not opened <= outer


def test_title_manifest_and_fingerprint_say_within(images):
    """And the split's description; a plain split says nothing of it."""
    plan, plain = (
        make_plan(resolve_request(_request(images, within=w)), _QUIET) for w in ("stratified", None)
    )

    assert "folds, within the training part of stratified, recipe" in plan.about["title"]
    assert "within" not in plain.about["title"]
    assert plan.about["manifest"]["images"] == 28
    assert plan.about["split"]["within"] == "stratified"
    assert "within" not in plain.about["split"]
    split = plan.splits.of(1)
    assert split.fingerprint != replace(split, within=None).fingerprint
    assert split_of(as_plain(split)) == split


def test_runs_within_are_not_compared_with_others(images, tmp_path):
    """The reason names both."""
    asked = [_request(images, within=w, runs=tmp_path / f"{w}") for w in (None, "stratified")]
    runs = [execute(resolve_request(each), _QUIET) for each in asked]
    sides = [ComparedRun(name, stored_run(str(results.folder), tmp_path))
             for name, results in zip(("BASE", "NEW"), runs, strict=True)]  # fmt: skip

    assert why_incomparable("lenet5", *sides) == (
        "the training part of the stratified split instead of all images"
    )
    with pytest.raises(RunError, match="leave out --within"):
        resume(str(runs[0].folder), tmp_path, {"within": "textbook"}, _QUIET)


def test_folds_are_no_outer_split(images):
    """They have as many training parts as folds; and few images are too few for the textbook's."""
    with pytest.raises(RunError, match=r"one training part \(stratified, textbook, given\), not"):
        _request(images, within="kfold:3")
    with pytest.raises(DataError, match="needs 411 readable images, there are 40"):
        make_plan(resolve_request(_request(images, within="textbook")), _QUIET)
