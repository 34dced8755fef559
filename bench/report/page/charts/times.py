"""Time of each model by part."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import altair as alt
import numpy as np

from bench.analysis.results import Results
from bench.report.page import encodings as enc
from bench.report.page.figure import ChartTheme, Figure, Row, finite, labels, mean_of, shared_note
from bench.system.display import percent
from bench.training.record import TrialRecord, comparable_times

PARTS = {  # of a trial, each with its number in `ChartTheme.series`
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
    means = f", means over {averaged}" if (averaged := mean_of(results)) else ""
    yield Figure(
        name="time",
        title=_found(rows),
        caption=f"Wall seconds per trial{means}.{shared_note(results)}",
        told="Seconds per trial of each model, by part.",
        draw=lambda look: _draw(rows, look),
        key=tuple(PARTS.items()),
        head=("model", *PARTS),
        table=tuple((model, *values) for model, values in by_model.items()),
    )


def _found(rows: Sequence[Row]) -> str:
    """Return the part that takes the most, over all models."""
    spent: dict[str, float] = {}
    for row in rows:
        spent[row["part"]] = spent.get(row["part"], 0.0) + (row["seconds"] or 0.0)
    most = max(spent, key=spent.__getitem__)
    share = spent[most] / (sum(spent.values()) or 1.0)
    return f"{most[0].upper()}{most[1:]}: {percent(share, 0)} of the time"


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


def _draw(rows: Sequence[Row], look: ChartTheme) -> enc.Chart:
    models = enc.models_of(rows)[: look.most_bars]
    rows = [row for row in rows if row["model"] in models]
    colours = {part: look.series[place] for part, place in PARTS.items()}
    y = alt.Y("model:N", sort=models, title=None)
    chart = enc.part_bars(rows, y, "seconds per trial", colours, look)
    return enc.sized(chart, look, bars=len(models))
