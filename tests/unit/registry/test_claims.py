from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from claims import claim

import bench
from bench.data import synthetic
from bench.data.dataset_plugins import DATASETS, Dataset, dataset_folder
from bench.training.recipe import DEFAULT, RECIPES, get_recipe
from registry.claims import Claims
from registry.errors import (
    AmbiguousNameError,
    BrokenPluginError,
    DataError,
    UnknownNameError,
)

SLOW = bench.Recipe(name="slow", epochs=90, batch_size=32, optimizer="sgd", learning_rate=0.01)
TEN = Dataset(name="ten", folder=f"{__name__}:ten")
LIAR = Dataset(name="liar", folder=f"{__name__}:liar")
GONE = Dataset(name="gone", folder="nobody_has_this:folder")


@pytest.fixture
def _few_drawings(tmp_path, monkeypatch):
    """Let there be 24 drawings, in a cache of the test's own: all of them take seconds."""
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    few = partial(synthetic.write_synthetic, images=24)
    monkeypatch.setattr(synthetic, "write_synthetic", few)


def ten():
    return Path(__file__).parent


def liar():
    return Path(__file__)


def test_recipes_are_claimed_like_architectures():
    """A built-in keeps its name; of two plugins neither has it; a typing error is told."""
    built_in = claim("default", "bench.training.recipe:DEFAULT", "zoo-bench", RECIPES.group)
    first = claim("slow", f"{__name__}:SLOW", "first", RECIPES.group)
    second = claim("slow", f"{__name__}:SLOW", "second", RECIPES.group)
    posing = claim("default", f"{__name__}:SLOW", "second", RECIPES.group)

    assert Claims(RECIPES, [built_in, first]).entry("slow").value == SLOW
    assert Claims(RECIPES, [posing, built_in]).entry("default").value == DEFAULT
    with pytest.raises(AmbiguousNameError, match="'first/slow' or 'second/slow'"):
        Claims(RECIPES, [first, second]).entry("slow")
    with pytest.raises(UnknownNameError, match=r"unknown recipe 'slwo'. Did you mean 'slow'"):
        Claims(RECIPES, [first]).entry("slwo")


def test_what_is_no_recipe_is_broken():
    """Only asking for it is an error."""
    wrong = claim("wrong", f"{__name__}:TEN", "author", RECIPES.group)

    with pytest.raises(BrokenPluginError, match=r"is a Dataset, not a bench\.Recipe"):
        _ = Claims(RECIPES, [wrong]).entry("wrong").value


def test_the_built_in_recipes_come_by_the_same_door():
    """`default`, `textbook` and `demo` are entry points of this distribution."""
    assert get_recipe("default") == DEFAULT
    assert {"default", "demo", "textbook"} <= set(Claims.installed(RECIPES).names())


def test_a_data_set_is_a_folder():
    """Whatever the plugin does to have one."""
    assert TEN.path() == Path(__file__).parent


@pytest.mark.parametrize(
    ("dataset", "reason"),
    [(LIAR, "which is not a folder"), (GONE, "is not available: ModuleNotFoundError")],
)
def test_a_data_set_that_is_none_is_told(dataset, reason):
    """By its name, on one line."""
    with pytest.raises(DataError, match=reason):
        dataset.path()


@pytest.mark.usefixtures("_few_drawings")
def test_the_drawings_are_a_data_set_by_name():
    """What `--data drawings` means; a folder of that name would win."""
    assert "drawings" in Claims.installed(DATASETS).names()
    assert (dataset_folder("drawings") / "test" / "Cat").is_dir()


@pytest.mark.usefixtures("_few_drawings")
def test_a_run_on_a_data_set_by_name(tmp_path, monkeypatch):
    """It is trained on, and the run is called by it; it can be gone on with from elsewhere."""
    monkeypatch.chdir(tmp_path)
    results = bench.run(
        ["lenet5"],
        "drawings",
        epochs=1,
        runs=tmp_path / "runs",
        progress=False,
        isolate=False,
    )

    assert results.title.startswith("drawings: ")
