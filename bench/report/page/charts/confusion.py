"""Confusion matrices, as shares of the true class, model by model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import altair as alt

from bench.analysis.results import Results
from bench.report.page import encodings as enc
from bench.report.page.figure import (
    MOST_CLASSES,
    ChartTheme,
    Figure,
    Row,
    charted_labels,
    classes_of,
    finite,
)
from bench.report.page.gallery import confusion


def figures(results: Results) -> Iterator[Figure]:
    """Yield the figure, if any model was tested and there are few classes."""
    classes, answers = classes_of(results), results.pairwise.answers
    rows = [
        {"model": name, "label": label, "said": said, "share": finite(share)}
        for model, name in charted_labels(results).items()
        if model in answers and len(classes) <= MOST_CLASSES
        for label, line in zip(classes, confusion(answers[model]), strict=True)
        for said, share in zip(classes, line, strict=True)
    ]
    if rows:
        yield Figure(
            name="confusion",
            title="Confusion of classes",
            caption="Rows: true classes. Columns: share of predictions of each class, over all "
            "seeds.",
            told="Confusion matrices.",
            draw=lambda look: _draw(rows, classes, look),
            on_page=False,
        )


def _draw(rows: Sequence[Row], classes: Sequence[str], look: ChartTheme) -> enc.Chart:
    base = alt.Chart().encode(  # the facet splits its data among the charts
        x=alt.X("said:N", sort=classes, title="predicted", axis=alt.Axis(labelAngle=0, domain=False,
                ticks=False)),
        y=alt.Y("label:N", sort=classes, title="label", axis=alt.Axis(domain=False, ticks=False)),
    )  # fmt: skip
    scale = alt.Scale(domain=[0, 1], range=[0.03, 0.85])
    squares = base.mark_rect(color=look.series[5])
    text = base.mark_text(fontSize=11, color=look.ink)
    side = max(90, 42 * len(classes))
    chart: enc.Chart = (
        alt.layer(
            squares.encode(opacity=alt.Opacity("share:Q", scale=scale, legend=None)),
            text.encode(text=alt.Text("share:Q", format=".0%")),
            data=enc.data(rows),
        )
        .properties(width=side, height=side)
        .facet(facet=alt.Facet("model:N", sort=enc.models_of(rows), title=None), columns=3)
        .configure(**look.config)
    )
    return chart
