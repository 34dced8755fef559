"""Power laws of the error: known ones are recovered within their intervals."""

from __future__ import annotations

import numpy as np
import pytest

from bench.analysis.stats.power_law import error_curves, fit_power_laws, slope_of

_SIZES = (50, 100, 200, 400)


def _answers(generator, errors, *, seeds=3, images=300):
    """Return right answers (S, N) with each of `errors`, of independent images."""
    return [generator.random((seeds, images)) >= error for error in errors]


def _law(sizes, scale=1.2, exponent=0.35, limit=0.05):
    return scale * np.array(sizes, dtype=float) ** -exponent + limit


def test_a_law_without_noise_is_found_as_it_is():
    """Scale, exponent and limit, to the grid of exponents."""
    laws = fit_power_laws(_SIZES, _law(_SIZES)[None], np.eye(4) * 1e-6)

    assert laws.exponent[0] == pytest.approx(0.35, rel=0.1)
    assert laws.limit[0] == pytest.approx(0.05, abs=0.02)
    assert laws.errors(np.array([800.0]))[0, 0] == pytest.approx(_law([800])[0], abs=0.002)
    assert laws.misfit[0] < 1


def test_scale_and_limit_are_never_below_0():
    """A line in the logarithm has limit 0, and rising errors have no scale."""
    straight = fit_power_laws(_SIZES, np.array([[0.4, 0.3, 0.2, 0.1]]), np.eye(4) * 1e-4)
    rising = fit_power_laws(_SIZES, np.array([[0.1, 0.2, 0.3, 0.4]]), np.eye(4) * 1e-4)

    assert straight.limit[0] == 0
    assert (rising.scale[0], rising.limit[0]) == (0, pytest.approx(0.25))


@pytest.mark.parametrize("seeds", [1, 3])
def test_the_gain_of_twice_as_many_is_within_its_interval(seeds):
    """Of 20 simulated experiments with 300 test images, in at least 18."""
    truth = _law([400, 800])
    hits = 0
    for number in range(20):
        generator = np.random.default_rng(number)
        curves = error_curves([_answers(generator, _law(_SIZES), seeds=seeds)])
        laws = fit_power_laws(_SIZES, curves.drawn(500)[:, 0], curves.of(0))
        ends = laws.errors(np.array([400.0, 800.0]))
        low, high = np.quantile(ends[:, 0] - ends[:, 1], [0.025, 0.975])
        hits += low <= truth[0] - truth[1] <= high
        assert high - low < 0.08  # an interval of everything would be no feat

    assert hits >= 18


def test_models_vary_together_over_images():
    """Two that answer alike have nearly the same errors in each draw, but for their seeds."""
    right = np.random.default_rng(0).random((8, 2000)) < 0.7
    curves = error_curves([[right] * 4, [right] * 4])
    drawn = curves.drawn(4000)

    between = np.diag(curves.covariance)[0] - curves.covariance[0, 4]
    assert np.var(drawn[:, 0, 0] - drawn[:, 1, 0]) == pytest.approx(2 * between, rel=0.1)
    assert curves.covariance[0, 4] == pytest.approx(curves.covariance[0, 3])


def test_seeds_vary_alone():
    """A deviation of ten points between seeds widens each error, and ties no two of them."""
    generator = np.random.default_rng(2)
    right = [generator.random((6, 2000)) < share for share in (0.6, 0.6, 0.6, 0.6)]
    uneven = [generator.random((6, 2000)) < share
              for share in ([[0.5], [0.7], [0.5], [0.7], [0.5], [0.7]],) * 4]  # fmt: skip
    calm, wild = error_curves([right]).covariance, error_curves([uneven]).covariance

    assert wild[0, 0] > 5 * calm[0, 0]
    assert abs(wild[0, 1]) < 0.1 * wild[0, 0]


def test_groups_count_instead_of_images():
    """Each image four times in a group is no more than once."""
    generator = np.random.default_rng(1)
    answers = _answers(generator, _law(_SIZES))
    once = error_curves([answers])
    repeated = [np.repeat(each, 4, axis=1) for each in answers]
    grouped = error_curves([repeated], np.repeat(np.arange(300), 4))

    assert np.diag(grouped.covariance) == pytest.approx(np.diag(once.covariance))
    assert np.diag(error_curves([repeated]).covariance)[0] < np.diag(once.covariance)[0]


def test_the_fall_for_each_doubling_has_an_interval():
    """A straight fall of five points is found, with the width of independent errors."""
    found = slope_of(_SIZES, np.array([0.4, 0.35, 0.3, 0.25]), np.eye(4) * 1e-4)

    assert found.fall == pytest.approx(0.05)
    assert found.high - found.low == pytest.approx(2 * 1.96 * 0.01 / np.sqrt(5), rel=0.01)
