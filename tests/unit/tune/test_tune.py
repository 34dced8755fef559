"""`zoo tune`: a search over training images alone, that a kill does not change."""

from __future__ import annotations

import builtins
import json
import os
import signal
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from drawn_folder import draw_folder, noise

from bench.data import split as splitting
from bench.data.check import check
from bench.data.find import find
from bench.runs.request import Request
from bench.training.recipe import DEFAULT
from bench.training.recipe_file import read_recipe_file, write_recipe_file
from bench.tune import search as searching
from bench.tune.choice import choose, interval
from bench.tune.search import Outcome, Search, search
from bench.tune.search_table import sentences, sort_configurations
from bench.tune.space import (
    describe_changes,
    only,
    position_of,
    read_space,
    recipe_at,
    suggest,
    whole_space,
)
from bench.tune.study import Configuration, require_same_images
from registry.errors import RunError
from zoo import LENET5

pytestmark = pytest.mark.usefixtures("hastened_runs")

_SPACE = whole_space(DEFAULT)


def _quiet(text):
    pass


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """A folder of 20 cats and 20 dogs."""
    return draw_folder(tmp_path_factory.mktemp("tune") / "drawn", each=20)


def _asked(images, runs, **changes):
    request = Request(models=("lenet5",), data=images, within="stratified", split="kfold:2",
                      epochs=1, threads=1, layout="contiguous", isolate=False,
                      runs=runs)  # fmt: skip
    space = only(_SPACE, ["learning_rate", "batch_size"])
    base = searching.base_of(request)
    fields = {"request": request, "base": base, "trials": 3, "space": space, "take_best": True}
    return Search(**fields | changes)


def _file(outcomes, path):
    write_recipe_file(path, searching.recipe_file(outcomes, DEFAULT, "tuned"))
    return path.read_bytes()


@pytest.fixture(scope="module")
def whole(images, tmp_path_factory):
    """An unbroken search, and the bytes of its recipe."""
    folder = tmp_path_factory.mktemp("whole")
    asked = _asked(images, folder / "runs")
    outcomes = search(asked, _quiet, shown=False)
    return asked, outcomes, _file(outcomes, folder / "recipe.toml")


class _Stops(searching.TimedProgress):
    """Presses Ctrl-C in the first fold of the second configuration, once."""

    def on_epoch(self, spec, epoch):
        super().on_epoch(spec, epoch)
        if spec.recipe.name == "configuration 2" and spec.fold == 1:
            os.kill(os.getpid(), signal.SIGINT)


def test_a_search_that_was_stopped_chooses_the_same(whole, images, tmp_path, monkeypatch):
    """Interrupted within a configuration and begun again: the same recipe file, byte for byte."""
    asked = _asked(images, tmp_path / "runs")
    with monkeypatch.context() as patch:
        patch.setattr(searching, "TimedProgress", _Stops)
        (stopped,) = search(asked, _quiet, shown=False)
    outcomes = search(asked, _quiet, shown=False)

    assert (stopped.stopped_by, stopped.choice, len(stopped.tried)) == (signal.SIGINT, None, 1)
    assert len(list((tmp_path / "runs" / "tune-lenet5").glob("0*"))) == 3
    assert _file(outcomes, tmp_path / "recipe.toml") == whole[2]


def test_a_search_that_is_done_trains_no_more(whole, monkeypatch):
    """The same command reads the runs and tells the same."""
    asked, outcomes, _ = whole
    monkeypatch.setattr(searching, "execute", None)
    monkeypatch.setattr(searching, "resume", None)
    (again,) = search(asked, _quiet, shown=False)

    assert sentences(again) == sentences(outcomes[0])


def test_more_trials_go_on_with_the_same_search(whole, images, tmp_path):
    """Two, and then one more, choose what three do."""
    search(_asked(images, tmp_path / "runs", trials=2), _quiet, shown=False)
    outcomes = search(_asked(images, tmp_path / "runs"), _quiet, shown=False)

    assert _file(outcomes, tmp_path / "recipe.toml") == whole[2]


