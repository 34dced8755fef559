from __future__ import annotations

from itertools import product
from statistics import fmean

import numpy as np
import pytest
from made_answers import WORLDS
from scipy.stats import permutation_test
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from bench.analysis.stats.paired import (
    holm,
    mcnemar_p,
    paired_difference,
    seeds_needed,
    sign_flip_p,
)

# Darwin's maize, crossed less self-fertilised, in eighths of an inch: Fisher 1935, section 21
DARWIN = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]


def test_sign_flips_agree_with_fisher():
    """Of Darwin's 2^15 ways, 1,726 have a sum as far from 0 as 314, says Fisher."""
    assert sign_flip_p(DARWIN) == 1726 / 2**15


@pytest.mark.parametrize("gains", [[3, 1, 2, 5, 1, 4], [3, -1, 0, 2], [0, 0], [7]])
def test_sign_flips_agree_with_all_ways_and_with_scipy(gains):
    """Counting sums is the same as trying all ways, ties and zeros included."""
    ways = [abs(sum(s * g for s, g in zip(signs, gains, strict=True)))
            for signs in product((1, -1), repeat=len(gains))]  # fmt: skip
    expected = fmean(way >= abs(sum(gains)) for way in ways)

    assert sign_flip_p(gains) == pytest.approx(expected)
    if len(gains) > 1:
        scipy = permutation_test((gains,), np.sum, permutation_type="samples", n_resamples=np.inf)
        assert sign_flip_p(gains) == pytest.approx(scipy.pvalue)


def test_sign_flips_of_many_seeds_are_exact_too():
    """Forty equal gains can only be beaten by none: 2 of 2^40 ways."""
    assert sign_flip_p([3] * 40) == pytest.approx(2 / 2**40)


def test_fewer_than_six_seeds_pass_nothing():
    """The smallest p of five seeds is 0.0625; of six 0.031; three pairs take seven."""
    assert sign_flip_p([9] * 5) == 0.0625
    assert sign_flip_p([9] * 6) == 0.03125
    assert [seeds_needed(pairs) for pairs in (1, 3, 6, 10, 45)] == [6, 7, 8, 9, 11]


@pytest.mark.parametrize(("first", "second"), [(0, 0), (1, 0), (9, 2), (25, 25), (12, 30)])
def test_mcnemar_agrees_with_statsmodels(first, second):
    """Exact p by the binomial distribution; without a discordant image it is 1."""
    table = [[50, first], [second, 20]]

    assert mcnemar_p(first, second) == pytest.approx(min(1, mcnemar(table, exact=True).pvalue))


@pytest.mark.parametrize("p", [[0.01, 0.04, 0.03, 0.005], [0.5], [0.04, 0.04], [0.9, 0.6, 0.01]])
def test_holm_agrees_with_statsmodels(p):
    """Step down, never falling, never above 1, in the order given."""
    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1])
    assert holm([]) == []


def test_a_difference_is_paired():
    """The same accuracies, once on the same images and once not: only pairing sees through."""
    base = np.tile(np.arange(98) < 60, (6, 1))
    same = base.copy()
    same[:, 60:66] = True  # right where the other is, and on six more
    apart = np.roll(same, 40, axis=1)
    close, wide = paired_difference(same, base), paired_difference(apart, base)

    assert close.difference == wide.difference == pytest.approx(6 / 98)
    assert close.low > 0 > wide.low
    assert close.seeds_p == wide.seeds_p == 0.03125


def test_names_do_not_matter():
    """The other way round, the difference has the other sign and the same p."""
    first, second = WORLDS["even"].correct(np.random.default_rng(5), 2, 6, 98)
    one, other = paired_difference(first, second), paired_difference(second, first)

    assert (one.low, one.high) == pytest.approx((-other.high, -other.low))
    assert (one.crossed_p, one.seeds_p) == pytest.approx((other.crossed_p, other.seeds_p))


def test_the_p_value_and_the_interval_agree():
    """At 1 - p, the interval just touches 0."""
    first, second = WORLDS["even"].correct(np.random.default_rng(8), 2, 6, 98, np.array([0.1, 0]))
    found = paired_difference(first, second)
    touching = paired_difference(first, second, confidence=1 - found.crossed_p)

    assert touching.low == pytest.approx(0, abs=1e-9)


def test_equal_answers_still_leave_a_doubt():
    """A model beside itself: 0, but not surely 0; its one image more or less is in the interval."""
    first = WORLDS["even"].correct(np.random.default_rng(5), 1, 6, 98)[0]
    found = paired_difference(first, first)

    assert (found.difference, found.seeds_p, found.mcnemar) == (0, 1, (1.0,) * 6)
    assert found.low < -1 / 98 < 1 / 98 < found.high


def test_one_image_tells_nothing():
    """The interval is all there is."""
    found = paired_difference(np.ones((2, 1), bool), np.zeros((2, 1), bool))

    assert (found.low, found.high) == (-1, 1)
