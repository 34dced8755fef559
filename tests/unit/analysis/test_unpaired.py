from __future__ import annotations

import numpy as np
import pytest
from made_answers import WORLDS
from made_worlds import WORLDS as MADE
from made_worlds import moments
from scipy.stats import norm, t, ttest_ind
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW
from world_simulations import compared, drifting_times, fixed

from bench.analysis.stats.spread import (
    Spread,
    exclude_zero,
    fold_factor,
    half_widths,
    p_values,
)
from bench.analysis.stats.unpaired import all_differences, unpaired_difference


def _spread(one, other, images=0.0, units=300.0):
    """Return what the difference of two models with these accuracies varies by."""
    both = [(float(len(each)), float(np.var(each, ddof=1))) for each in (one, other)]
    return Spread(
        seeds=tuple(np.array([count]) for count, _ in both),
        between=tuple(np.array([variance]) for _, variance in both),
        noise=(np.zeros(1), np.zeros(1)),
        images=np.array([images]),
        units=np.array([units]),
    )


@pytest.mark.parametrize("counts", [(3, 3), (3, 8), (6, 4), (12, 12)])
def test_seeds_alone_are_welchs_test(counts):
    """Where images add nothing, p and interval are those of SciPy and of statsmodels."""
    generator = np.random.default_rng(counts)
    one, other = (generator.normal(0.9, 0.02, count) for count in counts)
    gap, spread = np.array([one.mean() - other.mean()]), _spread(one, other)
    low, high = CompareMeans(DescrStatsW(one), DescrStatsW(other)).tconfint_diff(usevar="unequal")

    assert p_values(gap, spread)[0] == pytest.approx(ttest_ind(one, other, equal_var=False).pvalue)
    assert half_widths(spread)[0] == pytest.approx((high - low) / 2)


def test_images_alone_are_a_t_test():
    """Where seeds do not vary, it is the interval over images."""
    spread = _spread([0.9] * 3, [0.9] * 3, images=1e-4, units=50.0)

    assert half_widths(spread)[0] == pytest.approx(0.01 * t.ppf(0.975, 49))


@pytest.mark.parametrize("seeds", [1, 2, 3])
def test_the_posterior_agrees_with_a_fine_grid(seeds):
    """P of a half-Cauchy prior on both deviations, by two thousand points of each."""
    accuracies = np.linspace(0.9, 0.93, seeds)
    spread = _spread(accuracies, accuracies) if seeds > 1 else _spread([0.9, 0.9], [0.9, 0.9])
    spread = Spread(
        seeds=(np.array([float(seeds)]),) * 2,
        between=spread.between,
        noise=(np.array([1e-4]),) * 2,
        images=np.array([1e-5]),
        units=np.array([1e6]),
    )
    deviation = 0.02 * np.tan((np.arange(1500) + 0.5) / 1500 * np.pi / 2)
    variance = deviation**2 + 1e-4
    fit = (seeds - 1) / 2 * (-np.log(variance) - spread.between[0] / variance)
    weights = np.exp(fit - fit.max())
    weights /= weights.sum()
    both = np.sqrt((variance[:, None] + variance) / seeds + 1e-5)
    expected = weights @ (2 * norm.sf(0.08 / both)) @ weights

    assert p_values(np.array([0.08]), spread, 4)[0] == pytest.approx(expected, rel=0.05)


def test_two_seeds_that_agree_are_not_trusted():
    """Two points apart, and no two seeds differ, by luck: no verdict; twenty-five are one."""
    spread = _spread([0.9, 0.9], [0.9, 0.9])

    assert p_values(np.array([0.02]), spread)[0] > 0.05
    assert p_values(np.array([0.25]), spread)[0] < 0.05


@pytest.mark.parametrize("seeds", [(2, 2), (3, 3), (6, 4)])
def test_p_interval_and_the_question_agree(seeds):
    """The interval of confidence 1 - p ends at 0, and p is small where an interval excludes 0."""
    first, second = WORLDS["even"].correct(np.random.default_rng(8), 2, max(seeds), 98, [0.1, 0])
    found = unpaired_difference(first[: seeds[0]], second[: seeds[1]])
    gap = np.array([found.difference])

    assert found.bounds(found.p)[0 if found.difference > 0 else 1] == pytest.approx(0, abs=1e-6)
    for level in (0.01, 0.05, 0.3):
        assert exclude_zero(gap, found.spread, level)[0] == (found.p <= level)


def test_names_do_not_matter():
    """The other way round, the difference has the other sign and the same p."""
    first, second = WORLDS["even"].correct(np.random.default_rng(5), 2, 6, 98)
    found = unpaired_difference(first, second[:4]).turned()
    again = unpaired_difference(second[:4], first)

    assert found.seeds_of_both == again.seeds_of_both == (4, 6)
    assert (found.low, found.high, found.p) == pytest.approx((again.low, again.high, again.p))


