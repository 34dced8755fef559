"""What learning curves say: gains, crossings, and when nothing can be said."""

from __future__ import annotations

import re

import numpy as np
import pytest

from bench.analysis.predictions import Predictions
from bench.followup.error_curve import LearningCurve, forecast

_SIZES = (50, 100, 200, 400)


def _predictions(model, right):
    """Return predictions that are right where `right` (S, N) says so."""
    seeds, images = right.shape
    labels = np.zeros(images, dtype=np.int64)
    probabilities = np.stack([right, ~right], axis=2).astype(np.float64)
    return Predictions(model=model, seeds=tuple(range(seeds)),
                       images=tuple(f"{n}.jpg" for n in range(images)), labels=labels,
                       probabilities=probabilities)  # fmt: skip


def _curve(model, errors, *, number=0, seeds=3, images=1000, sizes=_SIZES, marks=()):
    """Return a curve of answers with these `errors`."""
    generator = np.random.default_rng(number)
    answers = tuple(
        None if error is None
        else _predictions(model, generator.random((seeds, images)) >= error) for error in errors
    )  # fmt: skip
    return LearningCurve(model=model, sizes=sizes, answers=answers, marks=marks)


def _law(scale, exponent, limit=0.0, sizes=_SIZES):
    return [scale * size**-exponent + limit for size in sizes]


def test_a_known_law_is_said():
    """The gain and the accuracy with twice as many, in an interval of a few points."""
    (found,), crossings = forecast([_curve("net", _law(1.6, 0.4))])
    accuracy, low, high = found.accuracy

    assert found.refusal == ""
    assert found.gain[0] <= 1.6 * (400**-0.4 - 800**-0.4) <= found.gain[1]
    assert found.gain[1] - found.gain[0] < 0.05
    assert low <= 1 - 1.6 * 800**-0.4 <= high
    assert low < accuracy < high
    assert crossings == []


def test_a_crossing_is_found_where_it_is():
    """One learns fast from 0.5, the other is ahead with few images; they cross near 160."""
    slow, fast = (
        _curve("slow", _law(0.6, 0.15), images=2000),
        _curve("fast", _law(7.6, 0.65), number=1, images=2000),
    )
    _, (crossing,) = forecast([fast, slow])
    truth = (7.6 / 0.6) ** (1 / 0.5)

    assert (crossing.sooner, crossing.later, crossing.clear) == ("slow", "fast", True)
    assert crossing.bounds[0] <= truth <= crossing.bounds[1]
    assert crossing.size == pytest.approx(truth, rel=0.2)


def test_curves_that_only_approach_do_not_cross():
    """One stays ahead up to twice the largest size."""
    _, crossings = forecast(
        [_curve("one", _law(1.0, 0.35)), _curve("other", _law(2.0, 0.4), number=1)]
    )

    assert crossings == []


def test_a_crossing_by_chance_is_not_clear():
    """Two models with the same law differ in number alone."""
    found = [
        crossing
        for number in range(6)
        for crossing in forecast(
            [_curve("one", _law(1.6, 0.4), number=number),
             _curve("other", _law(1.6, 0.4), number=100 + number)]
        )[1]
    ]  # fmt: skip

    assert found
    assert not any(crossing.clear for crossing in found)


@pytest.mark.parametrize(
    ("curve", "why"),
    [
        (_curve("flat", [0.5] * 4), "does not rise clearly"),
        (_curve("noisy", _law(1.2, 0.35), images=24), "does not rise clearly|too noisy"),
        (_curve("late", [0.5, 0.5, 0.5, 0.2]), "follow no power law"),
        (_curve("few", _law(1.6, 0.4)[1:], sizes=_SIZES[1:]), "needs 4 sizes, and there are 3"),
        (_curve("failed", [None, 0.4, 0.3, 0.2]), "no result with 50"),
        (_curve("marked", _law(1.6, 0.4), marks=("batch size 8 instead of 16",)), "batch size 8"),
    ],
    ids=lambda each: getattr(each, "model", ""),
)
def test_what_cannot_be_said_is_refused_with_its_reason(curve, why):
    """And no figure is given."""
    (found,), _ = forecast([curve])

    assert re.search(why, found.refusal)
    assert found.gain == (0.0, 0.0)


def test_a_refused_model_hinders_no_other():
    """Neither one that failed nor one that is flat."""
    found, _ = forecast([_curve("failed", [None, 0.4, 0.3, 0.2]), _curve("flat", [0.5] * 4),
                         _curve("net", _law(1.6, 0.4))])  # fmt: skip

    assert [each.refusal == "" for each in found] == [False, False, True]
    assert [each.model for each in found] == ["failed", "flat", "net"]
