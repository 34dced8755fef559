"""Results of stored runs in Python."""

from __future__ import annotations

import pytest
from made_run import make_run

import bench
from registry.errors import RunError


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of three models."""
    return make_run(tmp_path_factory.mktemp("some") / "runs", pictures=False)


@pytest.mark.parametrize("name", ["runs/1", "runs/0001-made", 1, "1", "0001-made"])
def test_a_run_is_found_by_folder_name_or_number(run, monkeypatch, name):
    """As the command finds it, and by a number behind the folder of the runs."""
    monkeypatch.chdir(run.parents[1])

    assert bench.load(name).folder.resolve() == run


def test_a_run_elsewhere_is_found(run):
    """By its path, or by its number in another folder."""
    assert bench.load(run).folder == run
    assert bench.load(1, runs=run.parent).folder == run


def test_a_run_that_is_not_there_is_told(run):
    """With the folder in which it was looked for."""
    with pytest.raises(RunError, match=r"no run '7' here or in .*runs"):
        bench.load(run.parent / "7")


def test_results_are_three_lines(run):
    """Title, headline, and where the rest is."""
    lines = repr(bench.load(run)).splitlines()

    assert lines[0].startswith("photographs: 336/72/72 images")
    assert lines[1] == "alexnet is the best."
    assert lines[2].startswith(f"18 of 18 trials in {run}; see .frame, ")
    assert len(lines) == 3


def test_wrong_images_have_classes_by_name(run):
    """The label and what was said most."""
    wrong = bench.load(run).wrong("alexnet")

    assert {*wrong["label"], *wrong["predicted"]} == {"cat", "dog"}


def test_a_look_into_bench_shows_what_there_is():
    """All public names and nothing else, also those that nobody has used yet."""
    assert dir(bench) == sorted(bench.__all__)
    assert all(getattr(bench, name) for name in dir(bench))
