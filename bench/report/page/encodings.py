"""What charts are put together from: data, axes, lines, labels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import altair as alt

from bench.report.page.look import ChartTheme, mark
from bench.report.page.rows import Row

Chart = alt.LayerChart | alt.Chart | alt.FacetChart
PERCENT = ".1%"
BAR_PIXELS = 26  # a row
MODEL_TIP = alt.Tooltip("model:N", title="model")
_HEIGHT = 300
_DECADES = 1.0  # of costs, from which on their axis is logarithmic


def data(rows: Sequence[Row]) -> alt.InlineData:
    """Return rows as a chart holds them."""
    return alt.InlineData(values=list(rows))


def sized(chart: Chart, look: ChartTheme, height: int = _HEIGHT) -> Chart:
    """Return `chart` as wide as its place, or as a file is."""
    fit = alt.AutoSizeParams(type="fit-x", contains="padding")
    sized: Chart = chart.properties(width=look.width, height=height, autosize=fit)
    found: Chart = sized.configure(**look.config)
    return found


def models_of(rows: Sequence[Row]) -> list[str]:
    """Return the models in `rows`, each once."""
    return list(dict.fromkeys(row["model"] for row in rows))


def tips_of(*names: str, titles: dict[str, str] | None = None) -> list[alt.Tooltip]:
    """Return what is told of shares where one points."""
    told = {"low": "95 % from", "high": "95 % to"} | (titles or {})
    return [alt.Tooltip(f"{name}:Q", title=told.get(name, name), format=PERCENT) for name in names]


def lines(
    base: alt.Chart, models: Sequence[str], y: Any, tips: list[alt.Tooltip], look: ChartTheme
) -> list[alt.Chart]:
    """Return a line and points for each model, told apart by colour, dash and shape."""
    marks = [mark(place) for place in range(len(models))]
    dash = alt.StrokeDash(
        "model:N",
        sort=None,
        legend=None,
        scale=alt.Scale(domain=list(models), range=[list(each.dash) for each in marks]),
    )
    shape = alt.Shape(
        "model:N",
        sort=None,
        legend=legend_of(look),
        title=None,
        scale=alt.Scale(domain=list(models), range=[each.shape for each in marks]),
    )
    colour = colour_of(models, look, legend=look.legend)
    lines = base.mark_line(strokeWidth=2).encode(y=y, color=colour, strokeDash=dash)
    dots = base.mark_point(size=45, filled=True, opacity=1)
    return [lines, dots.encode(y=y, color=colour, shape=shape, tooltip=tips)]


def colour_of(models: Sequence[str], look: ChartTheme, *, legend: bool) -> alt.Color:
    """Return each model's colour."""
    colours = [look.series[mark(place).colour] for place in range(len(models))]
    scale = alt.Scale(domain=list(models), range=colours)
    return alt.Color(
        "model:N", sort=None, title=None, scale=scale, legend=legend_of(look) if legend else None
    )


def legend_of(look: ChartTheme) -> alt.Legend | None:
    """Return a legend where the look has one."""
    return alt.Legend(orient="bottom", columns=3, symbolOpacity=1) if look.legend else None


def accuracy_axis(channel: str, ends: tuple[float, float], title: str) -> Any:
    """Return the axis of an accuracy, from just below the least to just above the most."""
    kind = alt.X if channel == "x" else alt.Y
    scale = alt.Scale(domain=list(ends), nice=False, zero=False)
    axis = alt.Axis(format=".0%", tickCount=6)
    return kind("accuracy:Q", title=title, scale=scale, axis=axis)


def ends_of(rows: Sequence[Row], *names: str, more: Sequence[float] = ()) -> tuple[float, float]:
    """Return the bounds of an axis that shows all shares `names`, 0 to 1."""
    values = [row[name] for row in rows for name in names if row[name] is not None]
    low, high = min((*values, *more)), max((*values, *more))
    room = max(0.02, (high - low) * 0.06)
    low, high = math.floor((low - room) * 100) / 100, math.ceil((high + room) * 100) / 100
    return max(0.0, low), min(1.0, high)


def cost_scale(values: Sequence[float], *, tight: bool = False) -> alt.Scale:
    """Return a scale with room at its ends: logarithmic where costs are tenfold apart."""
    low, high = min(values), max(values)
    if low > 0 and math.log10(high / low) > _DECADES:
        room = (high / low) ** (0.02 if tight else 0.1)
        return alt.Scale(type="log", domain=[low / room, high * room], nice=False)
    if tight:
        return alt.Scale(domain=[0, high * 1.02], nice=False)
    room = (high - low) * 0.12 or high * 0.5 or 1.0
    return alt.Scale(domain=[max(0.0, low - room), high + room], nice=False)


def choose_colour(test: str, yes: str, no: str) -> Any:
    """Return one of two colours."""
    return alt.condition(test, alt.value(yes), alt.value(no))
