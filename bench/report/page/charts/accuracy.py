"""Accuracies, best on top: mean, 95 % interval, and each seed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import altair as alt

from bench.analysis.frame import BASELINE
from bench.analysis.results import Results
from bench.report.page import encodings as enc
from bench.report.page.figure import (
    ChartTheme,
    Figure,
    Row,
    best_first,
    finite,
    labels,
    mean_of,
    points,
)
from bench.system.display import percent


def figures(results: Results) -> Iterator[Figure]:
    """Yield the figure, if any model was tested."""
    rows, named, frame = points(results), labels(results), results.frame
    if not rows:
        return
    seeds = [
        {"model": named[record.model], "accuracy": finite(record.test_accuracy)}
        for record in results.records
        if record.status == "ok" and finite(record.test_accuracy) is not None
    ]
    chance = float(frame.loc[frame["model"] == BASELINE, "test_accuracy"].iloc[0])
    best, worst = (end(row["accuracy"] for row in rows) for end in (max, min))
    reached = percent(best) if len(rows) == 1 else f"{percent(worst)} to {percent(best)}"
    yield Figure(
        name="accuracy",
        title=f"Accuracy {reached}, by chance {percent(chance)}",
        caption=f"{_legend(mean_of(results))} Chance: always predicting the majority class.",
        told=f"Accuracy of {len(rows)} models with intervals. {best_first(rows)}",
        draw=lambda look: _draw(rows, seeds, chance, look),
    )


def _legend(averaged: str) -> str:
    """Return what the marks mean: one seed has no mean, and one training no marks."""
    if averaged == "seeds":
        return "Dot: mean over seeds. Bar: 95 % interval. Thin marks: single trainings."
    folds = " Thin marks: folds." if averaged else ""
    return f"Dot: one seed. Bar: 95 % interval, for other images only.{folds}"


def _draw(rows: Sequence[Row], seeds: Sequence[Row], chance: float, look: ChartTheme) -> enc.Chart:
    rows = rows[: look.most_bars]
    seeds = [seed for seed in seeds if seed["model"] in {row["model"] for row in rows}]
    y: Any = alt.Y("model:N", sort=[row["model"] for row in rows], title=None)
    tips = [enc.MODEL_TIP, enc.ACCURACY_TIP]
    base = alt.Chart(enc.data(rows)).encode(y=y)
    marks = [seed["accuracy"] for seed in seeds]
    ends = enc.ends_of(rows, "accuracy", "low", "high", more=(chance, *marks))
    guess = alt.Chart(enc.data([{"chance": chance, "text": f"chance {percent(chance)}"}]))
    text = guess.mark_text(dy=-8, color=look.faint).encode(y=alt.value(0), text="text:N")
    layers = [
        guess.mark_rule(strokeDash=[4, 4], color=look.faint).encode(x="chance:Q"),
        text.encode(x="chance:Q"),
        alt.Chart(enc.data(seeds))
        .mark_tick(thickness=2, size=12, color=look.faint, opacity=0.7)
        .encode(y=y, x="accuracy:Q"),
        base.transform_filter("isValid(datum.low)")
        .mark_rule(strokeWidth=3, color=look.series[0])
        .encode(x="low:Q", x2="high:Q", tooltip=tips),
        base.mark_point(filled=True, size=90, opacity=1, color=look.series[0]).encode(
            x=enc.accuracy_axis("x", ends, "accuracy"), tooltip=tips
        ),
    ]
    return enc.sized(alt.layer(*layers), look, bars=len(rows), top=14)
