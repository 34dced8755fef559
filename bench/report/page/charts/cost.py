"""Accuracy against what a model costs: intervals, and a line through the Pareto front."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import altair as alt

from bench.analysis.results import Results
from bench.report.page import encodings as enc
from bench.report.page.beside import place_labels, with_point_labels
from bench.report.page.figure import Figure, Row, points, shared_note
from bench.report.page.look import ChartTheme


def figures(results: Results) -> Iterator[Figure]:
    """Yield one figure for each cost that is known of a model that was tested."""
    rows = points(results)
    if any(row["seconds"] for row in rows):
        note = shared_note(results)
        yield _figure(rows, "seconds", "training seconds", "training time", note)
    if any(row["parameters"] for row in rows):
        yield _figure(rows, "parameters", "parameters", "parameters")


def _figure(rows: Sequence[Row], name: str, title: str, against: str, note: str = "") -> Figure:
    best = [row["model"] for row in pareto_front(rows, name)]
    return Figure(
        name=f"accuracy-{against.replace(' ', '-')}",
        title=f"Accuracy against {against}",
        caption="Line: the Pareto front, the models that no other beats at the same price or "
        f"less. Bars: 95 % intervals. Names stand where there is room; the table has all.{note}",
        told=f"Each model's accuracy against its {against}. On the Pareto front, the cheapest "
        f"first: {', '.join(best)}.",
        draw=lambda look: _draw(rows, name, title, look),
    )


def pareto_front(rows: Sequence[Row], cost: str) -> list[Row]:
    """Return `rows` that no other beats in accuracy at no more `cost`, the cheapest first."""
    best, found = -math.inf, []
    priced = [row for row in rows if row[cost] is not None]
    for row in sorted(priced, key=lambda row: (row[cost], -row["accuracy"])):
        if row["accuracy"] > best:
            found.append(row)
            best = row["accuracy"]
    return found


def _draw(rows: Sequence[Row], name: str, title: str, look: ChartTheme) -> enc.Chart:
    best = {row["model"] for row in pareto_front(rows, name)}
    priced = [row | {"on_front": row["model"] in best} for row in rows if row[name] is not None]
    place_labels(priced, name)
    x = alt.X(f"{name}:Q", title=title, scale=enc.cost_scale([row[name] for row in priced]),
              axis=alt.Axis(format="~s", grid=False, tickCount=5))  # fmt: skip
    y = enc.accuracy_axis("y", enc.ends_of(priced, "accuracy", "low", "high"), "accuracy")
    tips = [enc.MODEL_TIP, *enc.tips_of("accuracy", "low", "high"),
            alt.Tooltip(f"{name}:Q", title=title, format=",.4~r")]  # fmt: skip
    colour = alt.condition("datum.on_front", alt.value(look.series[0]), alt.value(look.faint))
    base = alt.Chart(enc.data(priced)).encode(x=x, y=y)
    layers = [
        alt.Chart(enc.data(pareto_front(priced, name)))
        .mark_line(interpolate="step-after", color=look.series[0], strokeWidth=2, opacity=0.8)
        .encode(x=x, y=y),
        base.transform_filter("isValid(datum.low)")
        .mark_rule(strokeWidth=1.5, opacity=0.7)
        .encode(y=alt.Y("low:Q"), y2="high:Q", color=colour, tooltip=tips),
        base.mark_point(filled=True, size=80, opacity=1).encode(color=colour, tooltip=tips),
        *with_point_labels(priced, x, y, look),
    ]
    return enc.sized(alt.layer(*layers), look)
