"""Recipes in TOML files: written, read again, and refused where they say anything else."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from drawn_folder import draw_folder

import bench
from bench.data.batch_options import Augmentation
from bench.report.table import as_markdown
from bench.runs.execute import resume
from bench.runs.progress import Progress
from bench.training.recipe import Recipe
from bench.training.recipe_file import (
    Found,
    RecipeFile,
    as_toml,
    read_recipe_file,
    write_recipe_file,
)
from registry.errors import RunError
from zoo import LENET5

_FOUND = Found(data='photo"graphs', images=400, fingerprint="f" * 64, metric="accuracy", seed=0)
_TUNED = Recipe(
    name="tuned",
    epochs=10,
    batch_size=32,
    optimizer="adamw",
    weight_decay=0.05,
    learning_rate=1.07e-3,
    augmentation=Augmentation(scale=(0.3, 1.0)),
    configurations=24,
)


def _written(tmp_path, file=None):
    path = tmp_path / "recipe.toml"
    write_recipe_file(path, file or RecipeFile(recipe=_TUNED, found=_FOUND))
    return path


def test_what_is_written_is_read_again(tmp_path):
    """All fields of the recipe, of models' own ones, and how it was found."""
    own = replace(_TUNED, name="tuned for ./my net.py:Net", batch_size=16, configurations=7,
                  fresh_statistics=True, augmentation=Augmentation(scale=(0.9, 1.0)))  # fmt: skip
    file = RecipeFile(recipe=_TUNED, models={"./my net.py:Net": own}, found=_FOUND)

    assert read_recipe_file(_written(tmp_path, file)) == file
    assert as_toml(file) == as_toml(read_recipe_file(tmp_path / "recipe.toml"))


def test_a_file_may_say_only_what_must_be(tmp_path):
    """The rest is as in `Recipe`."""
    path = tmp_path / "short.toml"
    path.write_text(
        'name = "mine"\nepochs = 2\nbatch_size = 8\noptimizer = "sgd"\nlearning_rate = 1\n'
    )

    assert read_recipe_file(path).recipe == Recipe(
        name="mine", epochs=2, batch_size=8, optimizer="sgd", learning_rate=1.0
    )


@pytest.mark.parametrize("name", ["stratified_batches", "fresh_statistics"])
def test_what_is_done_or_not_is_true_or_false(name):
    """A number is neither."""
    with pytest.raises(RunError, match=f"{name} must be true or false, not 1"):
        replace(_TUNED, **{name: 1})


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("learning_rate", "learning_rat", "unknown key learning_rat; known keys: name"),
        ("batch_size = 32", 'batch_size = "32"', "batch_size: Expected `int"),
        ("batch_size = 32", "batch_size = true", "batch_size: Expected `int"),
        ("batch_size = 32", "batch_size = 0", "batch_size must be above 0, not 0"),
        ("batch_size = 32\n", "", "missing required field `batch_size`"),
        ("learning_rate = 0.00107", "learning_rate = nan", "learning_rate must be above 0"),
        ("weight_decay = 0.05", "weight_decay = -1.0", "weight_decay must be 0 to 1000, not -1"),
        ('"adamw"', '"adam"', "unknown optimizer 'adam': use one of sgd, adamw, muon"),
        ("[0.3, 1.0]", "[0.3, 1.5]", "scale must be two shares, 0 to 1"),
        ("color_jitter = 0.0", "color_jitter = 2.0", "color_jitter must be 0 to 1"),
        ("flip_prob", "flap_prob", "unknown key augmentation.flap_prob"),
        ("images = 400", "pictures = 400", "unknown key found.pictures"),
        ("[augmentation]", "[models]\nlenet = 3\n[augmentation]", "models must be tables"),
        ("[found]", "[models.lenet]\nepochs = 3\n[found]", "all models share one epochs"),
        ("[found]", "[models.lenet]\nbatch = 3\n[found]", "unknown key models.lenet.batch"),
        ("[found]", "[models.lenet]\nbatch_size = -3\n[found]", "batch_size must be above 0"),
        ("[found]", "[found", "is not valid TOML"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_one_clear_line(tmp_path, before, after, message):
    """It names the file and the key; the right file beside it is read."""
    path = _written(tmp_path)
    text = path.read_text()
    read_recipe_file(path)
    assert before in text
    path.write_text(text.replace(before, after, 1))

    with pytest.raises(RunError, match=r"recipe\.toml") as caught:
        read_recipe_file(path)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_told():
    """By its name and the reason."""
    with pytest.raises(RunError, match=r"cannot read .*nowhere.toml: No such file"):
        bench.run(["lenet5"], recipe="./nowhere.toml", progress=False)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Two models, one of them with a recipe of its own; the file is gone afterwards."""
    folder = tmp_path_factory.mktemp("own")
    own = replace(_TUNED, name="tuned for lenet5", batch_size=4, configurations=7)
    path = _written(folder, RecipeFile(recipe=_TUNED, models={"lenet5": own}))
    images = draw_folder(folder / "drawn")
    found = bench.run(["lenet5", replace(LENET5, name="other")], images, recipe=str(path),
                      epochs=1, isolate=False, progress=False, runs=folder / "runs")  # fmt: skip
    path.unlink()
    return found


def test_a_model_is_trained_by_its_own_recipe(results):
    """The others by the one for all; options given beside count for both."""
    recipes = {record.model: record.spec.recipe for record in results.records}

    assert (recipes["lenet5"].batch_size, recipes["other"].batch_size) == (4, 32)
    assert recipes["lenet5"].learning_rate == recipes["other"].learning_rate == 1.07e-3
    assert {recipe.epochs for recipe in recipes.values()} == {1}


def test_tables_say_among_how_many_a_recipe_was_chosen(results):
    """In the title, in each row, in JSON, and in what is said of two models."""
    rows = results.frame.set_index("model")
    table = as_markdown(results.frame, results.title)
    told = json.loads((results.folder / "comparison.json").read_text())

    assert (
        "recipe tuned (chosen among 24 configurations), other recipes for lenet5" in results.title
    )
    assert rows.loc["lenet5", "recipe_configurations"] == 7
    assert "tuned for lenet5 (of 7)" in table
    assert "tuned (of 24)" in table
    assert {row["recipe_configurations"] for row in told["rows"]} == {7, 24, None}
    assert told["verdicts"][0]["recipes_differ"] is True
    assert str(results.compare("lenet5", "other")).endswith("; their recipes differ")


def test_without_a_choice_there_is_no_such_column(tmp_path):
    """One recipe that nobody has chosen is in the title already."""
    images = draw_folder(tmp_path / "drawn")
    plain = bench.run(["lenet5"], images, epochs=1, isolate=False, progress=False,
                      runs=tmp_path / "runs")  # fmt: skip

    assert "| recipe |" not in as_markdown(plain.frame, plain.title)
    assert "chosen" not in plain.title


def test_a_run_does_not_need_its_file_any_more(results):
    """What the file said is in the run."""
    again = resume(str(results.folder), results.folder.parent, {}, Progress(shown=False))

    assert again.title == results.title
