"""The charts, one module each with data, drawing and texts.

To add one, write a module with a function `figures` and add it to `CHARTS`.
"""

from __future__ import annotations

from bench.analysis.results import Results
from bench.report.page.charts import (
    accuracy,
    calibration,
    confusion,
    cost,
    learning_curves,
    profile_bars,
    seconds,
    times,
)
from bench.report.page.figure import Figure

# in the order of the page
CHARTS = (accuracy, cost, learning_curves, seconds, confusion, calibration, times, profile_bars)


def figures_of(results: Results) -> list[Figure]:
    """Return the figures for which `results` have data."""
    return [figure for chart in CHARTS for figure in chart.figures(results)]
