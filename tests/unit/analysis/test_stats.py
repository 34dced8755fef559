from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from made_answers import WORLDS
from scipy.stats import binomtest
from simulations import accuracy_coverage, percentile_interval, satterthwaite_interval
from statsmodels.stats.proportion import proportion_confint

from bench.analysis.stats.interval import accuracy_interval, wilson_interval
from bench.analysis.stats.variance_components import estimate_mean


@pytest.mark.parametrize(
    ("correct", "images", "low", "high"),
    # Newcombe 1998, Statistics in Medicine 17, table I, method 3
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_agrees_with_the_published_table(correct, images, low, high):
    """The bounds are those of Newcombe's comparison of seven methods, to four figures."""
    assert wilson_interval(correct, images) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(("correct", "images"), [(0, 1), (1, 1), (61, 98), (98, 98), (1200, 2000)])
def test_wilson_agrees_with_two_libraries(correct, images):
    """SciPy and statsmodels give the same bounds, none and all right included."""
    scipy = binomtest(correct, images).proportion_ci(0.95, method="wilson")
    statsmodels = proportion_confint(correct, images, method="wilson")

    assert wilson_interval(correct, images) == pytest.approx((scipy.low, scipy.high), abs=1e-12)
    assert wilson_interval(correct, images) == pytest.approx(statsmodels, abs=1e-12)


def test_the_parts_of_a_mean_are_those_of_an_analysis_of_variance():
    """Statsmodels' table of the two-way layout has the same mean squares."""
    import pandas as pd
    from statsmodels.formula.api import ols
    from statsmodels.stats.anova import anova_lm

    values = WORLDS["moody seeds"].correct(np.random.default_rng(1), 1, 4, 30)[0]
    seed, image = np.indices(values.shape)
    table = {"y": values.ravel() * 1.0, "seed": seed.ravel(), "image": image.ravel()}
    fitted = anova_lm(ols("y ~ C(seed) + C(image)", pd.DataFrame(table)).fit())["mean_sq"]
    parts = estimate_mean(values).components

    assert estimate_mean(values).seed_part == pytest.approx(fitted["C(seed)"] / 120)
    assert parts.rest == pytest.approx(fitted["Residual"])
    assert parts.images == pytest.approx((fitted["C(image)"] - fitted["Residual"]) / 4)


def test_one_seed_has_wilsons_interval():
    """So have seeds that are right everywhere: the same images over again are no new ones."""
    one = np.arange(98)[None] < 61

    assert accuracy_interval(one) == wilson_interval(61, 98)
    assert accuracy_interval(np.ones((5, 98), bool)) == pytest.approx(wilson_interval(98, 98))


def test_equal_seeds_add_no_images():
    """Ten copies of one seed are as sure as one; pooled they would look three times surer."""
    one = np.arange(98)[None] < 61
    copies = np.repeat(one, 10, axis=0)
    low, high = accuracy_interval(copies)
    pooled = wilson_interval(610, 980)

    assert (low, high) == pytest.approx(wilson_interval(61, 98), abs=0.003)
    assert high - low > 2.9 * (pooled[1] - pooled[0])


def test_an_interval_over_seeds_stays_within_0_to_1():
    """Nearly all right with few images and very different seeds is no accuracy above 1."""
    correct = np.ones((2, 20), bool)
    correct[1, :9] = False
    low, high = accuracy_interval(correct)

    assert 0 <= low < correct.mean() < high <= 1


@pytest.mark.parametrize(("seeds", "images"), [(2, 98), (3, 50), (5, 500), (10, 98)])
@pytest.mark.parametrize("world", ["even", "moody seeds", "good"])
def test_95_of_100_intervals_hold_the_truth(world, seeds, images):
    """92 to 98 %, up to 99 % with two or three seeds."""
    generator = np.random.default_rng([seeds, images])
    most = 0.98 if seeds > 3 else 0.99

    found = accuracy_coverage(WORLDS[world], seeds, images, 300, generator)

    assert found.within(0.92, most)


def test_intervals_that_look_as_good_miss_the_truth():
    """The percentile bootstrap and Satterthwaite's t hold it too seldom with two seeds."""
    generator = np.random.default_rng(3)

    for liar in (percentile_interval, satterthwaite_interval):
        found = accuracy_coverage(WORLDS["moody seeds"], 2, 500, 200, generator, liar)
        assert not found.within(0.92, 0.98)


def test_stats_import_without_the_heavy_libraries():
    """Importing bench.analysis.stats needs neither scipy.stats nor scikit-learn nor statsmodels."""
    heavy = "{'scipy.stats', 'sklearn', 'statsmodels', 'pandas', 'torch'}"
    parts = "interval, looks, metrics, paired, unpaired, variance_components"
    imported = f"import sys; from bench.analysis.stats import {parts}"
    code = f"{imported}; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
