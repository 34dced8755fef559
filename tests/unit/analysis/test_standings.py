from __future__ import annotations

import io
import math
import re
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from made_records import IMAGES, made_failure, made_record
from made_verdicts import made_standings, made_verdict
from rich.console import Console

from bench.analysis import column
from bench.analysis.frame import BASELINE
from bench.analysis.look_sizes import LOOKS
from bench.analysis.stats.metrics import Metrics
from bench.analysis.verdict import sentence
from bench.report.page.sections import table_section, verdict_section
from bench.report.run_files import comparison_as_json
from bench.report.table import as_markdown, render
from bench.runs.run_results import RunResults
from bench.training.evaluation import Evaluation

_ABOUT = {
    "title": "",
    "baseline": [IMAGES // 2, IMAGES],
    "split": {"test": [f"{place}.jpg" for place in range(IMAGES)]},
}
_BETTER = re.compile(r"(\w+) is better than (\w+):")


def _test(accuracy, generator):
    labels = np.arange(IMAGES) % 2
    right = generator.random(IMAGES) < accuracy
    probabilities = np.full((IMAGES, 2), 0.2, np.float32)
    probabilities[np.arange(IMAGES), np.where(right, labels, 1 - labels)] = 0.8
    share = float(right.mean())
    return Evaluation(labels=labels, probabilities=probabilities, loss=0.6, accuracy=share)


def _results(models, **about):
    """Return results of models, each a list of its seeds' accuracies, None for a failed seed."""
    records, tests = [], {}
    for place, (model, accuracies) in enumerate(models.items()):
        for seed, accuracy in enumerate(accuracies):
            if accuracy is None:
                records.append(made_failure(model, seed))
                continue
            test = _test(accuracy, np.random.default_rng([seed, place]))
            records.append(made_record(model, seed, test.accuracy))
            tests[model, seed] = test
    count = len(records)
    return RunResults.from_records(
        Path("runs/1"), _ABOUT | about, records, planned=count, tests=tests
    )


def _random_results(trial):
    """Return results of one to five models of up to twelve seeds, some failed, some with marks."""
    generator = np.random.default_rng(trial)
    seeds = int(generator.choice([1, 2, 3, 6, 9, 12]))
    apart = float(generator.choice([0.0, 0.1, 0.3]))
    models = {
        f"m{place}": [
            None
            if generator.random() < 0.4 * (place == 1 and trial % 2)
            else 0.95 - apart * place / 2
            for _ in range(seeds)
        ]
        for place in generator.permutation(int(generator.integers(1, 6)))
    }
    looks = {"until_clear": True, "seeds": [*range(seeds)], "same_within": 2.0}
    results = _results(models, **{"request": looks} if seeds in LOOKS and trial % 3 else {})
    if generator.random() < 0.8:
        return results
    records = [replace(each, marks=("x",) * (each.model == "m0")) for each in results.records]
    tests = {
        (model, seed): _test(0.9, np.random.default_rng(seed))
        for model, answers in results.pairwise.answers.items()
        for seed in answers.seeds
    }
    return RunResults.from_records(
        Path("runs/1"), _ABOUT, records, planned=len(records), tests=tests
    )


def _check_standings(told, better, tested):
    """Check that headline, letters and order do not contradict the endings of the pairs."""
    assert (told.winner is not None) == ("is the best" in told.headline())
    if told.winner:
        assert {(told.winner, m) for m in told.order if m != told.winner} <= better
    if told.ending == "tie":
        assert {frozenset(pair) for pair in combinations(told.leading, 2)} <= tested
    assert not {loser for _, loser in better} & {*told.leading}
    for one, other in combinations(told.groups, 2):
        differ = (one, other) in better or (other, one) in better
        assert frozenset((one, other)) in tested
        assert differ != bool({*told.groups[one]} & {*told.groups[other]})


def _winners(sentence):
    return re.findall(r"(m\d) is better than", sentence)


@pytest.fixture
def _quick(monkeypatch):
    """Leave out the figures that take long and say nothing of the standings."""
    unknown = SimpleNamespace(**dict.fromkeys(Metrics.__slots__, math.nan))
    monkeypatch.setattr(column, "metrics", lambda *_: unknown)


@pytest.mark.parametrize("trial", range(30))
@pytest.mark.usefixtures("_quick")
def test_no_two_texts_of_a_table_contradict_each_other(trial):
    """Headline, letters, sentences, order of the table, files and page say the same."""
    results = _random_results(trial)
    told, frame = results.pairwise.standings, results.frame.set_index("model")
    better = {(v.first, v.second) for v in results.verdicts if v.kind == "better"}
    tested = {frozenset((v.first, v.second)) for v in results.verdicts if v.kind != "descriptive"}
    page, rows = verdict_section(results), [*frame.index]
    texts = "\n".join(line["text"] for line in page["lines"])
    markdown = as_markdown(results.frame, "", results.pairwise.sentences)
    files = comparison_as_json(results)
    console = Console(file=io.StringIO(), width=1000)
    console.print(render(results.frame, "", 1000, results.pairwise.sentences))

    _check_standings(told, better, tested)
    assert page["headline"] == files["headline"] == told.headline()
    assert files["winner"] == told.winner
    assert [m for m in rows if frame.loc[m, "place"] == "best"] == [told.winner] * bool(told.winner)
    assert [m for m in rows if m in told.order] == [*told.order]
    for text in (texts, markdown, console.file.getvalue()):
        said = set(_BETTER.findall(text))
        assert said == better
        assert all(rows.index(one) < rows.index(other) for one, other in said)
    assert dict(frame["group"][frame["group"].fillna("") != ""]) == dict(told.groups)
    if results.outcome is not None:
        assert {*_winners(results.outcome.sentence)} <= {v[0] for v in better}
        assert bool(better) == (" is better than " in results.outcome.sentence)
    first = [
        row["cells"][0]["text"].split(" ")[0] for row in table_section(results)["table"]["rows"]
    ]
    assert first[:-1] == [m for m in rows if m != BASELINE]


@pytest.mark.parametrize("models", [2, 3, 5])
def test_no_pattern_of_endings_contradicts_the_headline(models):
    """Also one that no sensible test gives: circles, and gaps anywhere."""
    names = tuple("abcde"[:models])
    generator = np.random.default_rng(models)
    for _ in range(100):
        pairs = list(combinations(names, 2))
        endings = generator.choice([*"><=?"], len(pairs), p=[0.5, 0.1, 0.3, 0.1])
        found = [made_verdict(*pair, ending) for pair, ending in zip(pairs, endings, strict=True)]
        better = {(v.first, v.second) for v in found if v.kind == "better"}
        tested = {frozenset((v.first, v.second)) for v in found if v.kind != "descriptive"}

        _check_standings(made_standings(endings, names), better, tested)


def test_a_model_stands_below_the_one_that_beats_it():
    """Though it is more accurate, by seeds that the other lacks."""
    assert made_standings("<==").order == ("lenet", "alexnet", "vgg11")


def test_a_model_without_tested_pairs_has_no_letter():
    """A letter would say that it shows no clear difference."""
    assert dict(made_standings(">??").groups) == {"alexnet": "a", "lenet": "b"}


def test_untested_pairs_are_one_sentence():
    """Three models of one seed: no verdict, once, with the largest difference."""
    (told,) = _results({"a": [0.9], "b": [0.8], "c": [0.7]}).pairwise.sentences

    assert re.fullmatch(
        r"no verdict between any two of 3 models; a and c differ most: "
        r"\S+ points \(95 %: \S+ to \S+\), 1 seed, 92 images: "
        r"one seed tells of these networks only; the interval leaves other seeds out",
        told,
    )


def test_level_pairs_are_one_sentence():
    """Three equal models of seven seeds: no clear difference, once."""
    (told,) = _results(dict.fromkeys("abc", [0.9] * 7)).pairwise.sentences

    assert re.match(
        r"no clear difference between any two of 3 models; \w and \w differ most: \+", told
    )


def test_failed_seeds_are_named_in_the_sentence():
    """With how many of how many count."""
    results = _results({"alexnet": [0.9, None, 0.9], "lenet": [0.8, 0.8, 0.8]})

    assert results.pairwise.sentences[0].endswith("; alexnet: 2 of 3 seeds, seed 1 failed")


def test_several_failed_seeds_are_plural():
    """Each is named; one without predictions is another matter."""
    results = _results({"alexnet": [0.9, None, None], "lenet": [0.8, 0.8, 0.8]})

    assert ", 1 and 3 seeds, 92 " in results.pairwise.sentences[0]
    assert results.pairwise.sentences[0].endswith("; alexnet: 1 of 3 seeds, seeds 1 and 2 failed")


def test_failed_seeds_end_the_sentence_of_all_pairs():
    """After what the test lacks."""
    (told,) = _results({"a": [0.9, None], "b": [0.9], "c": [0.9]}).pairwise.sentences

    assert told.endswith("the interval leaves other seeds out; a: 1 of 2 seeds, seed 1 failed")


def test_a_headline_counts_many_models():
    """Their names would fill a page; the table has them."""
    results = _results(dict.fromkeys("abcd", [0.9] * 3))

    assert results.pairwise.standings.headline() == "No clear winner among 4 models."


def test_failed_seeds_are_told_once():
    """Not again in each sentence on the model; the verdict itself has them."""
    results = _results({"a": [0.95] * 7, "b": [0.6] * 7, "c": [0.6] * 7 + [None]})
    told = "c: 7 of 8 seeds, seed 7 failed"

    assert sum(told in line for line in results.pairwise.sentences) == 1
    assert sum(told in str(each) for each in results.verdicts) == 2


@pytest.mark.parametrize(("data", "noun"), [("synthetic", "drawings"), ("pets", "images")])
def test_images_have_the_noun_of_their_data(data, noun):
    """The built-in data are drawings; of others it is not known whether they are photographs."""
    told = _results({"a": [0.9], "b": [0.8]}, data=data).pairwise.sentences[0]

    assert f", 1 seed, 92 {noun}:" in told


def test_one_image_is_singular():
    """And so is one seed."""
    many = made_verdict("a", "b", ">")
    one = replace(many, found=replace(many.found, images=1), noun="drawing")

    assert sentence(one).endswith("6 seeds, 1 drawing")


def test_only_a_winner_is_the_best_in_the_table():
    """Of two that tie, the first is only the one that the other is measured from."""
    tie = as_markdown(_results(dict.fromkeys("ab", [0.9] * 6)).frame, "")
    won = as_markdown(_results({"a": [0.95] * 6, "b": [0.6] * 6}).frame, "")

    assert "| best |" not in tie
    assert "| first |" in tie
    assert "| best |" in won
