from __future__ import annotations

import pytest
import torch

from bench.report.run_files import predictions
from bench.report.submission import submission
from bench.training.evaluate import Evaluation

_TEST = Evaluation(
    labels=torch.tensor([0, 1, 1]),
    probabilities=torch.tensor([[0.25, 0.75], [0.125, 0.875], [0.5625, 0.4375]]),
    loss=0.0,
    accuracy=0.0,
)
_IMAGES = ("cat/cat.9.jpg", "dog/dog.113.jpg", "dog/dog.20.jpg")


def test_predictions_name_label_and_answer_by_their_classes():
    """One row an image, in their order, with the probability of each class under its name."""
    frame = predictions(_IMAGES, ("cat", "dog"), _TEST)

    assert frame["image"].tolist() == list(_IMAGES)
    assert frame["label"].tolist() == ["cat", "dog", "dog"]
    assert frame["predicted"].tolist() == ["dog", "dog", "cat"]
    assert frame["probability_cat"].tolist() == [0.25, 0.125, 0.5625]
    assert frame["probability_dog"].tolist() == [0.75, 0.875, 0.4375]


def test_a_submission_is_the_probability_of_a_dog_by_number():
    """As the chapter hands it in: ids as numbers, so that 9 comes before 20 and 113."""
    frame = submission(_IMAGES, ("cat", "dog"), _TEST)

    assert frame["id"].tolist() == ["9", "20", "113"]
    assert frame["label"].tolist() == pytest.approx([0.75, 0.4375, 0.875])
