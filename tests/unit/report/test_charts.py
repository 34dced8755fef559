from __future__ import annotations

from dataclasses import replace

import pytest
from made_records import made_epoch, made_record, made_spec, untested_results

from bench.report.page.charts import figures_of
from bench.report.page.charts.cost import pareto_front
from bench.report.page.charts.seconds import at_budget, quickest, spending
from bench.report.page.charts.times import PARTS, seconds_by_part


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
    rows = spending(untested_results([_trial(0, 2), _trial(1, 4)]))

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
    parts = {row["part"]: row["seconds"] for row in seconds_by_part(results)}

    assert results.frame["train_seconds"][0] == 27.0
    assert results.history["train_seconds_so_far"].tolist() == [17.0, 27.0]
    assert list(parts) == list(PARTS)
    assert (parts["first weights"], parts["data wait"] + parts["steps"]) == (7.0, 20.0)
