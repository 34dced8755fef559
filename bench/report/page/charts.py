"""The charts, by Vega-Altair: rows in, a chart out, drawn as a `ChartTheme` says."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import altair as alt

from bench.report.page.beside import place_labels, with_point_labels
from bench.report.page.encodings import (
    Chart,
    accuracy_axis,
    choose_colour,
    colour_of,
    cost_scale,
    data,
    ends_of,
    legend_of,
    lines,
    models_of,
    sized,
    tips_of,
)
from bench.report.page.look import ChartTheme
from bench.report.page.rows import PARTS, Row, pareto_front

_PERCENT = ".1%"
_BAR = 26  # pixels a row
_MODEL = alt.Tooltip("model:N", title="model")


def ranking(rows: Sequence[Row], seeds: Sequence[Row], chance: float, look: ChartTheme) -> Chart:
    """Return accuracies, the best on top: mean, 95 % interval, and each seed's."""
    order = [row["model"] for row in rows]
    y: Any = alt.Y("model:N", sort=order, title=None)
    tips = [_MODEL, *tips_of("accuracy", "low", "high")]
    base = alt.Chart(data(rows)).encode(y=y)
    layers = [
        alt.Chart(data([{"chance": chance}]))
        .mark_rule(strokeDash=[4, 4], color=look.faint)
        .encode(x="chance:Q", tooltip=tips_of("chance", titles={"chance": "majority class"})),
        alt.Chart(data(seeds))
        .mark_tick(thickness=2, size=12, color=look.faint, opacity=0.7)
        .encode(y=y, x="accuracy:Q"),
        base.transform_filter("isValid(datum.low)")
        .mark_rule(strokeWidth=3, color=look.series[0])
        .encode(x="low:Q", x2="high:Q", tooltip=tips),
        base.mark_point(filled=True, size=90, opacity=1, color=look.series[0]).encode(
            x=accuracy_axis(
                "x", ends_of(rows, "accuracy", "low", "high", more=(chance,)), "accuracy"
            ),
            tooltip=tips,
        ),
    ]
    return sized(alt.layer(*layers), look, height=_BAR * max(len(rows), 2))


def cost(rows: Sequence[Row], name: str, title: str, look: ChartTheme) -> Chart:
    """Return accuracy against the cost `name`: intervals, and a line through the Pareto front."""
    priced = [dict(row) for row in rows if row[name] is not None]
    best = pareto_front(priced, name)
    for row in priced:
        row["on_front"] = any(row["model"] == each["model"] for each in best)
    place_labels(priced, name)
    x = alt.X(f"{name}:Q", title=title, scale=cost_scale([row[name] for row in priced]),
              axis=alt.Axis(format="~s", grid=False, tickCount=5))  # fmt: skip
    y = accuracy_axis("y", ends_of(priced, "accuracy", "low", "high"), "accuracy")
    tips = [_MODEL, *tips_of("accuracy", "low", "high"),
            alt.Tooltip(f"{name}:Q", title=title, format=",.4~r")]  # fmt: skip
    colour = choose_colour("datum.on_front", look.series[0], look.faint)
    base = alt.Chart(data(priced)).encode(x=x, y=y)
    layers = [
        alt.Chart(data(pareto_front(priced, name)))
        .mark_line(interpolate="step-after", color=look.series[0], strokeWidth=2, opacity=0.8)
        .encode(x=x, y=y),
        base.transform_filter("isValid(datum.low)")
        .mark_rule(strokeWidth=1.5, opacity=0.7)
        .encode(y=alt.Y("low:Q"), y2="high:Q", color=colour, tooltip=tips),
        base.mark_point(filled=True, size=80, opacity=1).encode(color=colour, tooltip=tips),
        *with_point_labels(priced, x, y, look),
    ]
    return sized(alt.layer(*layers), look)


