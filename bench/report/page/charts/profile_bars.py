"""Time of each profiled trial by part, and the end without waiting for data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import altair as alt

from bench.analysis.results import Results
from bench.report.page import encodings as enc
from bench.report.page.figure import ChartTheme, Figure, Row, finite, labels
from bench.report.table import PARTS, trial_name

_COLOURS = ("#000000", "#999999", "#F0E442", "#D55E00", "#0072B2", "#56B4E9", "#009E73", "#CC79A7",
            "#E69F00")  # Okabe and Ito's, and grey  # fmt: skip


def figures(results: Results) -> Iterator[Figure]:
    """Yield the figure, if any trial was profiled."""
    named = labels(results)
    rows, ends = list[Row](), list[Row]()
    for trial in results.profile.to_dict("records"):
        name = trial_name({**trial, "model": named[trial["model"]]})
        for place, part in enumerate(PARTS):
            seconds = finite(trial[part])
            rows.append({"model": name, "part": part, "place": place, "seconds": seconds})
        before = sum(trial[part] for part in PARTS[:3])
        ends.append({"model": name, "end": finite(before + trial["ceiling"])})
    if rows:
        yield Figure(
            name="profile",
            title="Time of each trial by part",
            caption="Wall seconds. Black mark: the end of training without waiting for data.",
            told="Seconds of each trial by part.",
            draw=lambda look: _draw(rows, ends, look),
            on_page=False,
        )


def _draw(rows: Sequence[Row], ends: Sequence[Row], look: ChartTheme) -> enc.Chart:
    y = alt.Y("model:N", sort=enc.models_of(ends), title=None, axis=alt.Axis(labelLimit=300))
    title = "wall seconds; black mark: end without waiting for data"
    bars = enc.part_bars(rows, y, title, dict(zip(PARTS, _COLOURS, strict=True)), look)
    marks = alt.Chart(enc.data(ends)).mark_tick(thickness=3, size=24, opacity=1, color=look.ink)
    return enc.sized(alt.layer(bars, marks.encode(y=y, x="end:Q")), look, bars=len(ends))
