"""Where the time of each profiled trial went, and where it could have ended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import altair as alt

from bench.report.page.encodings import BAR_PIXELS, Chart, data, legend_of, sized
from bench.report.page.figure import Figure
from bench.report.page.look import ChartTheme
from bench.report.page.rows import Row, finite, labels
from bench.report.profile import PARTS, trial_name

if TYPE_CHECKING:
    from bench.analysis.results import Results

_COLOURS = ("#000000", "#999999", "#F0E442", "#D55E00", "#0072B2", "#56B4E9", "#009E73", "#CC79A7",
            "#E69F00")  # Okabe and Ito's, and grey  # fmt: skip


def figures(results: Results) -> Iterator[Figure]:
    """Yield the figure, if any trial was profiled."""
    named = labels(results)
    rows = [
        {"trial": trial_name({**row, "model": named[row["model"]]})}
        | {name: finite(row[name]) for name in (*PARTS, "ceiling")}
        for row in results.profile.to_dict("records")
    ]
    if rows:
        yield Figure(
            name="profile",
            title="Where the time of each trial went",
            caption="Wall seconds. Black mark: where training could end, data being there at once.",
            told="Seconds of each trial, part by part.",
            draw=lambda look: _draw(rows, look),
            on_page=False,
        )


def _draw(rows: Sequence[Row], look: ChartTheme) -> Chart:
    parts = [
        {"trial": row["trial"], "part": part, "place": place, "seconds": row[part]}
        for row in rows
        for place, part in enumerate(PARTS)
    ]
    ends = [
        {"trial": row["trial"], "end": sum(row[part] for part in PARTS[:3]) + row["ceiling"]}
        for row in rows
    ]
    names, axis = [row["trial"] for row in rows], alt.Axis(labelLimit=300)
    y: Any = alt.Y("trial:N", sort=names, title=None, axis=axis)
    x = alt.X("seconds:Q", title="wall seconds; training could end at the black mark")
    scale = alt.Scale(domain=PARTS, range=_COLOURS)
    colour = alt.Color("part:N", scale=scale, title=None, legend=legend_of(look), sort=None)
    bars = alt.Chart(data(parts)).mark_bar(size=16)
    marks = alt.Chart(data(ends)).mark_tick(thickness=3, size=24, opacity=1, color=look.ink)
    timed = bars.encode(y=y, x=x, color=colour, order=alt.Order("place:Q"))
    chart = alt.layer(timed, marks.encode(y=y, x="end:Q"))
    return sized(chart, look, height=BAR_PIXELS * max(len(rows), 2))
