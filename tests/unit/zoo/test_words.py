from __future__ import annotations

import pytest
from made_records import made_record, made_results, untested_results
from made_verdicts import NAMES, made_standings

from bench.report.page.figure import labels
from bench.report.page.words import headline, notes


@pytest.mark.parametrize(
    ("endings", "told"),
    [
        (">>=", "alexnet is the best."),
        ("=>>", "No clear winner: alexnet and lenet tie."),
        ("=>=", "No clear winner: alexnet and lenet tie."),
        ("===", "No clear winner: alexnet, lenet and vgg11 tie."),
        ("???", "No verdict: too few seeds to test."),
        (">?=", "No clear winner: not each pair of alexnet and vgg11 was tested."),
        ("<>=", "No clear winner: lenet is not clearly better than each other model."),
        ("><>", "No clear winner: another model beats each of them."),
        ("   ", "No verdict: the models were not compared."),
    ],
)
def test_the_headline_says_who_is_the_best_as_far_as_that_is_known(endings, told):
    """Only who beats each other model is the best; else the reason says why nobody is."""
    assert made_standings(endings).headline() == told


def test_the_headline_has_short_names():
    """Those of the charts."""
    short = dict(zip(NAMES, "ABC", strict=True))

    assert made_standings(">>=").headline(short) == "A is the best."
    assert made_standings("===").headline(short) == "No clear winner: A, B and C tie."


def test_the_headline_names_who_was_not_compared():
    """A model that failed is not beaten."""
    results = made_results(failed=["vgg16"])

    told = "alexnet is the best of 2 compared models. vgg16 was not compared."
    assert headline(results, labels(results)) == told


def test_one_model_has_its_accuracy_for_a_headline():
    """In percent; there is nobody to be better than."""
    results = untested_results([made_record("lenet", accuracy=0.9125)])

    assert headline(results, {"lenet": "LeNet"}) == "LeNet has an accuracy of 91.2 %."


def test_one_trial_that_remains_is_singular():
    """Also if it is the only one."""
    results = untested_results([made_record("lenet", status="interrupted")])

    assert any(line.startswith("This run is unfinished: 1 of 1 trial remains.")
               for line in notes(results))  # fmt: skip
