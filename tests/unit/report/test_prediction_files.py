from __future__ import annotations

import numpy as np
import pytest
from made_records import made_results

from bench.report.run_files import predictions, write_trial
from bench.report.submission import submission, submission_note
from bench.training.evaluation import Evaluation

_TEST = Evaluation(
    labels=np.array([0, 1, 1]),
    probabilities=np.array([[0.25, 0.75], [0.125, 0.875], [0.5625, 0.4375]]),
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


def _ids(images, among=None):
    even = np.full((len(images), 2), 0.5)
    test = Evaluation(labels=np.zeros(len(images)), probabilities=even, loss=0.0, accuracy=0.0)
    frame = submission(images, ("cat", "dog"), test, among)
    return None if frame is None else frame["id"].tolist()


@pytest.mark.parametrize(
    ("images", "ids"),
    [
        (("cat/cat.8.jpg", "dog/dog.9.jpg"), ["8", "9"]),
        (("cat/cat.20.jpg", "cat/cat.8.jpg", "dog/dog.8.jpg"), ["cat.8", "cat.20", "dog.8"]),
        (("cat/8.jpg", "cat/20.jpg", "dog/8.jpg"), ["cat/8.jpg", "cat/20.jpg", "dog/8.jpg"]),
        (("a.8.jpg", "a.8.png"), ["a.8.jpg", "a.8.png"]),
        (("a.007.jpg", "b.7.jpg"), ["a.007", "b.7"]),
        (("tom.jpg", "rex.jpg"), ["rex", "tom"]),
        (("a/tom.jpg", "b/tom.jpg"), ["a/tom.jpg", "b/tom.jpg"]),
        (("²/²8.jpg", "²/².jpg"), ["8", "²"]),
    ],
)
def test_ids_of_a_submission_are_unique(images, ids):
    """Numbers if they differ, else names without suffix, else paths; in the order of numbers."""
    assert _ids(images) == ids


def test_ids_are_unique_over_all_folds():
    """The files of the folds have one kind of id, so that they can be put together."""
    assert _ids(("cat.8.jpg",), among=("cat.8.jpg", "dog.8.jpg")) == ["cat.8"]


def test_images_of_one_name_have_no_submission():
    """No id would be theirs alone, and the run says so."""
    assert _ids(("a.jpg", "a.jpg")) is None
    assert (
        submission_note(("a.jpg", "a.jpg")) == "no submission.csv: two images have the name a.jpg"
    )


@pytest.mark.parametrize(
    ("images", "note"),
    [
        (("cat.8.jpg", "dog.9.jpg"), None),
        (
            ("cat.7.jpg", "cat.8.jpg", "dog.8.jpg"),
            "ids in submission.csv are file names: cat.8.jpg and dog.8.jpg share a number",
        ),
        (
            ("cat/8.jpg", "dog/8.jpg"),
            "ids in submission.csv are paths: cat/8.jpg and dog/8.jpg share a name",
        ),
    ],
)
def test_other_ids_than_numbers_are_said_with_their_reason(images, note):
    """Two images that share a number, or a name."""
    assert submission_note(images) == note


def test_of_more_than_two_classes_a_submission_names_the_predicted_one():
    """The probability of the second of ten classes would answer nothing."""
    test = Evaluation(
        labels=np.array([0, 1]),
        probabilities=np.array([[0.2, 0.3, 0.5], [0.6, 0.3, 0.1]]),
        loss=0.0,
        accuracy=0.0,
    )
    frame = submission(("x.2.png", "x.1.png"), ("ant", "bee", "fly"), test)

    assert frame.to_dict("list") == {"id": ["1", "2"], "label": ["ant", "fly"]}


def test_a_submission_that_cannot_be_is_removed(tmp_path):
    """One of an earlier version has an id twice."""
    (record,) = made_results(seeds=1, folder=tmp_path).records[:1]
    test = Evaluation(
        labels=np.array([0, 1]), probabilities=np.full((2, 2), 0.5), loss=0.7, accuracy=0.5
    )
    (tmp_path / "submission.csv").write_text("id,label\n1,0.5\n1,0.5\n")
    write_trial(tmp_path, record, ("a.jpg", "a.jpg"), test)

    assert not (tmp_path / "submission.csv").exists()
    assert (tmp_path / "predictions.csv").exists()
