from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from pathlib import Path

import pytest
from made_runs import altered, correct, make_run, with_loss

import bench
from bench.runs.stored_runs import read_run
from bench.training.recipe import DEFAULT, TEXTBOOK
from registry.errors import IncomparableError, RunError

EACH = ("accuracy", "time", "parameters")


@pytest.fixture(autouse=True)
def _no_tables(monkeypatch):
    """Let the table of each run be left out, which a comparison does not need: half of the time."""
    monkeypatch.setattr("bench.analysis.results.comparison", lambda *arguments: None)


@pytest.fixture
def models():
    """The answers of two models, six seeds, 300 images."""
    return {"lenet": correct(seed=1), "alexnet": correct(seed=2, accuracy=0.7)}


@pytest.fixture
def base(tmp_path, models):
    """A run of both."""
    return make_run(tmp_path / "runs" / "0001-base", models)


@pytest.fixture
def zoo(zoo, tmp_path):
    """Run `zoo compare` in the test's runs folder; return exit code, stdout, stderr."""

    def run(*arguments: object, width: int = 160) -> tuple[int, str, str]:
        return zoo("compare", *arguments, "--runs-dir", tmp_path / "runs", width=width)

    return run


def _new(base: Path, change=lambda result: result, name="0002-new") -> Path:
    return altered(base, base.parent / name, change)


def _noted(**changes):
    """Return a change of every record."""
    return lambda result: replace(result, record=replace(result.record, **changes))


def _change(base, new, model="lenet"):
    found = bench.compare(base, new)
    return next(each for each in found.changes if each.model == model)


def test_a_run_beside_itself_has_not_changed(base, zoo):
    """Exit 0 for every kind, and no division by zero in what is said."""
    code, out, err = zoo(1, 1, "--fail-on", "accuracy,time,parameters")

    assert (code, err) == (0, "")
    assert out.splitlines()[-1] == "✓ nothing changed"
    assert _change(base, base).accuracy.kind == "same"
    assert "nan" not in out


def test_a_repeated_run_has_not_changed(base, zoo):
    """The same answers are no change; nobody can tell of times that were not taken in turn."""
    _new(base, lambda r: _noted(train_seconds=r.record.train_seconds * 1.05)(r))

    assert zoo(1, 2, "--fail-on", "accuracy")[0] == 0
    assert zoo(1, 2, "--fail-on", "time")[0] == 5
    assert "nothing changed" in zoo(1, 2)[1]


@pytest.mark.parametrize("seeds", [6, 3, 2])
def test_a_planted_loss_is_a_regression(tmp_path, zoo, seeds):
    """Twenty points of one of two models: exit 3, and only that model is named."""
    models = {name: correct(seed=n, seeds=seeds) for n, name in enumerate(("lenet", "alexnet"))}
    base = make_run(tmp_path / "runs" / "0001-base", models)
    _new(base, with_loss(0.2, "lenet"))
    code, out, _ = zoo(1, 2, "--fail-on", "accuracy")

    assert code == 3
    assert out.splitlines()[-1] == "✗ NEW is worse: lenet is less accurate"
    assert zoo(1, 2)[0] == 0
    assert zoo(2, 1, "--fail-on", "accuracy")[0] == 0
    assert zoo(1, 2, "--fail-on", "time,parameters")[0] == 0


def test_a_loss_is_told_with_its_interval(base, zoo):
    """Accuracies before and after, points, interval, p, and the word."""
    _new(base, with_loss(0.15, "lenet"))
    told = json.loads(zoo(1, 2, "--json")[1])
    (sentence, *_) = told["models"][0]["sentences"]
    found = told["models"][0]["accuracy"]["found"]

    assert sentence.startswith("lenet: ")
    assert " %, -15.0 points (95 %: -" in sentence
    assert sentence.endswith("p < 0.001: worse")
    assert found["difference"] == pytest.approx(-0.15)
    assert found["low"] < found["difference"] < found["high"] < 0