def test_another_seed_is_another_search(whole, images, tmp_path):
    """It has a folder of its own and tries something else."""
    asked = _asked(images, whole[0].request.runs, seed=1, trials=2)
    (other,) = search(asked, _quiet, shown=False)

    assert other.folder.name == "tune-lenet5-2"
    assert other.tried[1].recipe != whole[1][0].tried[1].recipe


def test_the_first_configuration_is_the_present_recipe(whole):
    """And the file says among how many its recipe was chosen, on what, by what."""
    _, (outcome,), text = whole
    said = text.decode()

    assert outcome.tried[0].recipe == replace(DEFAULT, epochs=1)
    assert "configurations = 3" in said
    assert 'data = "drawn"\nimages = 28\n' in said
    assert str(outcome.folder.parent) not in said


def test_each_configuration_is_a_run(whole):
    """With folds within the training part, as its title says."""
    folders = sorted(each.folder.name for each in whole[1][0].tried)
    about = json.loads((whole[1][0].tried[1].folder / "config.json").read_text())

    assert folders == ["0001-lenet5", "0002-lenet5", "0003-lenet5"]
    assert "within the training part of stratified, recipe configuration 2" in about["title"]


def _swapped(images, into, names):
    """Copy the folder, with other pictures in the place of those named."""
    for number, path in enumerate(sorted(images.rglob("*.jpg"))):
        copy = into / path.relative_to(images)
        copy.parent.mkdir(parents=True, exist_ok=True)
        if str(path.relative_to(images)) in names:
            noise(5000 + number).save(copy, quality=95)
        else:
            copy.write_bytes(path.read_bytes())
    return into


_TRAINED_ON = 24  # by a textbook split of a few images


@pytest.fixture
def outer(images, tmp_path, monkeypatch):
    """Search within the training part of a textbook split of the folder; return the recipe file."""
    monkeypatch.setattr(splitting, "_TEXTBOOK_TRAIN", _TRAINED_ON)

    def searched(folder):
        place = tmp_path / f"of-{folder.parent.name}"
        asked = _asked(folder, place / "runs", trials=2)
        asked = replace(asked, request=replace(asked.request, within="textbook"))
        return _file(search(asked, _quiet, shown=False), place / "recipe.toml")

    return searched


@pytest.mark.parametrize("part", ["outer", "train"])
def test_outer_images_do_not_change_the_choice(images, outer, tmp_path, part):
    """Other pictures in the outer validation and test give the same file; the liar, in training.

    The textbook split is by file names, so that only contents, and thus truth of labels, differ.
    """
    split = splitting.textbook_split(check(find(images)))
    changed = split.validation + split.test if part == "outer" else split.train[:11]
    other = _swapped(images, tmp_path / "copy" / "drawn", {image.file.name for image in changed})

    assert len(split.train) == _TRAINED_ON
    assert (outer(images) == outer(other)) == (part == "outer")


def test_each_model_can_have_a_search_of_its_own(images, tmp_path, monkeypatch):
    """Its recipe is a table of changes in the file, with the number it was chosen among."""
    monkeypatch.setattr("zoo.LENET", replace(LENET5, name="lenet"))  # a thousandth of the size
    request = replace(_asked(images, tmp_path).request, models=("lenet5", "lenet"), limit=20)
    asked = _asked(images, tmp_path / "runs", request=request, per_model=True, trials=1)
    outcomes = search(asked, _quiet, shown=False)
    path = tmp_path / "recipe.toml"
    write_recipe_file(path, searching.recipe_file(outcomes, asked.base, "tuned"))
    file = read_recipe_file(path)

    assert [each.models for each in outcomes] == [("lenet5",), ("lenet",)]
    assert list(file.models) == ["lenet5", "lenet"]
    assert file.models["lenet"].name == "tuned for lenet"
    assert (file.recipe.configurations, file.models["lenet"].configurations) == (0, 1)


