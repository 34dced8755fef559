from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import recompute
from made_answers import WORLDS, made
from simulations import false_verdicts, naive_verdicts
from statsmodels.stats.multitest import multipletests

from bench.analysis.predictions import answers_of
from bench.analysis.sequential import look
from bench.analysis.stats.interval import accuracy_interval
from bench.analysis.verdict import groups, most_relevant, sentence, verdicts
from bench.report.run_files import predictions
from bench.system.display import points
from bench.training.evaluation import Evaluation
from registry.errors import IncomparableError


def _world(models=2, seeds=10, images=98, apart=0.0, seed=1, world="even"):
    differences = np.linspace(apart, 0, models)
    correct = WORLDS[world].correct(np.random.default_rng(seed), models, seeds, images, differences)
    names = ["alexnet", "lenet", "vgg11", "lenet5"][:models] if models <= 4 else range(models)
    return {
        str(name): made(each, name=str(name)) for name, each in zip(names, correct, strict=True)
    }


def test_a_clear_winner_is_better():
    """Twenty points over ten seeds: the sentence has difference, interval, seeds, images."""
    (verdict,) = verdicts(_world(apart=0.2))

    assert verdict.kind == "better"
    assert re.fullmatch(
        r"alexnet is better than lenet: \+\d+\.\d points \(95 %: \+\d+\.\d to \+\d+\.\d\), "
        r"10 seeds, 98 images",
        sentence(verdict),
    )


def test_no_difference_is_not_told():
    """The sentence says what would have shown instead."""
    (verdict,) = verdicts(_world())

    assert verdict.kind == "level"
    assert re.search(
        r"show no clear difference: .*, 10 seeds, 98 images; "
        r"a difference under [\d.]+ points would not show on so few$",
        sentence(verdict),
    )


def test_a_run_that_can_show_next_to_nothing_says_so():
    """A difference under 100 points is every difference."""
    (verdict,) = verdicts(_world(seeds=2, images=20))

    assert sentence(replace(verdict, pairs=190, p=1.0)).endswith(
        "; even 50 points would not show on so few"
    )


def test_one_seed_only_describes():
    """Thirty-five points of one seed are still no verdict; the interval is that over images."""
    (verdict,) = verdicts(_world(seeds=1, apart=0.35, images=500))

    assert verdict.kind == "descriptive"
    assert "alexnet and lenet: +" in sentence(verdict)
    assert sentence(verdict).endswith(
        ", 1 seed, 500 images: one seed tells of these networks only; "
        "the interval leaves other seeds out"
    )
    assert verdict.found.low > 0.2


@pytest.mark.parametrize("seeds", [2, 3])
def test_few_seeds_have_a_verdict_where_the_difference_is_large(seeds):
    """Twenty-five points with two seeds are more than two seeds of one model ever differ by."""
    (verdict,) = verdicts(_world(seeds=seeds, apart=0.25, images=500))

    assert verdict.kind == "better"


@pytest.mark.parametrize(
    ("ending", "kind", "why"),
    [
        ("same", "same", "alexnet and lenet are the same for practical purposes: "),
        ("images", "level", "; test images, not seeds, are the limit"),
        ("open", "level", "; a difference under "),
        ("better", "better", "alexnet is better than lenet: "),
    ],
)
def test_looks_decide_where_there_are_any(ending, kind, why):
    """Whatever the test of all seeds at once says."""
    (plain,) = verdicts(_world())
    ended = replace(plain, ending=ending)

    assert (plain.kind, ended.kind) == ("level", kind)
    assert why in sentence(ended)


def test_a_difference_that_one_look_would_find_is_not_enough():
    """Each of the three looks has a third of the five percent."""
    (plain,) = verdicts(_world(apart=0.2))
    ended = replace(plain, ending="open")

    assert plain.kind == "better"
    assert sentence(ended).endswith("; not enough for one of three looks")
    assert ended.bounds[0] < plain.bounds[0]
    assert " (98.3 %: +" in sentence(ended)


def test_the_same_are_within_the_interval_that_says_so():
    """A look with three seeds judges by the prior; a plain interval would contradict it."""
    (plain,) = verdicts(_world(seeds=3))
    room = 1.001 * max(map(abs, replace(plain, ending="same").bounds))
    (told,) = look(_world(seeds=3), 1, same_within=room).endings.values()
    (less,) = look(_world(seeds=3), 1, same_within=room / 1.01).endings.values()

    assert told == "same"
    assert less != "same"


def test_a_pair_among_many_has_the_interval_that_all_need():
    """Its own excludes 0; that for all pairs at once, of which some differ by chance, does not."""
    (plain,) = verdicts(_world(seeds=4, apart=0.1))
    among = replace(plain, pairs=190, p=1.0)
    low, high = among.found.bounds(0.05 / 190)

    assert plain.found.low > 0 > low
    assert sentence(among).endswith(
        f"; not clear among 190 pairs, some of which differ by chance: {points(low)} to "
        f"{points(high)} for all at once"
    )


def test_the_more_accurate_stands_first():
    """In whatever order they are given."""
    models = dict(reversed(_world(apart=0.2).items()))
    (verdict,) = verdicts(models)

    assert (verdict.first, verdict.second) == ("alexnet", "lenet")
    assert verdict.found.difference > 0


def test_groups_follow_the_verdicts():
    """Best and worst share no letter; of equals all do."""
    apart = _world(models=3, apart=0.3)
    letters = groups(apart, verdicts(apart))

    assert not set(letters["alexnet"]) & set(letters["vgg11"])
    assert set(groups(_world(models=3), verdicts(_world(models=3))).values()) == {"a"}