def test_a_small_loss_is_not_told_from_chance(tmp_path, zoo):
    """Two networks equally good: what differs may be chance, and what would have shown is said."""
    make_run(tmp_path / "runs" / "0001-a", {"lenet": correct(seed=3)})
    make_run(tmp_path / "runs" / "0002-b", {"lenet": correct(seed=4)})
    code, out, _ = zoo(1, 2, "--fail-on", "accuracy", "--json")
    told = json.loads(out)

    assert code == 5
    assert told["models"][0]["accuracy"]["kind"] == "level"
    assert told["models"][0]["accuracy"]["ending"] == "unknown"
    assert re.search(
        r"may be chance; a loss under [\d.]+ points would not show$",
        told["models"][0]["sentences"][0],
    )
    words = "no verdict: cannot tell whether lenet lost more than 2 points of accuracy"
    assert told["verdict"] == f"✗ {words}"


def test_a_wide_tolerance_is_kept(tmp_path, zoo):
    """Two networks equally good are not worse by more than fifteen points: that can be told."""
    make_run(tmp_path / "runs" / "0001-a", {"lenet": correct(seed=3)})
    make_run(tmp_path / "runs" / "0002-b", {"lenet": correct(seed=4)})
    code, out, _ = zoo(1, 2, "--fail-on", "accuracy", "--tolerance", 15)

    assert code == 0
    assert "✓ not worse" in out


def test_one_seed_says_what_it_rests_on(tmp_path, zoo):
    """Other photographs only; the same is not said of six seeds."""
    base = make_run(tmp_path / "runs" / "0001-one", {"lenet": correct(seeds=1)})
    _new(base, with_loss(0.15))
    six = make_run(tmp_path / "runs" / "0003-six", {"lenet": correct(seeds=6)})
    _new(six, with_loss(0.15), name="0004-six")
    words = "another seed may differ by more"

    assert words in zoo(1, 2)[1]
    assert words not in zoo(3, 4)[1]


@pytest.mark.parametrize(("loss", "code"), [(0.15, 5), (0.5, 3)])
def test_one_seed_shows_only_what_no_seed_would_make(tmp_path, zoo, loss, code):
    """Fifteen points may be the seed's luck, so nobody can tell; half of the images are none."""
    base = make_run(tmp_path / "runs" / "0001-one", {"lenet": correct(seeds=1)})
    _new(base, with_loss(loss))

    assert zoo(1, 2, "--fail-on", "accuracy")[0] == code


def test_a_tolerated_loss_is_no_regression(base, zoo):
    """It is still told; a larger one is a regression, and near the tolerance nobody can tell."""
    _new(base, with_loss(0.15, "lenet"))

    assert zoo(1, 2, "--fail-on", "accuracy", "--tolerance", 30)[0] == 0
    assert "lenet is less accurate (tolerated)" in zoo(1, 2, "--tolerance", 30)[1]
    assert zoo(1, 2, "--fail-on", "accuracy", "--tolerance", 16)[0] == 5
    assert zoo(1, 2, "--fail-on", "accuracy", "--tolerance", 14)[0] == 3


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"split_fingerprint": "1" * 64}, "different images or a different split"),
        ({"recipe": TEXTBOOK}, "a different recipe: name textbook instead of default"),
        (
            {"recipe": replace(DEFAULT, epochs=None, seconds=60.0)},
            "a different recipe: 60 s instead of 10 epochs",
        ),
    ],
)
def test_other_data_or_recipe_is_refused(tmp_path, base, models, zoo, changed, reason):
    """Exit 5, and one line on stderr says why; nothing is computed."""
    make_run(tmp_path / "runs" / "0002-other", models, **changed)
    code, out, err = zoo(1, 2)

    assert (code, out) == (5, "")
    assert "cannot compare " in err
    assert ": NEW has " in err
    assert reason in err
    with pytest.raises(IncomparableError, match=reason):
        bench.compare(base, base.parent / "0002-other")


@pytest.mark.parametrize("width", [100, 110, 114, 150])
def test_names_are_whole_at_any_width(base, zoo, width):
    """Columns for a wide terminal stand back where a name would be cut short for them."""
    _new(base, with_loss(0.15))
    seconds = {"lenet": [1234.5] * 6, "alexnet": [1234.5] * 6}
    make_run(base.parent / "0003-slow", {"lenet": correct(), "alexnet": correct()}, seconds=seconds)

    assert "alexnet  " in zoo(1, 2, width=width)[1]
    assert "alexnet  " in zoo(1, 3, width=width)[1]


