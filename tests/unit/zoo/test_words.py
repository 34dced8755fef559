from __future__ import annotations

from types import SimpleNamespace

import pandas as pd
import pytest

from bench.report.page.words import headline


def _results(groups, accuracies=(0.9, 0.8, 0.7), unfinished=0):
    names = ("alexnet", "lenet", "vgg11")[: len(accuracies)]
    frame = pd.DataFrame({"model": names, "test_accuracy": accuracies})
    letters = dict(zip(names, groups, strict=False))
    pairwise = SimpleNamespace(groups=letters, best=names[0])
    return SimpleNamespace(frame=frame, pairwise=pairwise, unfinished=unfinished), names


@pytest.mark.parametrize(
    ("groups", "told"),
    [
        (("a", "b", "b"), "alexnet is the best."),
        (("a", "a", "b"), "alexnet and lenet lead and show no clear difference."),
        (("a", "ab", "b"), "alexnet and lenet lead and show no clear difference."),
        (("a", "a", "a"), "alexnet, lenet and vgg11 show no clear difference."),
        ((), "alexnet leads, but there is no verdict yet."),
    ],
)
def test_the_headline_says_who_leads_as_far_as_that_is_known(groups, told):
    """The best alone where nobody shares its letter; else all that do."""
    results, names = _results(groups)

    assert headline(results, dict(zip(names, names, strict=True))) == told


def test_one_model_has_its_accuracy_for_a_headline():
    """In percent; there is nobody to be better than."""
    results, names = _results((), accuracies=(0.9125,))

    assert headline(results, {names[0]: "AlexNet"}) == "AlexNet has an accuracy of 91.2 %."
