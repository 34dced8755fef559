"""The charts, one module each with data, drawing and texts.

To add one, write a module with a function `figures` and add it to `CHARTS`.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import replace

import altair as alt

from bench.analysis.results import Results
from bench.report.followup_file import Followup
from bench.report.page.charts import (
    accuracy,
    calibration,
    confusion,
    cost,
    learning_curves,
    multiples,
    profile_bars,
    seconds,
    times,
)
from bench.report.page.encodings import Chart
from bench.report.page.figure import ChartTheme, Figure
from bench.system.display import LINE_CELLS, short

# in the order of the page
CHARTS = (accuracy, cost, learning_curves, seconds, calibration, times, confusion, profile_bars)
_TITLE_LETTERS, _TEXT_LETTERS = 80, 105  # of a line above a chart


def figures_of(results: Results, found: Sequence[Followup] = ()) -> list[Figure]:
    """Return the figures for which `results` have data, then those of the follow-ups `found`.

    Each is drawn with its title, caption and source where it stands alone.
    """
    source = f"Source: zoo, {results.title}"
    if results.started:
        source += f", {results.started[:10]}"
    figures = [figure for chart in CHARTS for figure in chart.figures(results)]
    figures += [figure for each in found for figure in multiples.figures(results, each)]
    return [_signed(figure, source) for figure in figures]


def _signed(figure: Figure, source: str) -> Figure:
    """Return `figure`, which says what it shows, of what and when, where no page does."""

    def draw(look: ChartTheme) -> Chart:
        drawn: Chart = figure.draw(look)
        return drawn.properties(title=title) if look.alone else drawn

    title = alt.TitleParams(
        text=_wrapped(figure.title, _TITLE_LETTERS),
        subtitle=[*_wrapped(figure.caption, _TEXT_LETTERS), *_wrapped(source, _TEXT_LETTERS)],
        anchor="start",
        frame="group",
        offset=14,
    )
    return replace(figure, draw=draw)


def _wrapped(text: str, letters: int) -> list[str]:
    return textwrap.wrap(short(text, LINE_CELLS), letters)
