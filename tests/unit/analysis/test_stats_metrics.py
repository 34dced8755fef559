from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import rankdata
from sklearn.calibration import calibration_curve
from sklearn.metrics import balanced_accuracy_score, log_loss, roc_auc_score

from bench.analysis.stats.metrics import calibration_error, majority_class, metrics


def _forecast(images, classes=2, seed=0):
    """Return labels that come as often as was said: a perfect forecaster."""
    generator = np.random.default_rng(seed)
    probabilities = generator.dirichlet(np.ones(classes), images)
    labels = (probabilities.cumsum(axis=1) > generator.random((images, 1))).argmax(axis=1)
    return labels, probabilities


def test_figures_of_four_answers():
    """By hand: 2 of 3 cats and the dog are right; 2 of 3 cats are less like a dog than the dog."""
    labels = np.array([0, 0, 0, 1])
    probabilities = np.array([[0.9, 0.1], [0.6, 0.4], [0.1, 0.9], [0.2, 0.8]], np.float32)
    found = metrics(labels, probabilities)

    assert found.balanced_accuracy == pytest.approx((2 / 3 + 1) / 2)
    assert found.log_loss == pytest.approx(-np.log([0.9, 0.6, 0.1, 0.8]).mean(), abs=1e-6)
    assert found.roc_auc == pytest.approx(2 / 3)
    assert found.calibration_bins == 1
    assert found.calibration_error == pytest.approx(abs(0.75 - 0.8), abs=1e-6)


def test_the_area_is_the_rank_sum():
    """Mann and Whitney's statistic over all pairs, ties half: the same number."""
    labels, probabilities = _forecast(200)
    probabilities = probabilities.round(1)
    ranks, dogs = rankdata(probabilities[:, 1]), int(labels.sum())
    area = (ranks[labels == 1].sum() - dogs * (dogs + 1) / 2) / (dogs * (200 - dogs))

    assert metrics(labels, probabilities).roc_auc == pytest.approx(area)


def test_three_classes_are_one_against_the_rest():
    """The mean of three areas."""
    labels, probabilities = _forecast(300, classes=3)
    two = [metrics((labels == k).astype(int), np.stack([1 - probabilities[:, k],
           probabilities[:, k]], axis=1)).roc_auc for k in range(3)]  # fmt: skip

    assert metrics(labels, probabilities).roc_auc == pytest.approx(np.mean(two))


@pytest.mark.parametrize("classes", [2, 3, 10])
@pytest.mark.parametrize("digits", [1, 8])
def test_metrics_agree_with_scikit_learn(classes, digits):
    """Its balanced accuracy, log loss and area, with and without many equal scores."""
    labels, probabilities = _forecast(400, classes)
    shares = probabilities.round(digits) + 1e-3
    shares /= shares.sum(axis=1, keepdims=True)
    found = metrics(labels, shares)
    shares /= shares.sum(axis=1, keepdims=True)  # as `metrics` does: equal scores stay equal
    ranked = shares[:, 1] if classes == 2 else shares
    theirs = (
        balanced_accuracy_score(labels, shares.argmax(axis=1)),
        log_loss(labels, shares),
        roc_auc_score(labels, ranked, multi_class="ovr"),
    )

    assert (found.balanced_accuracy, found.log_loss, found.roc_auc) == pytest.approx(theirs)


def test_a_class_that_is_not_there():
    """No area can be had, the other figures can, without a warning."""
    found = metrics(np.zeros(20, int), np.tile([0.7, 0.3], (20, 1)))

    assert math.isnan(found.roc_auc)
    assert found.balanced_accuracy == 1
    assert found.log_loss == pytest.approx(-np.log(0.7))


def test_certain_and_wrong_is_finite():
    """A probability of 0 for the label is a large loss, not an infinite one."""
    found = metrics(np.array([0, 1]), np.array([[0.0, 1.0], [0.0, 1.0]], np.float32))

    assert math.isfinite(found.log_loss)
    assert found.log_loss > 5


def test_calibration_agrees_with_scikit_learn():
    """Its curve over equal-mass bins, averaged, where the bins come out equal."""
    labels, probabilities = _forecast(1500)
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == labels
    true, said = calibration_curve(correct, confidence, n_bins=15, strategy="quantile")

    assert calibration_error(confidence, correct)[0] == pytest.approx(
        np.abs(true - said).mean(), abs=2e-3
    )


def test_a_perfect_forecaster_is_nearly_calibrated():
    """0 in the long run; the same forecasts made certain are not."""
    labels, probabilities = _forecast(100_000)
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == labels

    assert calibration_error(confidence, correct) == (pytest.approx(0, abs=0.01), 15)
    assert calibration_error(np.ones(100_000), correct)[0] == pytest.approx(0.25, abs=0.01)


def test_few_images_have_few_bins():
    """At least ten images each, and one bin for fewer than twenty."""
    bins = [calibration_error(np.full(n, 0.5), np.ones(n, bool))[1] for n in (4, 19, 98, 492)]

    assert bins == [1, 1, 9, 15]


def test_calibration_does_not_depend_on_the_order_of_images():
    """Equal confidences at a bin's edge are sorted by what was right."""
    generator = np.random.default_rng(4)
    confidence, correct = generator.integers(5, 10, 100) / 10, generator.random(100) < 0.7
    mixed = generator.permutation(100)

    assert calibration_error(confidence, correct)[0] == pytest.approx(
        calibration_error(confidence[mixed], correct[mixed])[0]
    )


def test_the_majority_is_the_most_frequent_label():
    """Of equals the smallest label, so that it is always the same."""
    assert majority_class([0, 1, 1]) == 1
    assert majority_class([1, 0]) == 0
