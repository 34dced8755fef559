"""Building blocks of charts: data, axes, lines, labels."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from bench.report.page.figure import ChartTheme, Row, finite, mark
from bench.system.display import short_names

Chart = alt.LayerChart | alt.Chart | alt.FacetChart
PERCENT = ".1%"
MODEL_TIP = alt.Tooltip("model:N", title="model")
ACCURACY_TIP = alt.Tooltip("told:N", title="accuracy")  # with its interval
_HEIGHT, _BAR = 300, 26  # pixels: of a chart, and of one bar
_LINE, _SIDE, _LEADER = 15.0, 5, 14  # pixels: of a line of text, around a chart, before a name
SECONDS = ",~g"  # not `300m` for 0.3
_DECADES = 1.0  # range of costs above which their axis is logarithmic


def data(rows: Sequence[Row]) -> alt.InlineData:
    """Return rows as data of a chart."""
    return alt.InlineData(values=list(rows))


def sized(chart: Chart, look: ChartTheme, bars: int = 0, top: int = 0) -> Chart:
    """Return `chart` with the width of `look`, the height for so many bars, and room on top."""
    height = _BAR * max(bars, 2) if bars else _HEIGHT
    fit = alt.AutoSizeParams(type="fit-x", contains="padding")
    sides = {"left": _SIDE, "right": _SIDE, "top": _SIDE + top, "bottom": _SIDE}
    chart = chart.properties(width=look.width, height=height, autosize=fit, padding=sides)
    found: Chart = chart.configure(**look.config)
    return found


def models_of(rows: Sequence[Row]) -> list[str]:
    """Return the models in `rows`, each once."""
    return list(dict.fromkeys(row["model"] for row in rows))


def tips_of(*names: str) -> list[alt.Tooltip]:
    """Return tooltips for shares, 0 to 1."""
    return [alt.Tooltip(f"{name}:Q", title=name, format=PERCENT) for name in names]


def lines(
    base: alt.Chart, models: Sequence[str], y: Any, tips: list[alt.Tooltip], look: ChartTheme
) -> list[alt.Chart]:
    """Return a line and points for each model, with its own colour, dash and shape."""
    marks = [mark(place) for place in range(len(models))]
    dashes = alt.Scale(domain=list(models), range=[list(each.dash) for each in marks])
    shapes = alt.Scale(domain=list(models), range=[each.shape for each in marks])
    dash = alt.StrokeDash("model:N", sort=None, legend=None, scale=dashes)
    shape = alt.Shape("model:N", sort=None, legend=None, title=None, scale=shapes)
    colour = colour_of(models, look)
    lines = base.mark_line(strokeWidth=2).encode(y=y, color=colour, strokeDash=dash)
    dots = base.mark_point(size=45, filled=True, opacity=1)
    return [lines, dots.encode(y=y, color=colour, shape=shape, tooltip=tips)]


def line_ends(
    rows: Sequence[Row], models: Sequence[str], x: Any, y: Any, ends: tuple[float, float],
    look: ChartTheme,
) -> list[alt.Chart]:  # fmt: skip
    """Return the names at the ends of the lines, right of the chart; no two overlap.

    `ends` are the bounds of the axis `y`.
    """
    low, high = ends
    field = y["shorthand"].removesuffix(":Q")
    last = [row for row in {row["model"]: row for row in rows}.values() if row[field] is not None]
    places = spread([(high - row[field]) / (high - low) * _HEIGHT for row in last], _LINE, _HEIGHT)
    names = short_names([row["model"] for row in last], look.most_letters)
    named = [
        row | {"level": finite(high - place / _HEIGHT * (high - low)), "name": name}
        for row, place, name in zip(last, places, names, strict=True)
    ]
    base = alt.Chart(data(named))
    level = alt.Y("level:Q", title=y["title"])
    beside = alt.value(alt.expr(f"width + {_LEADER}"))
    leader = base.mark_rule(opacity=0.7).encode(
        x=x, y=y, x2=beside, y2="level:Q", color=colour_of(models, look)
    )
    texts = base.mark_text(align="left", dx=4, fontSize=12, color=look.ink)
    return [leader, texts.encode(x=beside, y=level, text="name:N")]


def spread(places: Sequence[float], gap: float, most: float) -> list[float]:
    """Return `places` moved as little as possible, in their order, to be at least `gap` apart.

    They are within 0 and `most`, if that is long enough. Pool adjacent violators: R. E. Barlow et
    al. 1972, Statistical Inference under Order Restrictions.
    """
    order = sorted(range(len(places)), key=places.__getitem__)
    pools = list[tuple[float, int]]()  # mean and number of each
    for number, place in enumerate(order):
        mean, count = places[place] - number * gap, 1
        while pools and pools[-1][0] >= mean:
            before, more = pools.pop()
            mean, count = (before * more + mean * count) / (count + more), count + more
        pools.append((mean, count))
    bound = max(0.0, most - (len(places) - 1) * gap)
    starts = [min(max(0.0, mean), bound) for mean, count in pools for _ in range(count)]
    moved = {place: starts[n] + n * gap for n, place in enumerate(order)}
    return [moved[place] for place in range(len(places))]


def part_bars(
    rows: Sequence[Row], y: alt.Y, title: str, colours: Mapping[str, str], look: ChartTheme
) -> alt.Chart:
    """Return stacked bars of the `seconds` of each `part`, ordered by `place`."""
    scale = alt.Scale(domain=list(colours), range=list(colours.values()))
    spent = alt.Tooltip("seconds:Q", title="seconds", format=",.2f")
    bars: alt.Chart = (
        alt.Chart(data(rows))
        .mark_bar(size=16)
        .encode(
            y=y,
            x=alt.X("seconds:Q", title=title, axis=alt.Axis(tickCount=5)),
            color=alt.Color("part:N", scale=scale, title=None, legend=legend_of(look), sort=None),
            order=alt.Order("place:Q"),
            tooltip=[MODEL_TIP, alt.Tooltip("part:N", title="part"), spent],
        )
    )
    return bars


def colour_of(models: Sequence[str], look: ChartTheme) -> alt.Color:
    """Return the colour scale of the models."""
    colours = [look.series[mark(place).colour] for place in range(len(models))]
    scale = alt.Scale(domain=list(models), range=colours)
    return alt.Color("model:N", sort=None, title=None, scale=scale, legend=None)


def legend_of(look: ChartTheme) -> alt.Legend | None:
    """Return a legend, if the theme has one."""
    return alt.Legend(orient="bottom", columns=3, symbolOpacity=1) if look.legend else None


def accuracy_axis(channel: str, ends: tuple[float, float], title: str) -> Any:
    """Return the axis of an accuracy between `ends`."""
    kind = alt.X if channel == "x" else alt.Y
    scale = alt.Scale(domain=list(ends), nice=False, zero=False)
    axis = alt.Axis(format=".0%", tickCount=6)
    return kind("accuracy:Q", title=title, scale=scale, axis=axis)


def ends_of(rows: Sequence[Row], *names: str, more: Sequence[float] = ()) -> tuple[float, float]:
    """Return the bounds of an axis for the shares `names`, 0 to 1."""
    values = [row[name] for row in rows for name in names if row[name] is not None]
    low, high = min((*values, *more)), max((*values, *more))
    room = max(0.02, (high - low) * 0.06)
    low, high = math.floor((low - room) * 100) / 100, math.ceil((high + room) * 100) / 100
    return max(0.0, low), min(1.0, high)


def cost_scale(values: Sequence[float], *, tight: bool = False) -> alt.Scale:
    """Return a scale with room at its ends; logarithmic if costs differ tenfold."""
    low, high = min(values), max(values)
    if low > 0 and math.log10(high / low) > _DECADES:
        room = (high / low) ** (0.02 if tight else 0.1)
        return alt.Scale(type="log", domain=[low / room, high * room], nice=False)
    if tight:
        return alt.Scale(domain=[0, high * 1.02], nice=False)
    room = (high - low) * 0.12 or high * 0.5 or 1.0
    return alt.Scale(domain=[max(0.0, low - room), high + room], nice=False)