def test_many_pairs_are_as_one():
    """All differences at once are those of each pair alone."""
    models = list(WORLDS["good"].correct(np.random.default_rng(5), 3, 4, 98))

    assert all_differences(models, [(0, 2)]) == [unpaired_difference(models[0], models[2])]
    assert all_differences(models, []) == []


def test_one_seed_has_the_interval_of_its_networks():
    """Over images alone, as narrow as they say; p is about other seeds, and finds nothing."""
    first, second = WORLDS["good"].correct(np.random.default_rng(5), 2, 1, 2000, [0, -0.1])
    found = unpaired_difference(first, second)

    assert found.low > 0.02
    assert found.p > 0.05


@pytest.mark.parametrize("folds", [2, 5, 10])
def test_folds_share_their_training_images(folds):
    """The variance over images grows by 1 + k / (k - 1), Nadeau and Bengio's factor times k."""
    first, second = WORLDS["hard images"].correct(np.random.default_rng(5), 2, 6, 200)
    once, found = (unpaired_difference(first, second, folds=each) for each in (1, folds))

    assert found.image_variance == pytest.approx(once.image_variance * (1 + folds / (folds - 1)))
    assert (fold_factor(1), fold_factor(5)) == (1.0, 2.25)


def test_the_moments_of_simulations_are_those_of_the_test():
    """So that what is simulated is what a verdict does."""
    correct = MADE["middling"].correct(np.random.default_rng(2), 1, 2, 4, 300)
    spread = moments(correct).spread([0], [1])
    found = unpaired_difference(correct[0, 0], correct[0, 1])

    assert spread.images[0] == pytest.approx(found.image_variance, rel=1e-4)
    assert [each[0] for each in spread.between] == pytest.approx(found.between, rel=1e-4)
    assert [each[0] for each in spread.noise] == pytest.approx(found.noise, rel=1e-4)


@pytest.mark.parametrize("world", list(MADE))
def test_equal_models_are_seldom_called_better(world):
    """In each world, three models, 2 to 12 seeds: 5 %, and three standard errors of 500."""
    for found in fixed(MADE[world], 3, 100, 500, np.random.default_rng(1)).values():
        assert found.false_better < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 500)


@pytest.mark.parametrize("world", ["calm", "varying", "heavy-tailed", "unequal", "correlated"])
def test_intervals_of_differences_hold_the_truth(world):
    """92 to 99 % from three seeds on, of an eight point difference."""
    found = fixed(MADE[world], 2, 300, 500, np.random.default_rng(2), [0, -0.08], (3, 6))

    assert all(0.92 - 0.03 < each.coverage <= 0.99 for each in found.values())


def test_duplicates_that_count_as_images_hold_it_too_seldom():
    """The liar: five copies of an image are one; counted as five, equal models look different."""
    given = (MADE["duplicates"], 2, 300, 300)
    (once,) = fixed(*given, np.random.default_rng(3), sizes=(12,)).values()
    (liar,) = fixed(*given, np.random.default_rng(3), sizes=(12,), clusters=False).values()

    assert once.coverage > 0.92
    assert liar.coverage < once.coverage - 0.05


def test_what_would_show_is_found_four_times_of_five():
    """A difference as large as is said to show is told by about 80 % of experiments."""
    generator = np.random.default_rng(4)
    correct = MADE["varying"].correct(generator, 40, 2, 6, 300)
    said = np.median([unpaired_difference(*pair).detectable() for pair in correct])
    (found,) = fixed(MADE["varying"], 2, 300, 500, generator, [0, -said], (6,)).values()

    assert 0.7 < found.told < 0.9


@pytest.mark.parametrize(("models", "seeds"), [(1, 1), (20, 1), (20, 2), (5, 3), (20, 6)])
def test_no_change_is_no_alarm(models, seeds):
    """Of a comparison, however many models it has."""
    share = compared(MADE["varying"], models, 300, seeds, 0.0, 200, np.random.default_rng(5))

    assert share < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 200)


def test_eight_points_are_found_by_six_seeds():
    """Of 300 images; a network's whose seeds vary, too."""
    assert compared(MADE["varying"], 1, 300, 6, 0.08, 300, np.random.default_rng(6)) > 0.9


def test_times_one_after_the_other_are_false_alarms():
    """The liar, where the speed drifts; in turn, the same times are no change."""
    shares = [
        drifting_times(6, 100, np.random.default_rng(7), in_turn=how) for how in (True, False)
    ]

    assert shares[0] <= 0.05
    assert shares[1] > 0.15