def test_many_models_are_told_beside_the_best():
    """Twelve models are 66 pairs, which all count; eleven are read."""
    models = _world(models=12, seeds=12)
    found = verdicts(models)

    assert (len(found), found[0].pairs, len(most_relevant(list(models), found))) == (66, 66, 11)


def test_seeds_of_one_model_alone_count_too():
    """Nothing is paired by seed, so a model may lack some, or have others."""
    models = _world(seeds=8)
    models["lenet"] = replace(models["lenet"], seeds=tuple(range(20, 28)))
    (others,) = verdicts(models)
    models["lenet"] = models["lenet"].only(range(20, 25))
    (fewer,) = verdicts(models)

    assert others.found == verdicts(_world(seeds=8))[0].found
    assert fewer.found.seeds == 5
    assert sorted(fewer.found.seeds_of_both) == [5, 8]
    assert re.search(", (5 and 8|8 and 5) seeds, ", sentence(fewer))


def test_other_photographs_are_refused():
    """Another image, another order, another label, another number: each is named."""
    one, other = _world().values()
    turned = (other.images[1], other.images[0], *other.images[2:])
    labels = other.labels.copy()
    labels[3] = 1 - labels[3]
    shorter = made(other.correct[:, :90], name="lenet")

    for liar, match in (
        (replace(other, images=turned), "image 1 is '0.jpg' for the first, '1.jpg' for the second"),
        (replace(other, labels=labels), "different labels for '3.jpg'"),
        (shorter, "they have 98 and 90 test images"),
    ):
        pair = {"alexnet": replace(one, model="alexnet"), "lenet": replace(liar, model="lenet")}
        with pytest.raises(IncomparableError, match=re.escape(match).replace("98", r"\d+")
                           .replace("90", r"\d+")):  # fmt: skip
            verdicts(pair)


def test_seeds_of_one_model_must_agree_on_the_labels():
    """Else one of them was not tested on what is said."""
    first = Evaluation(labels=np.array([0, 1]), probabilities=np.eye(2), loss=0.0, accuracy=1.0)
    liar = replace(first, labels=np.array([0, 0]))

    assert answers_of("lenet", ["a", "b"], {0: first, 1: first}).correct.all()
    with pytest.raises(IncomparableError, match="different labels for 'b'"):
        answers_of("lenet", ["a", "b"], {0: first, 1: liar})
    with pytest.raises(IncomparableError, match="has 2 predictions for 3 images"):
        answers_of("lenet", ["a", "b", "c"], {0: first})


@pytest.mark.parametrize(("models", "seeds"), [(2, 2), (2, 3), (3, 6)])
def test_no_difference_is_seldom_called_one(models, seeds):
    """Of equally good models, one is called better in 5 % of experiments at most."""
    found = false_verdicts(WORLDS["even"], models, seeds, 98, 200, np.random.default_rng(7))

    assert found.within(0, 0.05)


def test_pooled_seeds_call_it_one_far_too_often():
    """The liar: McNemar's test over all seeds' answers, as if they were new images."""
    found = naive_verdicts(WORLDS["hard images"], 3, 7, 98, 100, np.random.default_rng(7))

    assert found.share > 0.3


@pytest.fixture
def run_folder(tmp_path):
    """A run folder's predictions of three models, and the same as answers."""
    models = _world(models=3, seeds=7, apart=0.2, seed=4)
    for name, answers in models.items():
        for place, seed in enumerate(answers.seeds):
            test = Evaluation(
                labels=answers.labels,
                probabilities=answers.probabilities[place],
                loss=0.0,
                accuracy=0.0,
            )
            path = tmp_path / name / f"seed-{seed}" / "predictions.csv"
            path.parent.mkdir(parents=True)
            predictions(answers.images, ("cat", "dog"), test).to_csv(path, index=False)
    return tmp_path, models


def test_an_independent_script_finds_the_same(run_folder):
    """Accuracy, intervals and p, from the files alone, by other formulas: to 6 digits."""
    folder, models = run_folder
    tables = {name: recompute.rights(model, sorted(model))
              for name, model in recompute.read(folder).items()}  # fmt: skip

    for name, answers in models.items():
        expected = (answers.correct.mean(), *accuracy_interval(answers.correct))
        assert recompute.accuracy(tables[name]) == pytest.approx(expected, abs=1e-7)
    for verdict in verdicts(models):
        found = verdict.found
        expected = (found.difference, found.low, found.high, found.p)
        again = recompute.comparison(tables[verdict.first], tables[verdict.second])
        assert again == pytest.approx(expected, abs=1e-6)


def test_the_script_prints_the_figures_of_the_sentence(run_folder):
    """Run by itself, it ends with the same words; on altered files it does not."""
    folder, models = run_folder
    script = Path(recompute.__file__)
    done = subprocess.run([sys.executable, script, folder], capture_output=True, text=True)

    for verdict in verdicts(models):
        figures = re.search(r"\+[\d.]+ points \(.*?\)", sentence(verdict)).group()
        assert f"{verdict.first} - {verdict.second}: {figures}" in done.stdout

    path = folder / "lenet" / "seed-0" / "predictions.csv"
    path.write_text(path.read_text().replace("7.jpg", "other.jpg", 1))
    liar = subprocess.run([sys.executable, script, folder], capture_output=True, text=True)

    assert "alexnet and lenet, seed 0: not the same photographs" in liar.stderr


def test_each_p_is_corrected_for_all_pairs():
    """By Holm's steps over all pairs, whichever are read."""
    found = verdicts(_world(models=4, seeds=9, apart=0.1))
    raw = [each.found.p for each in found]

    assert [each.p for each in found] == pytest.approx(multipletests(raw, method="holm")[1])
    assert max(each.p / p for each, p in zip(found, raw, strict=True)) > 3
