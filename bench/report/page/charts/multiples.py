"""Small multiples of a follow-up: one small chart a panel, all with the same axes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import altair as alt

from bench.analysis.results import Results
from bench.report.followup_file import Followup, Multiples
from bench.report.page import encodings as enc
from bench.report.page.figure import ChartTheme, Figure, Row, charted_labels, finite, mark
from bench.system.display import percent, short

_HEIGHT, _PAPER_WIDTH, _COLUMNS = 130, 190, 3  # pixels of a panel, and panels in a row on paper
_PANEL_CELLS, _MOST_TICKS = 40, 6


def figures(results: Results, found: Followup) -> Iterator[Figure]:
    """Yield, for each chart of `found`, one figure for paper and one a panel for the page."""
    for chart in found.charts:
        models, rows = _rows(results, chart)
        if not rows:
            continue
        name = f"{found.kind}-{chart.name}"
        yield Figure(
            name=name,
            title=chart.title,
            caption=chart.caption,
            told=chart.spoken,
            draw=lambda look, rows=rows, models=models, chart=chart: _draw_all(  # type: ignore[misc]
                rows, models, chart, look
            ),
            on_page=False,
        )
        for number, panel in enumerate(_panels(rows), start=1):
            some = [row for row in rows if row["panel"] == panel]
            yield Figure(
                name=f"{name}-{number}",
                title=panel,
                caption="",
                told=f"{panel}: {_told(some)}",
                draw=lambda look, some=some, rows=rows, models=models, chart=chart: _draw_one(  # type: ignore[misc]
                    some, rows, models, chart, look
                ),
                on_paper=False,
            )


def key_of(results: Results, chart: Multiples) -> list[tuple[str, int]]:
    """Return the legend of `chart`: labels of its models with the number of their colour."""
    models, rows = _rows(results, chart)
    there = {row["model"] for row in rows}
    return [(each, mark(place).colour) for place, each in enumerate(models) if each in there]


def _rows(results: Results, chart: Multiples) -> tuple[list[str], list[Row]]:
    """Return the labels of the charted models, and the values as rows, panel by panel."""
    named = charted_labels(results)
    rows = [
        {
            "panel": short(point.panel, _PANEL_CELLS),
            "model": named[point.model],
            "x": finite(point.x),
            "y": finite(point.y),
            "low": finite(point.low),
            "high": finite(point.high),
        }
        for point in chart.points
        if point.model in named
    ]
    return list(named.values()), rows


def _panels(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(row["panel"] for row in rows))


def _told(rows: Sequence[Row]) -> str:
    last = {row["model"]: row for row in rows}.values()
    return ", ".join(f"{row['model']} ends at {row['y']:.3g}" for row in last)


def _draw_one(
    some: Sequence[Row], rows: Sequence[Row], models: Sequence[str], chart: Multiples,
    look: ChartTheme,
) -> enc.Chart:  # fmt: skip
    """Return the panel of `some` rows, with the axes of all."""
    fit = alt.AutoSizeParams(type="fit-x", contains="padding")
    panel = alt.layer(*_layers(some, rows, models, chart, look))
    panel = panel.properties(width=look.width, height=_HEIGHT, autosize=fit, padding=2)
    found: enc.Chart = panel.configure(**look.config)
    return found


def _draw_all(
    rows: Sequence[Row], models: Sequence[str], chart: Multiples, look: ChartTheme
) -> enc.Chart:
    """Return all panels in one picture."""
    panels = [
        alt.layer(*_layers([r for r in rows if r["panel"] == panel], rows, models, chart, look))
        .properties(width=_PAPER_WIDTH, height=_HEIGHT, title=alt.TitleParams(panel, fontSize=12))
        for panel in _panels(rows)
    ]  # fmt: skip
    found: Any = alt.concat(*panels, columns=_COLUMNS).configure(**look.config)
    return found  # type: ignore[no-any-return]


def _layers(
    some: Sequence[Row], rows: Sequence[Row], models: Sequence[str], chart: Multiples,
    look: ChartTheme,
) -> list[alt.Chart]:  # fmt: skip
    x = _x_axis(rows, chart)
    y = _axis(rows, chart)
    form = enc.PERCENT if chart.share else ",.4~g"
    tips = [enc.MODEL_TIP, alt.Tooltip("x:Q", title=chart.x, format=",.4~g"),
            alt.Tooltip("y:Q", title=chart.y, format=form)]  # fmt: skip
    base = alt.Chart(enc.data(some)).encode(x=x)
    colour = enc.colour_of(models, look).legend(enc.legend_of(look))
    bars = base.transform_filter("isValid(datum.low)").mark_rule(opacity=0.45, strokeWidth=1.5)
    line, dots = enc.lines(base, models, y, tips, look)
    bars = bars.encode(y=alt.Y("low:Q"), y2="high:Q", color=colour)
    return [bars, line, dots] if chart.joined else [bars, dots]


def _x_axis(rows: Sequence[Row], chart: Multiples) -> alt.X:
    """Return the axis of `x`: with a tick at each value of lines, with room around points."""
    places = sorted({row["x"] for row in rows})
    if not chart.joined:
        axis = alt.Axis(format=enc.SECONDS, grid=False, tickCount=4, labelFontSize=11)
        return alt.X("x:Q", title=chart.x, scale=enc.cost_scale(places), axis=axis)
    ticks = {"values": places} if len(places) <= _MOST_TICKS else {"tickCount": 4}
    axis = alt.Axis(format="~s", grid=False, labelFontSize=11, **ticks)
    ends = [places[0], places[-1]]
    scale = alt.Scale(type="log" if chart.log else "linear", domain=ends, nice=False)
    return alt.X("x:Q", title=chart.x, scale=scale, axis=axis)


def _axis(rows: Sequence[Row], chart: Multiples) -> alt.Y:
    if chart.share:
        ends = enc.ends_of(rows, "y", "low", "high")
        scale = alt.Scale(domain=list(ends), nice=False, zero=False)
        axis = alt.Axis(format=".0%", tickCount=4, labelFontSize=11)
        return alt.Y("y:Q", title=chart.y, scale=scale, axis=axis)
    axis = alt.Axis(format="~s", tickCount=4, labelFontSize=11)
    return alt.Y("y:Q", title=chart.y, scale=alt.Scale(zero=False), axis=axis)


def as_table(results: Results, chart: Multiples) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the head and the rows of `chart` as a table."""
    head = ("panel", "model", chart.x, chart.y)
    text = percent if chart.share else "{:,.4g}".format
    rows = _rows(results, chart)[1]
    return head, [(r["panel"], r["model"], f"{r['x']:g}", text(r["y"])) for r in rows]
