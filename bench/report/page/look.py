"""How charts look: colours that colour-blind eyes tell apart, on light and on dark paper."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

# Okabe and Ito 2008, without the yellow, which no eye sees on white; black is white on dark paper
SERIES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right",
          "triangle-left")  # fmt: skip
MOST_SERIES = 10  # models in one chart of lines: more can't be told apart
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartTheme:
    """Where a chart is drawn.

    Attributes:
        ink, faint, grid: of text, of what stands back, of lines behind the data.
        paper, behind: of the picture, and of what is behind it.
        series: of models and parts, in turn.
        width: pixels, or `container`.
        legend: within the chart; a page has its own.
    """

    ink: str
    faint: str
    grid: str
    paper: str
    behind: str
    series: tuple[str, ...]
    width: int | str
    legend: bool
    font: str

    @property
    def config(self) -> dict[str, Any]:
        """Vega-Lite's configuration."""
        axis = {"labelColor": self.faint, "titleColor": self.ink, "gridColor": self.grid,
                "domainColor": self.faint, "tickColor": self.faint, "labelFontSize": 12,
                "titleFontSize": 12, "titleFontWeight": "normal", "titlePadding": 8,
                "labelLimit": 175}  # fmt: skip
        text = {"labelColor": self.ink, "titleColor": self.ink, "labelFontSize": 12}
        return {
            "background": self.paper,
            "font": self.font,
            "aria": False,  # the figure around it is described, and has a table
            "view": {"stroke": None},
            "axis": axis,
            "legend": {**text, "titleFontWeight": "normal", "labelLimit": 220},
            "header": text,
            "title": {"color": self.ink, "fontSize": 13, "anchor": "start"},
        }


PAGE = ChartTheme(  # the page sets these by its scheme
    ink="var(--ink)",
    faint="var(--faint)",
    grid="var(--grid)",
    paper="transparent",
    behind="var(--paper)",
    series=tuple(f"var(--c{number})" for number in range(1, len(SERIES) + 1)),
    width="container",
    legend=False,
    font=_FONT,
)
PAPER = ChartTheme(
    ink="#1c2024",
    faint="#5a6370",
    grid="#e3e6ea",
    paper="#ffffff",
    behind="#ffffff",
    series=SERIES,
    width=680,
    legend=True,
    font="sans-serif",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """How one model is told from the others in every chart: by colour, dash and shape."""

    colour: int
    dash: tuple[int, ...]
    shape: str


def mark(place: int) -> Mark:
    """Return the mark of the model at `place`, from 0, in the table."""
    again = place >= len(SERIES)
    return Mark(
        colour=place % len(SERIES),
        dash=(6, 3) if again else (1, 0),
        shape=SHAPES[place % len(SHAPES)],
    )