def test_recipes_are_compared_where_that_is_asked(tmp_path, base, models, zoo):
    """What was refused is the question then; what differs is told, and other images are refused."""
    make_run(tmp_path / "runs" / "0002-other", models, recipe=TEXTBOOK)
    make_run(tmp_path / "runs" / "0003-more", models, recipe=TEXTBOOK, split_fingerprint="1" * 64)
    code, out, _ = zoo(1, 2, "--across-recipes")

    assert code == 0
    assert "NEW has a different recipe: name textbook instead of default" in " ".join(out.split())
    assert "different setup" not in out
    assert bench.compare(base, base.parent / "0002-other", across_recipes=True).changes[0].accuracy
    assert zoo(1, 3, "--across-recipes")[0] == 5


def test_other_images_of_one_name_are_refused(tmp_path, base):
    """The fingerprint is not believed alone: the number of answers must agree, too."""
    fewer = {"lenet": correct(images=200)}
    liar = make_run(tmp_path / "runs" / "liar", fewer)

    with pytest.raises(IncomparableError, match="cannot compare lenet in BASE and lenet in NEW"):
        bench.compare(base, liar)


def test_no_model_in_both_is_refused(tmp_path, base, zoo):
    """Exit 5; both lists are told."""
    make_run(tmp_path / "runs" / "0002-other", {"vgg11": correct()})
    code, _, err = zoo(1, 2)

    assert code == 5
    assert "no shared model: BASE has lenet, alexnet, NEW has vgg11" in err


def test_models_of_one_run_are_listed(tmp_path, base, models, zoo):
    """They are no regression, whichever run has them."""
    make_run(tmp_path / "runs" / "0002-x", {"lenet": models["lenet"], "vgg11": correct(seed=9)})
    code, out, _ = zoo(1, 2, "--fail-on", ",".join(EACH))

    assert code == 0
    assert "only in BASE: alexnet\nonly in NEW: vgg11" in out


@pytest.mark.parametrize("kind", EACH)
def test_a_model_that_failed_is_a_regression_of_every_kind(base, zoo, kind):
    """One seed is enough; its reason is told."""

    def killed(result):
        if (result.record.model, result.record.spec.seed) != ("alexnet", 3):
            return result
        record = replace(result.record, status="killed", phase="train", error="by signal 9")
        return replace(result, record=record, test=None)

    _new(base, killed)
    code, out, _ = zoo(1, 2, "--fail-on", kind)

    assert code == 3
    assert "alexnet: failed in NEW but not in BASE: seed 3 killed (train): by signal 9" in out
    assert zoo(1, 2)[0] == 0
    assert zoo(2, 2, "--fail-on", kind)[0] == 0


def test_a_model_that_works_again_is_told(base, zoo):
    """It failed in BASE, so there is nothing to be worse than."""

    def failed(result):
        record = replace(result.record, status="failed", error="KeyError")
        return replace(result, record=record, test=None) if record.model == "lenet" else result

    _new(base, failed)

    assert zoo(2, 1, "--fail-on", "accuracy")[0] == 0
    assert "lenet has predictions again" in zoo(2, 1)[1]
    assert zoo(1, 2, "--fail-on", "accuracy")[0] == 3
    assert zoo(2, 2, "--fail-on", "accuracy")[0] == 5


def test_a_marked_row_is_not_compared(base, zoo):
    """Half the batch is no comparison: the mark is told, and a question about it is not answered.

    The other model is compared all the same.
    """
    mark = "batch size 16 instead of 32"
    _new(base, lambda r: _noted(marks=(mark,))(r) if r.record.model == "lenet" else r)
    code, out, _ = zoo(1, 2, "--fail-on", "accuracy")

    assert code == 5
    assert f"lenet: accuracy and time not compared: marked in NEW: {mark}" in out
    assert _change(base, base.parent / "0002-new", "alexnet").accuracy.kind == "same"
    assert zoo(1, 2)[0] == 0


