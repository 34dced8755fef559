from __future__ import annotations

from dataclasses import replace
from itertools import product
from statistics import fmean

import numpy as np
import pytest
from group_simulation import MOODY, VIDEOS, coverage, false_findings, grouped, named
from made_answers import WORLDS, made

from bench.analysis.change import accuracy_changes
from bench.analysis.stats.clusters import (
    clusters_of,
    flipped_units_p,
    join_clusters,
    linearized,
)
from bench.analysis.stats.interval import accuracy_interval, wilson_interval
from bench.analysis.stats.paired import mcnemar_p, paired_difference
from bench.analysis.stats.unpaired import unpaired_difference
from bench.analysis.stats.variance_components import estimate_mean
from bench.analysis.verdict import sentence, verdicts

TENS = np.full(40, 10)  # 40 groups of 10 images
UNEQUAL = np.random.default_rng(5).integers(1, 20, 40)


def _clusters(sizes):
    return clusters_of(named(sizes))


def _seen(sizes, models=2, seeds=6, shared=1.0, seed=1):
    return grouped(MOODY, np.random.default_rng(seed), models, seeds, sizes, shared)


def test_an_image_without_a_group_is_a_unit_of_its_own():
    """Two groups of two and two single images are four units, in the order of the images."""
    assert clusters_of(["b", None, "a", "b", None, "a"]).tolist() == [0, 1, 2, 0, 3, 2]


@pytest.mark.parametrize("groups", [None, [None, None], ["a", "b", "c"], ["a", None]])
def test_groups_of_one_image_are_no_groups(groups):
    """Every image is its own unit, so that all is computed as without groups, bit for bit."""
    assert clusters_of(groups) is None


def test_joined_groups_are_together_by_either():
    """A chain through both ways of grouping is one unit."""
    one, other = clusters_of(list("aabbccd")), clusters_of(list("xyyzwvv"))

    assert join_clusters(one, other).tolist() == [0, 0, 0, 0, 1, 1, 1]
    assert join_clusters(None, one) is join_clusters(one, None) is one


@pytest.mark.parametrize("sizes", [TENS, UNEQUAL])
def test_the_variance_over_groups_is_the_linearised_one(sizes):
    """G / (G - 1) times the squared sums of deviations, over N squared, by plain loops."""
    right, clusters = _seen(sizes, models=1, seeds=1)[0], _clusters(sizes)
    mean, count = right.mean(), len(sizes)
    sums = [sum(right[0, i] - mean for i in np.flatnonzero(clusters == g)) for g in range(count)]
    expected = count / (count - 1) * sum(each**2 for each in sums) / right.size**2
    found = estimate_mean(right, clusters)

    assert found.image_part == pytest.approx(expected)
    assert (found.mean, found.images, found.groups) == (mean, right.size, count)


def test_values_of_groups_keep_the_mean_of_each_seed():
    """Groups of any size: the mean over groups is the mean over images, seed by seed."""
    right = _seen(UNEQUAL)[0]
    values = linearized(right, _clusters(UNEQUAL))

    assert values.shape == (6, 40)
    assert values.mean(axis=1) == pytest.approx(right.mean(axis=1))


def test_groups_that_are_right_or_wrong_as_one_count_as_so_many_images():
    """40 groups of 10 copies have nearly the interval of 40 images, not of 400."""
    once = _seen(np.ones(40, int), models=1, seeds=1)[0]
    copies = np.repeat(once, 10, axis=1)
    low, high = accuracy_interval(copies, _clusters(TENS))

    assert (low, high) == pytest.approx(wilson_interval(int(once.sum()), 40), abs=0.01)
    assert high - low > 2.5 * np.subtract(*accuracy_interval(copies)[::-1])


def test_all_right_counts_groups():
    """Nothing varies, so nothing says how alike the images of a group are."""
    right = np.ones((1, 400), bool)

    assert accuracy_interval(right, _clusters(TENS)) == wilson_interval(40, 40)
    assert accuracy_interval(~right, _clusters(TENS)) == wilson_interval(0, 40)
    assert accuracy_interval(right, np.zeros(400, int)) == wilson_interval(1, 1)


def test_one_group_says_nothing_of_others():
    """With all images in one group, an interval of a difference is the whole range."""
    first, second = _seen(np.full(40, 10))
    found = paired_difference(first, second, clusters=np.zeros(400, int))

    assert (found.low, found.high, found.crossed_p) == (-1, 1, 1)


@pytest.mark.parametrize("gains", [[3, 1, -2, 5, 1, 4], [3, -1, 0, 2], [0, 0], [7], [2, 2, -2]])
def test_flips_of_groups_agree_with_all_ways(gains):
    """Counting sums is the same as trying all ways, ties and zeros included."""
    ways = [abs(sum(s * g for s, g in zip(signs, gains, strict=True)))
            for signs in product((1, -1), repeat=len(gains))]  # fmt: skip

    assert flipped_units_p(gains) == pytest.approx(fmean(w >= abs(sum(gains)) for w in ways))


@pytest.mark.parametrize(("first", "second"), [(0, 0), (9, 2), (25, 25), (1300, 1200)])
def test_flips_of_single_images_are_mcnemars_test(first, second):
    """Each discordant image is a group of its own."""
    gains = [1] * first + [0] * 5 + [-1] * second

    assert flipped_units_p(gains) == pytest.approx(mcnemar_p(first, second))


