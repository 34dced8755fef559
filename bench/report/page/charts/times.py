"""Where the time of each model went, its parts one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import altair as alt
import numpy as np

from bench.report.page.encodings import (
    BAR_PIXELS,
    MODEL_TIP,
    Chart,
    data,
    legend_of,
    models_of,
    sized,
)
from bench.report.page.figure import Figure
from bench.report.page.look import ChartTheme
from bench.report.page.rows import Row, finite, labels, shared_note
from bench.training.record import TrialRecord, comparable_times

if TYPE_CHECKING:
    from bench.analysis.results import Results

PARTS = {  # of a trial, and the place of each one's colour among those of a look
    "start-up": 6,
    "first weights": 5,
    "compile": 3,
    "data wait": 1,
    "steps": 0,
    "evaluation": 4,
    "checkpoints": 2,
}


def figures(results: Results) -> Iterator[Figure]:
    """Yield the figure, if any trial has trained."""
    rows = seconds_by_part(results)
    if not rows:
        return
    by_model: dict[str, list[str]] = {}
    for row in rows:
        by_model.setdefault(row["model"], []).append(f"{row['seconds']:,.2f}")
    yield Figure(
        name="time",
        title="Where the time went",
        caption=f"Wall seconds of a trial, means over seeds.{shared_note(results)}",
        told="Seconds of a trial of each model, part by part.",
        draw=lambda look: _draw(rows, look),
        key=tuple(PARTS.items()),
        head=("model", *PARTS),
        table=tuple((model, *values) for model, values in by_model.items()),
    )


def seconds_by_part(results: Results) -> list[Row]:
    """Return one row for each model and part of a trial, in seconds, means over seeds."""
    rows = list[Row]()
    for model, label in labels(results).items():
        trials = [
            r for r in comparable_times(results.records) if r.model == model and r.train_seconds
        ]
        if trials:
            parts = zip(PARTS, np.mean([_parts(each) for each in trials], axis=0), strict=True)
            rows += [
                {"model": label, "part": part, "place": place, "seconds": finite(value)}
                for place, (part, value) in enumerate(parts)
            ]
    return rows


def _parts(record: TrialRecord) -> list[float]:
    return [
        record.startup_seconds,
        record.initialization_seconds,
        record.compile_seconds,
        record.data_wait_seconds,
        max(0.0, record.train_seconds - record.data_wait_seconds),
        record.evaluation_seconds,
        record.checkpoint_seconds,
    ]


def _draw(rows: Sequence[Row], look: ChartTheme) -> Chart:
    models = models_of(rows)
    scale = alt.Scale(domain=list(PARTS), range=[look.series[place] for place in PARTS.values()])
    spent = alt.Tooltip("seconds:Q", title="seconds", format=",.2f")
    chart = (
        alt.Chart(data(rows))
        .mark_bar(size=16)
        .encode(
            y=alt.Y("model:N", sort=models, title=None),
            x=alt.X("seconds:Q", title="seconds a trial", axis=alt.Axis(tickCount=5)),
            color=alt.Color("part:N", scale=scale, title=None, legend=legend_of(look), sort=None),
            order=alt.Order("place:Q"),
            tooltip=[MODEL_TIP, alt.Tooltip("part:N", title="part"), spent],
        )
    )
    return sized(chart, look, height=BAR_PIXELS * max(len(models), 2))
