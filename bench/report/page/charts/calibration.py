"""Calibration: accuracy against confidence; a calibrated model is on the diagonal."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import altair as alt
import numpy as np

from bench.analysis.predictions import Predictions
from bench.analysis.results import Results
from bench.report.page import encodings as enc
from bench.report.page.figure import ChartTheme, Figure, Row, charted_labels, finite
from bench.system.display import percent

_MOST_BINS, _LEAST_ANSWERS = 10, 10


def figures(results: Results) -> Iterator[Figure]:
    """Yield the figure, if any model was tested."""
    named, answers = charted_labels(results), results.pairwise.answers
    rows = [
        {"model": label, **row}
        for model, label in named.items()
        if model in answers
        for row in _reliability(answers[model])
    ]
    if not rows:
        return
    yield Figure(
        name="calibration",
        title="Calibration of the models' confidence",
        caption="Predictions in groups of equal size, by confidence. On the dashed line confidence "
        "equals accuracy: 80 % sure, 80 % right. Below it a model is overconfident.",
        told="Accuracy of predictions against their confidence.",
        draw=lambda look: _draw(rows, list(named.values()), look),
        key="models",
        head=("model", "confidence", "accuracy", "predictions"),
        table=tuple(
            (row["model"], percent(row["confidence"]), percent(row["accuracy"]),
             f"{row['answers']:,}")
            for row in rows
        ),
    )  # fmt: skip


def _reliability(answers: Predictions) -> list[Row]:
    """Return bins of equally many predictions of one model, over all its seeds."""
    confidence = answers.probabilities.max(axis=2).ravel()
    right = answers.correct.ravel()
    bins = max(1, min(_MOST_BINS, len(right) // _LEAST_ANSWERS))
    order = np.lexsort((right, confidence))
    return [
        {
            "confidence": finite(confidence[part].mean()),
            "accuracy": finite(right[part].mean()),
            "answers": len(part),
        }
        for part in np.array_split(order, bins)
    ]


def _draw(rows: Sequence[Row], models: Sequence[str], look: ChartTheme) -> enc.Chart:
    ends = [math.floor(min(row["confidence"] for row in rows) * 10) / 10, 1.0]
    least = min([*(row["accuracy"] for row in rows), ends[0]])
    x = alt.X("confidence:Q", title="confidence", scale=alt.Scale(domain=ends, nice=False),
              axis=alt.Axis(format=".0%", grid=False, tickCount=6))  # fmt: skip
    y = alt.Y("accuracy:Q", title="accuracy", axis=alt.Axis(format=".0%", tickCount=6),
              scale=alt.Scale(domain=[math.floor(least * 10) / 10, 1.0], nice=False))  # fmt: skip
    tips = [enc.MODEL_TIP, *enc.tips_of("confidence", "accuracy"),
            alt.Tooltip("answers:Q", title="predictions")]  # fmt: skip
    corners = enc.data([{"confidence": end, "accuracy": end} for end in ends])
    diagonal = alt.Chart(corners).mark_line(strokeDash=[4, 4], color=look.faint, strokeWidth=1)
    series = enc.lines(alt.Chart(enc.data(rows)).encode(x=x), models, y, tips, look)
    return enc.sized(alt.layer(diagonal.encode(x=x, y=y), *series), look)
