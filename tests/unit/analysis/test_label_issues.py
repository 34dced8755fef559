from __future__ import annotations

import numpy as np
import pytest

from bench.analysis.label_issues import (
    class_thresholds,
    find_label_issues,
    mean_probabilities,
    measure_finding,
)

count = pytest.importorskip("cleanlab.count", reason="the second opinion is not installed")
rank = pytest.importorskip("cleanlab.rank", reason="the second opinion is not installed")


def _answers(accuracy, classes=2, images=1000, seed=0):
    """Return true labels and probabilities of networks that are right in a share `accuracy`."""
    generator = np.random.default_rng(seed)
    labels = np.arange(images) % classes
    right = generator.random(images) < accuracy
    said = np.where(right, labels, (labels + generator.integers(1, classes, images)) % classes)
    top = generator.beta(np.where(right, 6, 2), 2)  # right answers are surer
    top = 1 / classes + (1 - 1 / classes) * top
    probabilities = np.repeat(((1 - top) / (classes - 1))[:, None], classes, axis=1)
    np.put_along_axis(probabilities, said[:, None], top[:, None], axis=1)
    return labels, probabilities


def _flipped(labels, share, classes, seed=1):
    generator = np.random.default_rng(seed)
    places = generator.choice(len(labels), round(share * len(labels)), replace=False)
    changed = labels.copy()
    changed[places] = (labels[places] + generator.integers(1, classes, len(places))) % classes
    return changed, places


@pytest.mark.parametrize(("accuracy", "classes"), [(0.9, 2), (0.85, 2), (0.9, 5), (0.8, 10)])
def test_flipped_labels_come_first(accuracy, classes):
    """Of 5 % of all labels, at least 60 % are among the first tenth of the ranking."""
    labels, probabilities = _answers(accuracy, classes)
    changed, places = _flipped(labels, 0.05, classes)
    found = find_label_issues(changed, probabilities)
    first = np.isin(places, found.order[:100]).mean()

    assert first >= 0.6
    assert (found.rather[places] == labels[places]).mean() > accuracy - 0.1


def test_answers_by_chance_find_nothing():
    """The liar: the first tenth of such a ranking has about a tenth of the flipped labels."""
    labels, _ = _answers(0.9)
    changed, places = _flipped(labels, 0.05, 2)
    chance = np.random.default_rng(3).dirichlet((1, 1), len(labels))

    assert np.isin(places, find_label_issues(changed, chance).order[:100]).mean() < 0.3


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_the_ranking_is_that_of_cleanlab(classes):
    """The same quality of each label, and the same number of doubted labels."""
    labels, probabilities = _answers(0.85, classes, seed=4)
    changed, _ = _flipped(labels, 0.08, classes)
    found = find_label_issues(changed, probabilities)
    theirs = rank.get_label_quality_scores(
        changed, probabilities, method="normalized_margin", adjust_pred_probs=True
    )
    doubted = count.num_label_issues(changed, probabilities, estimation_method="off_diagonal")

    assert found.quality == pytest.approx(theirs)
    assert int(found.doubted.sum()) == int(doubted)
    assert class_thresholds(changed, probabilities) == pytest.approx(
        count.get_confident_thresholds(changed, probabilities)
    )


def test_thresholds_correct_for_classes_of_which_networks_are_less_sure():
    """A wrong label of the surer class is found, though its probability is no lower."""
    labels = np.array([0] * 50 + [1] * 50)
    probabilities = np.array([[0.95, 0.05]] * 50 + [[0.45, 0.55]] * 50)
    probabilities[0] = 0.55, 0.45  # for its class a low value
    found = find_label_issues(labels, probabilities)

    assert found.order[0] == 0


def test_a_class_without_images_is_no_obstacle():
    """A fold's test images may lack one."""
    labels, probabilities = _answers(0.9, 2, images=40)
    wide = np.hstack([probabilities, np.zeros((40, 1))])

    assert (
        find_label_issues(labels, wide).order[0]
        == find_label_issues(labels, probabilities).order[0]
    )


def test_the_measure_says_what_is_found():
    """It plants errors itself, the same each time; good answers find more than poor ones."""
    good, poor = (measure_finding(*_answers(each)) for each in (0.95, 0.6))

    assert good.found > 0.9 > 0.6 > poor.found
    assert good.lowest <= good.found <= good.highest
    assert good.precision == pytest.approx(good.found / 2)
    assert (good.planted, good.looked_at, good.most) == (0.05, 0.1, 0.5)
    assert measure_finding(*_answers(0.95)) == good


def test_too_few_images_measure_nothing():
    """Of 89 images, 5 % are four."""
    assert measure_finding(*_answers(0.9, images=89)) is None


def test_each_model_counts_once():
    """However many seeds it has."""

    class Said:
        def __init__(self, *values):
            self.probabilities = np.array(values, dtype=float)[:, None, None]

    assert mean_probabilities([Said(0.0), Said(1.0, 1.0, 1.0)]) == pytest.approx(0.5)