def test_no_configuration_begins_after_the_budget(images, tmp_path):
    """The first is done in any case; seconds of before a restart count."""
    asked = _asked(images, tmp_path / "runs", trials=None, budget=1e-6)
    told = []
    (outcome,) = search(asked, told.append, shown=False)
    spent = json.loads((outcome.folder / "spent.json").read_text())["seconds"]
    search(asked, _quiet, shown=False)
    after = json.loads((outcome.folder / "spent.json").read_text())["seconds"]

    assert len(outcome.tried) == 1
    assert "a repeated search may differ" in told[-1]
    assert after > spent > 0


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="two cores")
@pytest.mark.usefixtures("all_cores")
def test_two_trials_at_a_time_find_the_same(whole, images, tmp_path):
    """A search with `--jobs 2` tries, measures and chooses what one with a trial at a time does."""
    asked = _asked(images, tmp_path / "runs")
    asked = replace(asked, request=replace(asked.request, jobs=2, isolate=True))
    outcomes = search(asked, _quiet, shown=False)

    assert _file(outcomes, tmp_path / "recipe.toml") == whole[2]


def test_a_small_space_comes_to_its_end(images, tmp_path):
    """Nothing is trained twice."""
    space = only(_SPACE, ["initialization"])
    told = []
    (outcome,) = search(_asked(images, tmp_path, space=space, trials=9), told.append, shown=False)

    assert {each.recipe.initialization for each in outcome.tried} == {"own", "patches"}
    assert "all 2 configurations of the space were tried" in told


def _made(number, correct, recipe=DEFAULT):
    status = "ok" if correct is not None else "diverged"
    return Configuration(number=number, recipe=recipe, folder=Path(f"{number:04d}"),
                         correct=correct, seconds=1.0, status=status)  # fmt: skip


def _right(share, images=400, models=2):
    return np.arange(images)[None, None, :].repeat(models, axis=0) < share * images


def test_the_first_recipe_is_kept_unless_another_can_be_told_from_it():
    """A point more is not enough; ten points are; `--take-best` takes both."""
    first, close, far = _made(1, _right(0.6)), _made(2, _right(0.605)), _made(3, _right(0.7))
    close, far = (replace(each, recipe=replace(DEFAULT, batch_size=16)) for each in (close, far))

    assert choose([first, close], take_best=False).taken is first
    assert choose([first, close], take_best=False).recipe("tuned").name == "default"
    assert choose([first, close], take_best=True).taken is close
    assert choose([first, close, far], take_best=False).taken is far
    assert choose([first, far], take_best=False).recipe("tuned").name == "tuned"


def test_what_is_taken_is_not_advised_to_be_taken():
    """The sentence names `--take-best` only where the first is kept."""
    tried = (_made(1, _right(0.6)), _made(2, _right(0.605)))
    told = [
        " ".join(sentences(Outcome(models=("lenet5",), folder=Path(), tried=tried, found=None,
                                   choice=choose(tried, take_best=best))))
        for best in (False, True)
    ]  # fmt: skip

    assert ["--take-best" in each for each in told] == [True, False]
    assert all("shows no clear difference from default" in each for each in told)


def test_many_tries_must_show_more():
    """The p of the best is that of one, times how many were compared."""
    tries = [_made(number, _right(0.6 + 0.001 * number)) for number in range(1, 12)]

    assert choose(tries, take_best=False).p >= choose([tries[0], tries[-1]], take_best=False).p


def test_what_failed_is_never_chosen():
    """It counts as tried; where all failed there is no choice."""
    failed, well = _made(2, None), _made(1, _right(0.6))

    assert choose([well, failed], take_best=True).taken is well
    assert choose([well, failed], take_best=True).recipe("tuned").configurations == 2
    assert choose([failed], take_best=True) is None
    assert (
        choose([replace(failed, number=1), _made(2, _right(0.4))], take_best=False).taken.number
        == 2
    )


