"""Validation accuracy against training seconds: the best model at an equal budget."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import altair as alt

from bench.analysis.column import three_figures
from bench.analysis.results import Results
from bench.report.page import encodings as enc
from bench.report.page.figure import (
    ChartTheme,
    Figure,
    Row,
    best_first,
    charted_labels,
    finite,
    mean,
    mean_of,
    shared_note,
    trials_of,
)
from bench.system.display import percent
from bench.training.record import comparable_times

_QUICKEST = "the end of the quickest model"


def figures(results: Results) -> Iterator[Figure]:
    """Yield the figure, if any trial has finished an epoch."""
    rows, models = spending(results), list(charted_labels(results).values())
    if not rows:
        return
    budgets = {record.spec.recipe.seconds for record in results.records}
    given = budgets.pop() if len(budgets) == 1 else None  # the same for all
    first, goal = quickest(rows), target(results)
    limit = (given or first) if first else None
    # the last step may end after the budget, and counts
    table = at_budget(rows, math.inf if given else limit) if limit else []
    when = "the budget" if given else "the end of the quickest model"
    best = f" At {limit:,.4g} s, {when}: {best_first(table)}" if limit else ""
    yield Figure(
        name="accuracy-seconds",
        title=_found(table, limit),
        caption="Validation accuracy after each epoch against training seconds so far"
        + (f", means over {averaged}." if (averaged := mean_of(results)) else ".")
        + (f" Dashed: {'the budget' if given else _QUICKEST}." if limit else "")
        + (f" Dotted: the target of {goal * 100:.4g} %." if goal else "")
        + shared_note(results),
        told=f"Validation accuracy against training seconds so far.{best}",
        draw=lambda look: _draw(rows, models, limit, goal, look),
        on_page=any(row["epoch"] > 1 for row in rows),  # else points, which the costs show too
        head=("model", f"after {limit:,.4g} s", "epochs") if limit else (),
        table=tuple(
            (row["model"], percent(row["accuracy"]) or "no epoch", str(row.get("epoch", 0)))
            for row in table
        ),
    )


def _found(table: Sequence[Row], limit: float | None) -> str:
    """Return the first two models at `limit` seconds."""
    if limit is None or not table or table[0]["accuracy"] is None:
        return "Validation accuracy by training seconds"
    return f"After {three_figures(limit)} s: {best_first(table[:2]).rstrip('.')}"


def spending(results: Results) -> list[Row]:
    """Return one row for each epoch: training seconds so far and validation accuracy, means.

    A trial with fewer epochs than another, by its budget or its patience, counts in the later rows
    with its last epoch. So the last row is the end of all trials.
    """
    rows = list[Row]()
    for model, label in charted_labels(results).items():
        trials = trials_of(comparable_times(results.records), model)
        walks = [[*zip(trial.seconds_so_far, trial.history, strict=True)] for trial in trials]
        for number in range(max(map(len, walks), default=0)):
            ends = [walk[min(number, len(walk) - 1)] for walk in walks]
            rows.append(
                {
                    "model": label,
                    "epoch": number + 1,
                    "seconds": mean([seconds for seconds, _ in ends]),
                    "accuracy": mean([epoch.validation_accuracy for _, epoch in ends]),
                }
            )
    return [row for row in rows if row["seconds"] and row["accuracy"] is not None]


def quickest(rows: Sequence[Row]) -> float | None:
    """Return the seconds of the quickest model of `spending`, if there are two or more."""
    totals: dict[str, float] = {}
    for row in rows:
        totals[row["model"]] = max(row["seconds"], totals.get(row["model"], 0.0))
    return min(totals.values()) if len(totals) > 1 else None


def target(results: Results) -> float | None:
    """Return the target of validation accuracy, 0 to 1, if there is one."""
    found = results.frame["target_accuracy"].dropna()
    return finite(float(found.iloc[0])) if len(found) else None


def at_budget(rows: Sequence[Row], seconds: float) -> list[Row]:
    """Return for each model its last row of `spending` within `seconds`, if any; best first."""
    last: dict[str, Row | None] = dict.fromkeys(row["model"] for row in rows)
    for row in rows:
        if row["seconds"] <= seconds:
            last[row["model"]] = row
    found = [row or {"model": model, "accuracy": None} for model, row in last.items()]
    return sorted(found, key=lambda row: 1.0 if row["accuracy"] is None else -row["accuracy"])


def _draw(
    rows: Sequence[Row],
    models: Sequence[str],
    limit: float | None,
    goal: float | None,
    look: ChartTheme,
) -> enc.Chart:
    """Return the chart, with lines at the budget and the target."""
    scale = enc.cost_scale([row["seconds"] for row in rows], tight=True)
    x = alt.X("seconds:Q", title="training seconds so far", scale=scale,
              axis=alt.Axis(format=enc.SECONDS, tickCount=6, grid=False))  # fmt: skip
    ends = enc.ends_of(rows, "accuracy", more=() if goal is None else (goal,))
    y = enc.accuracy_axis("y", ends, "validation accuracy")
    spent = alt.Tooltip("seconds:Q", title="seconds", format=",.1f")
    tips = [enc.MODEL_TIP, spent, *enc.tips_of("accuracy")]
    beside = enc.line_ends(rows, models, x, y, ends, look)
    layers = enc.lines(alt.Chart(enc.data(rows)).encode(x=x), models, y, tips, look)
    if limit is not None:
        rule = alt.Chart(
            enc.data([{"seconds": limit, "text": f"{three_figures(limit)} s"}])
        ).encode(x=x)
        place: Any = {"dy": -8}
        layers = [
            rule.mark_rule(strokeDash=[4, 4], color=look.faint),
            rule.mark_text(color=look.faint, **place).encode(text="text:N", y=alt.value(0)),
            *layers,
        ]
    if goal is not None:
        level = alt.Chart(enc.data([{"accuracy": goal}])).encode(y=y)
        layers = [level.mark_rule(strokeDash=[1, 3], color=look.faint), *layers]
    return enc.sized(alt.layer(*layers, *beside), look, top=10)
