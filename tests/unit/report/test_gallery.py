from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made_answers import made
from made_records import made_epoch, made_record, made_spec, untested_results

from bench.report.page.album import Album
from bench.report.page.figures import figures_of
from bench.report.page.gallery import confidently_wrong, confusion, disagreed_on, fooling_all
from bench.report.page.rows import PARTS, at_budget, pareto_front, quickest, spending, times


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


def test_the_front_holds_what_no_other_beats():
    """Of equal prices the better; dearer and no better is not on it."""
    rows = [{"accuracy": a, "cost": c, "model": m} for a, c, m in
            [(0.8, 3.0, "a"), (0.7, 1.0, "b"), (0.6, 1.0, "c"), (0.7, 2.0, "d"),
             (0.9, None, "e")]]  # fmt: skip

    assert [row["model"] for row in pareto_front(rows, "cost")] == ["b", "a"]


def test_the_budget_is_that_of_the_quickest():
    """A model without an epoch within it has no figure; one model has no budget."""
    rows = [{"model": m, "epoch": e, "seconds": s, "accuracy": a} for m, e, s, a in
            [("quick", 1, 1.0, 0.5), ("quick", 2, 2.0, 0.6), ("slow", 1, 2.0, 0.7),
             ("slow", 2, 4.0, 0.9), ("slowest", 1, 9.0, 0.9)]]  # fmt: skip

    assert quickest(rows) == 2.0
    assert [(row["model"], row["accuracy"]) for row in at_budget(rows, 2.0)] == [
        ("slow", 0.7), ("quick", 0.6), ("slowest", None)]  # fmt: skip
    assert quickest(rows[:2]) is None


def _trial(seed, epochs, *, model="lenet", seconds=None, pace=10.0, first=0.0):
    length = {} if seconds is None else {"epochs": None, "seconds": seconds}
    spec = made_spec(model, seed)
    return made_record(
        spec=replace(spec, recipe=replace(spec.recipe, **length)),
        history=tuple(made_epoch(epoch, train_seconds=pace) for epoch in range(1, epochs + 1)),
        train_seconds=pace * epochs,
        initialization_seconds=first,
    )


def test_a_curve_ends_where_its_trainings_end():
    """A seed that made fewer epochs than another counts with its last one, not for all of them."""
    rows = spending(untested_results([_trial(0, 2), _trial(1, 4)]), ["lenet"])

    assert [row["seconds"] for row in rows] == [10.0, 20.0, 25.0, 30.0]
    assert [row["accuracy"] for row in rows] == pytest.approx([0.55, 0.6, 0.625, 0.65])


def test_the_last_step_beyond_a_budget_counts():
    """Of two models with 60 s each, one ends at 60.0 and one at 60.6: both did what they could."""
    records = [
        _trial(0, 2, seconds=60.0, pace=30.0),
        _trial(0, 3, model="alexnet", seconds=60.0, pace=20.2),
    ]
    (found,) = [
        each for each in figures_of(untested_results(records)) if each.name == "accuracy-seconds"
    ]

    assert "Dashed: the budget." in found.caption
    assert found.told.endswith("At 60 s, the budget: alexnet 65.0 %, lenet 60.0 %.")
    assert found.table == (("alexnet", "65.0 %", "3"), ("lenet", "60.0 %", "2"))


def test_first_weights_have_a_part_of_the_time():
    """What they took is in the training time, and a part of its own of where the time went."""
    results = untested_results([_trial(0, 2, first=7.0)])
    parts = {row["part"]: row["seconds"] for row in times(results)}

    assert results.frame["train_seconds"][0] == 27.0
    assert results.history["train_seconds_so_far"].tolist() == [17.0, 27.0]
    assert list(parts) == list(PARTS)
    assert (parts["first weights"], parts["data wait"] + parts["steps"]) == (7.0, 20.0)


def test_an_album_has_a_cap():
    """What finds no room is left out and counted; what is not kept, too."""
    album = Album({"a": b"x" * 30, "b": b"x" * 30}, most=100)

    assert album.address("a").startswith("data:image/jpeg;base64,")
    assert (album.address("b"), album.address("c")) == (None, None)
    assert (album.refused, album.missing) == (1, 1)