def learning(
    rows: Sequence[Row],
    models: Sequence[str],
    name: str,
    look: ChartTheme,
    *,
    spread: bool,
    training: bool,
) -> Chart:
    """Return `name`, accuracy or loss, by epoch: means over seeds, from the least to the most."""
    step = -(-max(row["epoch"] for row in rows) // 10)  # whole epochs, ten ticks at most
    ticks = [each for each in sorted({row["epoch"] for row in rows}) if each % step == 0]
    x = alt.X("epoch:Q", axis=alt.Axis(format="d", values=ticks, grid=False))
    percent = name == "accuracy"
    ends = ends_of(rows, name, f"{name}_low", f"{name}_high")
    y = accuracy_axis("y", ends, "validation accuracy") if percent else alt.Y(
        f"{name}:Q", title="validation loss (nats)", scale=alt.Scale(zero=False)
    )  # fmt: skip
    form = _PERCENT if percent else ".4f"
    tips = [_MODEL, alt.Tooltip("epoch:Q", title="epoch"),
            alt.Tooltip(f"{name}:Q", title=name, format=form),
            alt.Tooltip("seeds:Q", title="seeds")]  # fmt: skip
    base = alt.Chart(data(rows)).encode(x=x)
    layers: list[alt.Chart] = []
    if spread and any(row["seeds"] > 1 for row in rows):
        band = {"y": alt.Y(f"{name}_low:Q"), "y2": f"{name}_high:Q"}
        layers.append(
            base.mark_area(opacity=0.15).encode(color=colour_of(models, look, legend=False), **band)
        )
    if training:
        layers.append(
            base.mark_line(strokeDash=[1, 3], strokeWidth=1.5).encode(
                y="training:Q", color=colour_of(models, look, legend=False)
            )
        )
    return sized(alt.layer(*layers, *lines(base, models, y, tips, look)), look)


def seconds(
    rows: Sequence[Row],
    models: Sequence[str],
    budget: float | None,
    look: ChartTheme,
    *,
    target: float | None = None,
) -> Chart:
    """Return validation accuracy against training seconds so far, rules at budget and target."""
    title = "training seconds so far"
    scale = cost_scale([row["seconds"] for row in rows], tight=True)
    x = alt.X("seconds:Q", title=title, scale=scale, axis=alt.Axis(format="~s", tickCount=6,
              grid=False))  # fmt: skip
    more = () if target is None else (target,)
    y = accuracy_axis("y", ends_of(rows, "accuracy", more=more), "validation accuracy")
    spent = alt.Tooltip("seconds:Q", title="seconds", format=",.1f")
    tips = [_MODEL, alt.Tooltip("epoch:Q", title="epoch"), spent, *tips_of("accuracy")]
    layers = lines(alt.Chart(data(rows)).encode(x=x), models, y, tips, look)
    if budget is not None:
        rule = alt.Chart(data([{"seconds": budget, "told": f"{budget:,.4g} s"}])).encode(x=x)
        layers = [
            rule.mark_rule(strokeDash=[4, 4], color=look.faint),
            rule.mark_text(align="left", dx=4, baseline="top", color=look.faint, y=0).encode(
                text="told:N", y=alt.value(0)
            ),
            *layers,
        ]
    if target is not None:
        level = alt.Chart(data([{"accuracy": target}])).encode(y=y)
        layers = [level.mark_rule(strokeDash=[1, 3], color=look.faint), *layers]
    return sized(alt.layer(*layers), look)


def calibration(rows: Sequence[Row], models: Sequence[str], look: ChartTheme) -> Chart:
    """Return the share right against the confidence; on the diagonal, confidence can be trusted."""
    ends = [math.floor(min(row["confidence"] for row in rows) * 10) / 10, 1.0]
    least = min([*(row["accuracy"] for row in rows), ends[0]])
    x = alt.X("confidence:Q", title="confidence", scale=alt.Scale(domain=ends, nice=False),
              axis=alt.Axis(format=".0%", grid=False, tickCount=6))  # fmt: skip
    y = alt.Y("accuracy:Q", title="share that is right", axis=alt.Axis(format=".0%", tickCount=6),
              scale=alt.Scale(domain=[math.floor(least * 10) / 10, 1.0], nice=False))  # fmt: skip
    tips = [_MODEL, *tips_of("confidence", "accuracy"),
            alt.Tooltip("answers:Q", title="answers")]  # fmt: skip
    corners = data([{"confidence": end, "accuracy": end} for end in ends])
    diagonal = alt.Chart(corners).mark_line(strokeDash=[4, 4], color=look.faint, strokeWidth=1)
    series = lines(alt.Chart(data(rows)).encode(x=x), models, y, tips, look)
    return sized(alt.layer(diagonal.encode(x=x, y=y), *series), look)


def times(rows: Sequence[Row], look: ChartTheme) -> Chart:
    """Return where the time of each model went, its parts one after the other."""
    models = models_of(rows)
    scale = alt.Scale(domain=list(PARTS), range=[look.series[place] for place in part_colours()])
    spent = alt.Tooltip("seconds:Q", title="seconds", format=",.2f")
    chart = (
        alt.Chart(data(rows))
        .mark_bar(size=16)
        .encode(
            y=alt.Y("model:N", sort=models, title=None),
            x=alt.X("seconds:Q", title="seconds a trial", axis=alt.Axis(tickCount=5)),
            color=alt.Color("part:N", scale=scale, title=None, legend=legend_of(look), sort=None),
            order=alt.Order("place:Q"),
            tooltip=[
                _MODEL,
                alt.Tooltip("part:N", title="part"),
                spent,
            ],
        )
    )
    return sized(chart, look, height=_BAR * max(len(models), 2))


def confusion(rows: Sequence[Row], look: ChartTheme) -> Chart:
    """Return for each model how often each class was taken for which, in shares of the class."""
    classes = list(dict.fromkeys(row["label"] for row in rows))
    base = alt.Chart().encode(  # the facet has the data, and gives each its own
        x=alt.X("said:N", sort=classes, title="said", axis=alt.Axis(labelAngle=0, domain=False,
                ticks=False)),
        y=alt.Y("label:N", sort=classes, title="label", axis=alt.Axis(domain=False, ticks=False)),
    )  # fmt: skip
    opacity = alt.Opacity("share:Q", scale=alt.Scale(domain=[0, 1], range=[0.03, 0.85]),
                          legend=None)  # fmt: skip
    text = base.mark_text(fontSize=11, color=look.ink).encode(
        text=alt.Text("share:Q", format=".0%")
    )
    side = max(90, 42 * len(classes))
    squares = base.mark_rect(color=look.series[5]).encode(opacity=opacity)
    chart: Chart = (
        alt.layer(squares, text, data=data(rows))
        .properties(width=side, height=side)
        .facet(facet=alt.Facet("model:N", sort=models_of(rows), title=None), columns=3)
        .configure(**look.config)
    )
    return chart


def part_colours() -> tuple[int, ...]:
    """Return the place of each part's colour among those of a look."""
    return (6, 5, 3, 1, 0, 4, 2)
