"""Calibration: accuracy against confidence; a calibrated model is on the diagonal.

With few images the intervals are wider than any finding, so there is no figure.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import altair as alt
import numpy as np
from numpy.typing import NDArray

from bench.analysis.predictions import Predictions
from bench.analysis.results import Results
from bench.analysis.stats.interval import wilson_interval
from bench.report.page import encodings as enc
from bench.report.page.figure import ChartTheme, Figure, Row, charted_labels, finite
from bench.system.display import percent, percent_range, round_points

LEAST_IMAGES = 200
_BINS, _MOST_LINES = 5, 3  # groups of predictions, and most models in the chart


def figures(results: Results) -> Iterator[Figure]:
    """Yield the figure, if any model was tested."""
    named, answers = charted_labels(results), results.pairwise.answers
    rows = [
        {"model": label, **row}
        for model, label in named.items()
        if model in answers and len(answers[model].images) >= LEAST_IMAGES
        for row in _reliability(answers[model])
    ]
    if not rows:
        return
    tested = len({row["model"] for row in rows})
    more = f" The first {_MOST_LINES}; the table has {tested}." if tested > _MOST_LINES else ""
    yield Figure(
        name="calibration",
        title=_found(rows),
        caption="Predictions in five groups of equal size, by confidence. On the dashed line "
        "confidence equals accuracy: 80 % sure, 80 % right. Below it a model is overconfident."
        f" Bars: 95 % intervals over images.{more}",
        told="Accuracy of predictions against their confidence.",
        draw=lambda look: _draw(rows, list(named.values())[:_MOST_LINES], look),
        head=("model", "confidence", "accuracy", "95 % interval", "predictions"),
        table=tuple(
            (row["model"], percent(row["confidence"]), percent(row["accuracy"]),
             percent_range(row["low"], row["high"]), f"{row['answers']:,}")
            for row in rows
        ),
    )  # fmt: skip


def _found(rows: Sequence[Row]) -> str:
    """Return the model whose confidence differs most from its accuracy."""
    gaps: dict[str, list[float]] = {}
    for row in rows:
        gaps.setdefault(row["model"], []).append(row["confidence"] - row["accuracy"])
    model = max(gaps, key=lambda each: abs(sum(gaps[each])))
    gap = sum(gaps[model]) / len(gaps[model])
    return f"{model} is {'over' if gap > 0 else 'under'}confident by {round_points(abs(gap))}"


def _reliability(answers: Predictions) -> list[Row]:
    """Return bins of equally many predictions of one model, over all its seeds."""
    confidence = answers.probabilities.max(axis=2).ravel()
    right = answers.correct.ravel()
    order = np.lexsort((right, confidence))
    return [
        _bin(confidence[part], right[part], len({*(part % len(answers.images)).tolist()}))
        for part in np.array_split(order, _BINS)
    ]


def _bin(confidence: NDArray[np.float64], right: NDArray[np.bool_], images: int) -> Row:
    """Return a bin; its interval counts images, since seeds are wrong on the same ones."""
    share = float(right.mean())
    low, high = wilson_interval(round(share * images), images)
    return {
        "confidence": finite(confidence.mean()),
        "accuracy": finite(share),
        "low": finite(low),
        "high": finite(high),
        "answers": len(right),
    }


def _draw(rows: Sequence[Row], models: Sequence[str], look: ChartTheme) -> enc.Chart:
    rows = [row for row in rows if row["model"] in models]
    ends = [math.floor(min(row["confidence"] for row in rows) * 10) / 10, 1.0]
    least = min([*(row["low"] for row in rows), ends[0]])
    bounds = (math.floor(least * 10) / 10, 1.0)
    x = alt.X("confidence:Q", title="confidence", scale=alt.Scale(domain=ends, nice=False),
              axis=alt.Axis(format=".0%", grid=False, tickCount=6))  # fmt: skip
    y = alt.Y("accuracy:Q", title="accuracy", axis=alt.Axis(format=".0%", tickCount=6),
              scale=alt.Scale(domain=list(bounds), nice=False))  # fmt: skip
    tips = [enc.MODEL_TIP, *enc.tips_of("confidence", "accuracy")]
    corners = enc.data([{"confidence": end, "accuracy": end} for end in ends])
    diagonal = alt.Chart(corners).mark_line(strokeDash=[4, 4], color=look.faint, strokeWidth=1)
    base = alt.Chart(enc.data(rows)).encode(x=x)
    series = enc.lines(base, models, y, tips, look)
    bars = base.mark_rule(opacity=0.5, strokeWidth=1.5).encode(
        y=alt.Y("low:Q"), y2="high:Q", color=enc.colour_of(models, look)
    )
    beside = enc.line_ends(rows, models, x, y, bounds, look)
    return enc.sized(alt.layer(diagonal.encode(x=x, y=y), bars, *series, *beside), look)