def test_an_interval_is_over_images_of_all_models():
    """Two models that answer alike are no surer than one."""
    one, two = _made(1, _right(0.6, models=1)), _made(1, _right(0.6, models=2))

    assert np.subtract(*interval(two)[::-1]) == pytest.approx(
        np.subtract(*interval(one)[::-1]), abs=2e-3
    )


def test_positions_lead_back_to_the_recipe():
    """The default's own position gives the default; others differ in what is told."""
    position = position_of(_SPACE, DEFAULT)
    other = recipe_at(_SPACE, position | {"learning_rate": 1.0}, DEFAULT)

    assert recipe_at(_SPACE, position, DEFAULT) == DEFAULT
    assert describe_changes(DEFAULT, other) == "learning rate 0.003"
    assert recipe_at(_SPACE, position | {"optimizer": 0}, DEFAULT).momentum == 0.9
    augmented = recipe_at(
        _SPACE, position | {"augmentation_scale": 1.0, "color_jitter": 1.0}, DEFAULT
    )
    assert describe_changes(DEFAULT, augmented) == "scale from 1, color jitter 0.6"


def test_what_would_train_nothing_else_is_no_other_recipe():
    """Without Muon its filters' rate stays, at a constant rate the warm-up: no trial is lost."""
    position = position_of(_SPACE, DEFAULT)
    adamw = position | {"optimizer": _SPACE["optimizer"].values.index("adamw")}
    constant = position | {"schedule": _SPACE["schedule"].values.index("constant")}
    moved = {"filter_rate": 1.0, "warmup": 1.0}

    assert recipe_at(_SPACE, position | moved, DEFAULT).filter_rate == pytest.approx(0.08)
    assert recipe_at(_SPACE, position | moved, DEFAULT).warmup == pytest.approx(0.5)
    assert recipe_at(_SPACE, adamw | moved, DEFAULT).filter_rate == DEFAULT.filter_rate
    assert recipe_at(_SPACE, constant | moved, DEFAULT).warmup == DEFAULT.warmup


def test_suggestions_depend_on_seed_and_history_alone():
    """And learn: a rate that is twice as good is looked for."""
    space = only(_SPACE, ["learning_rate"])

    def walked(seed):
        tried = []
        for _ in range(20):
            position = suggest(space, tried, seed)
            tried.append((position, 1 - abs(position["learning_rate"] - 0.8)))
        return tried

    first = walked(0)
    assert first == walked(0)
    assert first != walked(1)
    assert np.mean([abs(p["learning_rate"] - 0.8) for p, _ in first[10:]]) < 0.25


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("learning_rat = [1, 2]", "unknown key learning_rat; use optimizer"),
        ("learning_rate = 3", "learning_rate must be a list"),
        ("learning_rate = [0.01, 0.001]", "two numbers, the lower one first"),
        ("learning_rate = [0.0, 0.001]", "above 0, for its logarithmic scale"),
        ("weight_decay = [0.1, 1e9]", "weight_decay must be 0 to 1000"),
        ("batch_size = [8.5]", "values of one type"),
        ("batch_size = [0, 8]", "batch_size must be above 0, not 0"),
        ('optimizer = ["adam"]', "optimizer must be among sgd, adamw, muon"),
        ("augmentation_scale = [0.0, 1.0]", "scale must be two shares"),
        ("color_jitter = [0.0, 1.5]", "color_jitter must be 0 to 1"),
        ("", "names nothing to search"),
    ],
)  # fmt: skip
def test_a_wrong_space_is_one_clear_line(tmp_path, text, message):
    """It names file and key."""
    path = tmp_path / "space.toml"
    path.write_text(text)

    with pytest.raises(RunError, match=r"space\.toml") as caught:
        read_space(path, DEFAULT)
    assert message in str(caught.value)


def test_a_space_can_be_narrowed(tmp_path):
    """By a file, and by names; a name that is not there is refused."""
    path = tmp_path / "space.toml"
    path.write_text('learning_rate = [1e-4, 1e-2]\nbatch_size = [8, 16]\noptimizer = ["sgd"]\n')
    space = read_space(path, DEFAULT)

    assert list(space) == ["learning_rate", "batch_size", "optimizer"]
    assert space["learning_rate"].value(1.0, "sgd") == 0.01
    with pytest.raises(RunError, match="--only: no 'warm' in the space; use learning_rate"):
        only(space, ["warm"])