def test_one_seed_is_tested_by_flips_of_whole_groups():
    """Three groups of ten that only one model has right are 1 in 4, not 1 in 2^29."""
    base = np.ones((1, 400), bool)
    new = base.copy()
    new[:, :30] = False
    found = paired_difference(base, new, clusters=_clusters(TENS))

    assert found.mcnemar == pytest.approx((0.25,))
    assert paired_difference(base, new).mcnemar == (2 / 2**30,)


@pytest.mark.parametrize("sizes", [TENS, UNEQUAL], ids=["tens", "unequal"])
def test_95_of_100_intervals_over_groups_hold_the_truth(sizes):
    """Counting images, groups that are right or wrong as one make it half of them."""
    by_groups, by_images = coverage(VIDEOS, 1, sizes, 1000, np.random.default_rng(1))

    assert 0.92 <= by_groups <= 0.98
    assert by_images < 0.6


@pytest.mark.parametrize("sizes", [TENS, UNEQUAL], ids=["tens", "unequal"])
def test_95_of_100_intervals_over_groups_and_seeds_hold_the_truth(sizes):
    """So it is with six seeds, and groups whose images are alike but not the same."""
    generator = np.random.default_rng(6)
    by_groups, by_images = coverage(MOODY, 6, sizes, 500, generator, shared=0.7)

    assert 0.92 <= by_groups <= 0.98
    assert by_images < 0.8


def test_one_seed_tells_no_equal_models_apart_over_groups():
    """Of a comparison: it knows nothing of other seeds, so only huge differences are a loss."""
    by_groups, _ = false_findings(VIDEOS, 1, TENS, 100, np.random.default_rng(2))

    assert by_groups <= 0.06


def test_equal_models_are_seldom_called_better_over_groups():
    """6 % at most, with six seeds and images that are only alike, not the same."""
    by_groups, by_images = false_findings(
        MOODY, 6, UNEQUAL[:20], 300, np.random.default_rng(3), shared=0.7
    )

    assert by_groups <= 0.06
    assert by_images > 0.12


def test_few_groups_make_no_verdict_though_images_are_many():
    """One model is right on two more of six videos of 100 frames, in all of six seeds."""
    base = np.repeat(np.arange(6)[None] < 3, 100, axis=1).repeat(6, axis=0)
    more = np.repeat(np.arange(6)[None] < 5, 100, axis=1).repeat(6, axis=0)
    pair, groups = {"a": made(more), "b": made(base)}, named(np.full(6, 100))
    (by_images,) = verdicts(pair)
    (found,) = verdicts({name: replace(each, groups=groups) for name, each in pair.items()})

    assert by_images.kind == "better"
    assert found.kind == "level"
    assert found.found.low < 0
    assert ", 6 seeds, 600 images in 6 groups" in sentence(found)


def test_a_clear_winner_is_better_over_groups_too():
    """Thirty groups of forty against ten, in all of six seeds."""
    base = np.repeat(np.arange(40)[None] < 10, 10, axis=1).repeat(6, axis=0)
    best = np.repeat(np.arange(40)[None] < 30, 10, axis=1).repeat(6, axis=0)
    pair = {"a": made(best), "b": made(base)}
    (found,) = verdicts({name: replace(each, groups=named(TENS)) for name, each in pair.items()})

    assert found.kind == "better"


def test_groups_of_one_image_change_no_figure():
    """Interval, difference, p and verdict are the same objects' values, bit for bit."""
    correct = WORLDS["even"].correct(np.random.default_rng(4), 2, 6, 98)
    plain = {name: made(each) for name, each in zip("ab", correct, strict=True)}
    groups = tuple(f"animal {place}" if place % 3 else None for place in range(98))
    single = {name: replace(each, groups=groups) for name, each in plain.items()}

    assert verdicts(single) == verdicts(plain)
    assert accuracy_changes(plain, single) == accuracy_changes(plain, plain)
    assert accuracy_interval(correct[0], single["a"].clusters) == accuracy_interval(correct[0])


@pytest.mark.parametrize("seeds", [2, 6])
def test_a_verdict_over_groups_can_detect_less(seeds):
    """The sentence says the difference that so few groups, not so many images, would show."""
    first, second = _seen(TENS, seeds=seeds, shared=0.7)
    over = [unpaired_difference(first, second, each) for each in (_clusters(TENS), None)]

    assert over[0].detectable() > 1.1 * over[1].detectable()


@pytest.mark.parametrize("seeds", [1, 2, 6])
def test_one_group_can_detect_nothing(seeds):
    """With all images in one group, an interval of a difference is the whole range."""
    found = unpaired_difference(*_seen(TENS, seeds=seeds), np.zeros(400, int))

    assert (found.low, found.high) == (-1, 1)
    assert found.p > 0.5
    assert found.detectable() > 1


def test_identical_models_differ_by_less_than_a_group_of_mean_size():
    """Without any gain, the interval is that of half a group added to each cell."""
    right = _seen(TENS, models=1, seeds=1)[0]
    found = unpaired_difference(right, right, _clusters(TENS))
    few = unpaired_difference(right[:, :40], right[:, :40])

    assert (found.low, found.high) == pytest.approx((few.low, few.high))


def test_groups_known_in_one_run_count_in_a_comparison():
    """An old run of the same images has no groups; the new one's say what belongs together."""
    first, second = (made(each) for each in _seen(TENS, seeds=1))
    grouped_one = replace(second, groups=named(TENS))
    (change,) = accuracy_changes({"m": first}, {"m": grouped_one}).values()
    (other,) = accuracy_changes({"m": grouped_one}, {"m": first}).values()

    assert change.found.groups == other.found.groups == 40
    assert change.p == pytest.approx(other.p)
