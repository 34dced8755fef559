from __future__ import annotations

import numpy as np
import pytest
from made_answers import made

from bench.report.page.gallery import (
    Album,
    confidently_wrong,
    confusion,
    disagreed_on,
    fooling_all,
)


def _answers(*rows, name="model", **options):
    return made(np.array(rows, dtype=bool), name=name, **options)


def test_the_most_confident_mistakes_come_first():
    """Those of more seeds before those of fewer; what all seeds get right is none."""
    answers = _answers([1, 0, 0, 1], [1, 1, 0, 1])
    found = confidently_wrong(answers, 8)

    assert [(each.image, each.wrong) for each in found] == [("2.jpg", 2), ("1.jpg", 1)]
    assert [each.said for each in found] == [1, 0]
    assert found[0].confidence == pytest.approx(0.8)


def test_no_mistakes_are_none():
    """A model that is always right has no photograph to show."""
    assert confidently_wrong(_answers([1, 1], [1, 1]), 8) == []


def test_models_disagree_where_some_are_right():
    """Not where all are right or all wrong; the one split most evenly is first."""
    one = _answers([1, 1, 0, 1], [1, 1, 0, 1], [1, 1, 0, 0], name="one")
    two = _answers([1, 0, 0, 0], [1, 0, 0, 0], [1, 0, 0, 0], name="two")
    found = disagreed_on({"one": one, "two": two}, 8)

    assert [each.image for each in found] == ["1.jpg", "3.jpg"]
    assert (found[0].right, found[0].wrong) == ({"one": 3}, {"two": 0})
    assert found[1].right == {"one": 2}


def test_one_model_disagrees_with_nobody():
    """Nor do models that answered different photographs: they are not set side by side."""
    one = _answers([1, 0], name="one")
    other = _answers([0, 1], name="two", images=("x.jpg", "y.jpg"))

    assert disagreed_on({"one": one}, 8) == []
    assert disagreed_on({"one": one, "two": other}, 8) == []


def test_all_are_fooled_where_no_model_is_mostly_right():
    """Half of the seeds is not mostly."""
    one = _answers([0, 1, 0], [0, 1, 1], name="one")
    two = _answers([0, 0, 0], [0, 0, 0], name="two")

    assert [each.image for each in fooling_all({"one": one, "two": two}, 8)] == ["0.jpg", "2.jpg"]


def test_confusion_is_shares_of_each_class():
    """Rows are labels and add up to 1; a class without photographs has zeros."""
    shares = confusion(_answers([1, 0, 1, 1], [1, 0, 0, 1]))  # labels 0 1 0 1

    np.testing.assert_allclose(shares, [[0.75, 0.25], [0.5, 0.5]])
    assert confusion(_answers([1, 1], classes=3))[2].sum() == 0


def test_an_album_has_a_cap():
    """What finds no room is left out and counted; what is not kept, too."""
    album = Album({"a": b"x" * 30, "b": b"x" * 30}, most=100)

    assert album.address("a").startswith("data:image/jpeg;base64,")
    assert (album.address("b"), album.address("c")) == (None, None)
    assert (album.refused, album.missing) == (1, 1)