def test_without_optuna_one_line_says_how_to_get_it(images, tmp_path, monkeypatch):
    """Before anything is trained."""
    imported = builtins.__import__

    def lacking(name, *arguments, **options):
        if name == "optuna":
            raise ImportError(name)
        return imported(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", lacking)
    with pytest.raises(RunError, match=r"not installed: pip install 'zoo-bench\[tune\]'"):
        search(_asked(images, tmp_path / "runs"), _quiet, shown=False)
    assert not (tmp_path / "runs").exists()


def test_a_recipe_file_is_no_beginning(images):
    """A search begins with a recipe that has a name."""
    with pytest.raises(RunError, match="not from a file"):
        searching.base_of(Request(models=("lenet5",), data=images, recipe="./recipe.toml"))


def test_the_command_writes_a_recipe_that_bench_takes(images, tmp_path, zoo, monkeypatch):
    """`zoo tune --out`, then `zoo bench --recipe`; the table says what its figures are not."""
    monkeypatch.chdir(tmp_path)
    small = ["-m", "lenet5", "--data", images, "--epochs", 1, "--no-isolate"]
    code, out, err = zoo("tune", *small, "--trials", 2, "--split", "kfold:2", "--only",
                         "batch_size", "--take-best")  # fmt: skip
    assert code == 0, err
    assert "is no test accuracy" in " ".join(out.split())
    assert "Recipe: recipe.toml" in err
    assert "--resume" not in err  # the search is gone on with, not a run of it

    code, out, err = zoo("bench", *small, "--recipe", "./recipe.toml")
    assert code == 0, err
    assert "chosen among 2 configurations" in " ".join(out.split())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "which models?"),
        (["lenet5", "--budget", "soon"], "--budget takes seconds (60s), minutes (5m)"),
        (["lenet5", "--within", "kfold:3"], "--within takes a split with one training part"),
        (["lenet5", "--out", "recipe.txt"], "--out must end in .toml"),
        (["lenet5", "--only", "depth"], "--only: no 'depth' in the space"),
        (["lenet5", "--recipe", "defalt"], "unknown recipe 'defalt'"),
    ],
)
def test_a_wrong_command_is_one_clear_line(zoo, arguments, message):
    """It trains nothing."""
    code, _, err = zoo("tune", *arguments)

    assert code == 2
    assert message in err


def test_the_first_of_equals_is_the_best():
    """What was there before is not given up for what is no better."""
    tried = [_made(1, _right(0.5)), _made(2, _right(0.6)), _made(3, _right(0.6))]

    assert choose(tried, take_best=True).best.number == 2


def test_the_p_of_the_best_is_multiplied_by_those_compared():
    """Holm's first step: the best of ten has ten times the p that it would have alone."""
    first, best = _made(1, _right(0.6)), _made(2, _right(0.625))
    others = [_made(number, _right(0.6)) for number in range(3, 12)]
    alone = choose([first, best], take_best=False).p

    assert 0 < alone < 0.1
    assert choose([first, best, *others], take_best=False).p == pytest.approx(10 * alone)


def test_images_that_were_changed_end_a_search():
    """Accuracies on other images can't be set beside each other."""
    runs = [
        SimpleNamespace(
            about={"split": {"fingerprint": each}}, results=SimpleNamespace(folder=Path("s/1"))
        )
        for each in "aab"
    ]
    require_same_images(runs[:2])

    with pytest.raises(RunError, match="the images have changed since s started"):
        require_same_images(runs)


def test_configurations_stand_the_best_first():
    """Of equals the first; those that failed last."""
    tried = (_made(1, _right(0.5)), _made(2, None), _made(3, _right(0.6)), _made(4, _right(0.5)))

    assert [each.number for each in sort_configurations(tried)] == [3, 1, 4, 2]
