"""The figure type, the themes of charts, and shared labels, marks and numbers."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from bench.analysis.frame import BASELINE
from bench.analysis.results import Results
from bench.system.display import percent, percent_range, short, short_names
from bench.training.record import TrialRecord, comparable_times

if TYPE_CHECKING:
    import altair as alt

Row = dict[str, Any]  # user-given names are values, never keys
MOST_CLASSES = 12  # in a confusion matrix
_LABEL_CELLS = 28
# Okabe and Ito 2008, without yellow, invisible on white; black becomes white on dark paper
SERIES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right",
          "triangle-left")  # fmt: skip
MOST_SERIES = 10  # models in one line chart; more are hard to distinguish
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartTheme:
    """Colours, width and font of a chart."""

    ink: str  # of text
    faint: str  # of secondary text
    grid: str  # of grid lines
    paper: str  # background of the chart
    behind: str  # background behind the chart
    series: tuple[str, ...]  # of models and parts, in order
    width: int | str  # pixels, or `container`
    legend: bool  # whether the chart has one; the page has its own
    font: str
    most_bars: int  # models in a chart of bars
    most_letters: int  # of a name at the end of a line
    alone: bool  # whether the chart has its title, caption and source in itself

    @property
    def config(self) -> dict[str, Any]:
        """The configuration for Vega-Lite."""
        axis = {"labelColor": self.faint, "titleColor": self.ink, "gridColor": self.grid,
                "domainColor": self.faint, "tickColor": self.faint, "labelFontSize": 12,
                "titleFontSize": 12, "titleFontWeight": "normal", "titlePadding": 8,
                "labelLimit": 220}  # fmt: skip
        text = {"labelColor": self.ink, "titleColor": self.ink, "labelFontSize": 12}
        return {
            "background": self.paper,
            "font": self.font,
            "aria": False,  # the figure element has a description and a table
            "view": {"stroke": None},
            "axis": axis,
            "legend": {**text, "titleFontWeight": "normal", "labelLimit": 220},
            "header": text,
            "title": {
                "color": self.ink,
                "fontSize": 14,
                "subtitleColor": self.faint,
                "subtitleFontSize": 11,
            },
        }


PAGE = ChartTheme(  # the page sets these by its colour scheme
    ink="var(--ink)",
    faint="var(--faint)",
    grid="var(--grid)",
    paper="transparent",
    behind="var(--paper)",
    series=tuple(f"var(--c{number})" for number in range(1, len(SERIES) + 1)),
    width="container",
    legend=False,
    font=_FONT,
    most_bars=12,
    most_letters=18,
    alone=False,
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
    most_bars=1000,
    most_letters=_LABEL_CELLS,
    alone=True,
)


class Mark(NamedTuple):
    """Colour, dash and shape of one model in every chart."""

    colour: int
    dash: tuple[int, int]
    shape: str


def mark(place: int) -> Mark:
    """Return the mark of the model at `place`, from 0, in the table."""
    dash = (6, 3) if place >= len(SERIES) else (1, 0)
    return Mark(place % len(SERIES), dash, SHAPES[place % len(SHAPES)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A figure with its texts."""

    name: str  # name of its files and its element
    title: str
    caption: str
    told: str  # description for screen readers
    draw: Callable[[ChartTheme], alt.LayerChart | alt.Chart | alt.FacetChart]
    key: tuple[tuple[str, int], ...] = ()  # legend: labels with colours
    head: tuple[str, ...] = ()
    table: tuple[tuple[str, ...], ...] = ()  # the same data as a table; may be empty
    on_page: bool = True  # whether the page shows it as a chart
    on_paper: bool = True  # whether `figures/` has it


def labels(results: Results) -> dict[str, str]:
    """Return the unique label of each model in charts, in the table's order."""
    found: dict[str, str] = {}
    names = [str(name) for name in results.frame["model"] if name != BASELINE]
    for name, label in zip(names, short_names(names, _LABEL_CELLS), strict=True):
        taken = set(found.values())
        found[name] = f"{label} ({len(found) + 1})" if label in taken else label
    return found


def charted_labels(results: Results) -> dict[str, str]:
    """Return the labels of the models in line charts: ten at most."""
    return dict(list(labels(results).items())[:MOST_SERIES])


def classes_of(results: Results) -> list[str]:
    """Return unique names of the classes."""
    first = next((record.spec.classes for record in results.records), ())
    shown = [short(name, _LABEL_CELLS) for name in first]
    return [f"{name} ({n + 1})" if shown.count(name) > 1 else name for n, name in enumerate(shown)]


def points(results: Results) -> list[Row]:
    """Return one row for each tested model, with its costs."""
    named, rows = labels(results), list[Row]()
    seconds = "shared_train_seconds" if _shares(results) else "train_seconds"
    for row in results.frame.to_dict("records"):
        if row["model"] in named and finite(row["test_accuracy"]) is not None:
            rows.append(
                {
                    "model": named[row["model"]],
                    "rank": len(rows) + 1,
                    "accuracy": finite(row["test_accuracy"]),
                    "low": finite(row["test_accuracy_low"]),
                    "high": finite(row["test_accuracy_high"]),
                    "told": _with_interval(row),
                    "seconds": finite(row[seconds]),
                    "parameters": finite(row["parameters"]),
                }
            )
    return rows


def _with_interval(row: Mapping[Any, Any]) -> str:
    share, low, high = (finite(row[f"test_accuracy{end}"]) for end in ("", "_low", "_high"))
    about = "" if low is None or high is None else f" ({percent_range(low, high)})"
    return f"{percent(share)}{about}"


def trials_of(records: Iterable[TrialRecord], model: str) -> list[TrialRecord]:
    """Return the successful trials of `model`; if there are none, the started ones."""
    started = [record for record in records if record.model == model and record.history]
    return [record for record in started if record.status == "ok"] or started


def finite(value: Any) -> float | None:
    """Return a number with six digits, or None if missing or not finite."""
    if value is None or not isinstance(value, int | float | np.floating | np.integer):
        return None
    return float(f"{value:.6g}") if math.isfinite(value) else None


def mean(values: Sequence[float]) -> float | None:
    """Return the mean with six digits, or None without values."""
    return finite(sum(values) / len(values)) if values else None


def best_first(rows: Sequence[Row]) -> str:
    """Return models and accuracies as text, in the order of `rows`."""
    return ", ".join(f"{row['model']} {percent(row['accuracy']) or 'none'}" for row in rows) + "."


def mean_of(results: Results) -> str:
    """Return of what the means in charts are: `seeds`; `folds` of one seed; "" of one training."""
    trained = {(r.model, r.spec.seed, r.spec.fold) for r in results.records if r.status == "ok"}
    seeds = Counter(model for model, _ in {(model, seed) for model, seed, _ in trained})
    if max(seeds.values(), default=1) > 1:
        return "seeds"
    return "folds" if len(trained) > len(seeds) else ""


def shared_note(results: Results) -> str:
    """Return the addition to a caption if trials shared the machine."""
    return " Several trials shared the machine." if _shares(results) else ""


def _shares(results: Results) -> bool:
    return any(record.shared for record in comparable_times(results.records))