def test_seeds_that_differ_are_not_paired(tmp_path, base, models, zoo):
    """Only those of both count; where there are none that is told."""
    make_run(tmp_path / "runs" / "0002-half", models, seeds=range(3, 9))
    make_run(tmp_path / "runs" / "0003-others", models, seeds=range(10, 16))
    code, out, _ = zoo(1, 3, "--fail-on", "accuracy")

    assert _change(base, base.parent / "0002-half").accuracy.found.seeds == 3
    assert code == 5
    assert "no shared seed: BASE has 0, 1, 2, 3, 4, 5, NEW has 10, 11" in out


def test_an_unfinished_run_says_so(base, zoo):
    """What there is is compared; a model that has not been begun answers nothing."""
    _new(base, lambda r: None if r.record.spec.seed > 3 or r.record.model == "alexnet" else r)
    code, out, _ = zoo(1, 2, "--fail-on", "accuracy")

    assert code == 5
    assert "NEW is unfinished: 8 trials left\n" in out
    assert "alexnet: accuracy not compared: no predictions in NEW" in out
    assert _change(base, base.parent / "0002-new").accuracy.found.seeds == 4


def test_a_run_without_any_record_is_told(base, zoo):
    """It was ended before its first trial was: nothing can be said, and nothing falls over."""
    _new(base, lambda result: None)
    code, out, _ = zoo(1, 2, "--fail-on", "accuracy")

    assert code == 5
    assert "no verdict: no accuracy could be compared" in out


def test_more_parameters_are_a_regression(base, zoo):
    """One more is enough; fewer are told as a change."""
    _new(base, _noted(parameters=1001))

    assert zoo(1, 2, "--fail-on", "parameters")[0] == 3
    assert zoo(1, 2, "--fail-on", "accuracy,time")[0] == 0
    assert zoo(2, 1, "--fail-on", "parameters")[0] == 0
    assert "lenet is smaller" in zoo(2, 1)[1]


def test_a_usage_error_is_one_line(base, zoo):
    """An unknown kind, an empty list, a run that is not there: exit 2."""
    for arguments, words in (
        ((1, 1, "--fail-on", "speed"), "'speed': use one of accuracy, time, parameters"),
        ((1, 1, "--fail-on", ","), "takes one or more of accuracy, time, parameters"),
        ((1, 7), "no run '7' here or in"),
    ):
        code, out, err = zoo(*arguments)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert words in err


def test_the_python_function_takes_results_too(base):
    """And what it gives knows its regressions and refuses an unknown kind."""
    new = _new(base, with_loss(0.15, "lenet"))
    found = bench.compare(read_run(str(base), base.parent), new)

    assert found.regressions() == {"lenet": ("accuracy",)}
    assert found.exit_code(["accuracy"]) == 3
    with pytest.raises(RunError, match="unknown --fail-on 'speed'"):
        found.exit_code(["speed"])


def test_json_is_all_of_it(base, zoo):
    """Kinds, figures, sentences, the verdict and the exit code, in JSON's own values."""
    _new(base, with_loss(0.15, "lenet"))
    code, out, _ = zoo(1, 2, "--json", "--fail-on", "accuracy", "--fail-on", "time")
    told = json.loads(out)

    assert (code, told["exit_code"], told["fail_on"]) == (3, 3, ["accuracy", "time"])
    assert told["regressions"] == {"lenet": ["accuracy"]}
    assert told["models"][1]["accuracy"]["kind"] == "same"
    assert told["models"][0]["time"]["ratio"] == 1


@pytest.mark.parametrize("width", [80, 160])
def test_the_table_fits(tmp_path, zoo, width):
    """No line is longer than the terminal, no figure is cut, the names give way."""
    models = {"timm:a_rather_long_name_of_a_network.in1k": correct(seed=1), "lenet": correct()}
    base = make_run(tmp_path / "runs" / "0001-base", models)
    _new(base, lambda r: _noted(parameters=46_038_242)(with_loss(0.155)(r)))
    _, out, _ = zoo(1, 2, width=width)
    rows = [line for line in out.splitlines() if "→" in line]

    assert len(rows) == 2
    assert all(len(line) <= width for line in out.splitlines())
    assert all("✗ worse" in row and "✗ +46,037,242" in row for row in rows)
    assert "…" not in rows[1]
    assert math.isclose(float(rows[1].split("%")[1].split()[0]), -15.3, abs_tol=0.21)
