"""Validation accuracy and loss by epoch: means over seeds, with their range."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import altair as alt

from bench.analysis.results import Results
from bench.report.page import encodings as enc
from bench.report.page.figure import (
    ChartTheme,
    Figure,
    Row,
    charted_labels,
    finite,
    mean,
    mean_of,
    trials_of,
)
from bench.system.display import count_noun, percent

_TRAINING_MOST, _BANDS_MOST = 4, 5  # most models with training loss, and with a range, in a chart


def figures(results: Results) -> Iterator[Figure]:
    """Yield a figure of accuracies and one of losses, if any trial has finished an epoch."""
    rows, models = _curves(results), list(charted_labels(results).values())
    over = f"Mean over {averaged}." if (averaged := mean_of(results)) else ""
    if rows:
        yield _figure("accuracy", "learning-curves", rows, models, over)
        yield _figure("loss", "learning-curves-loss", rows, models, over)


def _curves(results: Results) -> list[Row]:
    """Return one row for each epoch of a model: mean over seeds, minimum and maximum."""
    rows = list[Row]()
    for model, label in charted_labels(results).items():
        trials = trials_of(results.records, model)
        for epoch in sorted({each.epoch for trial in trials for each in trial.history}):
            there = [each for trial in trials for each in trial.history if each.epoch == epoch]
            row = {"model": label, "epoch": epoch, "seeds": len(there)}
            for name in ("accuracy", "loss"):
                row |= _seed_range(name, [getattr(each, f"validation_{name}") for each in there])
            rows.append(row | _seed_range("training", [each.train_loss for each in there]))
    return rows


def _seed_range(name: str, values: Sequence[float]) -> Row:
    known = [value for value in values if math.isfinite(value)]
    return {
        name: mean(known),
        f"{name}_low": finite(min(known, default=None)),
        f"{name}_high": finite(max(known, default=None)),
    }


def _figure(name: str, file: str, rows: Sequence[Row], models: Sequence[str], over: str) -> Figure:
    shade = "Shade: from" if len(models) <= _BANDS_MOST else "The table has"
    band = f" {shade} the worst seed to the best." if any(row["seeds"] > 1 for row in rows) else ""
    dotted = " Dotted: training loss." if _has_training(name, models) else ""
    last = {row["model"]: row for row in rows}.values()
    text = percent if name == "accuracy" else _three
    worst, best = ("low", "high") if name == "accuracy" else ("high", "low")
    shown = (name, f"{name}_{worst}", f"{name}_{best}")
    return Figure(
        name=file,
        title=_found(name, rows),
        caption=f"{over}{band}{dotted}".strip(),
        told=f"Validation {name} after each epoch, one line per model.",
        draw=lambda look: _draw(rows, models, name, look),
        on_page=any(row["epoch"] > 1 for row in rows),  # a line needs two points
        head=("model", "epochs", f"validation {name}", "worst seed", "best seed"),
        table=tuple(
            (row["model"], str(row["epoch"]), *(text(row[n]) for n in shown)) for row in last
        ),
    )


def _found(name: str, rows: Sequence[Row]) -> str:
    """Return how many models end at their best epoch: more epochs may help those."""
    values: dict[str, list[float]] = {}
    for row in rows:
        if row[name] is not None:
            values.setdefault(row["model"], []).append(row[name])
    best = max if name == "accuracy" else min
    rising = sum(each[-1] == best(each) for each in values.values())
    where = "highest" if name == "accuracy" else "lowest"
    share = f"{rising} of {count_noun(len(values), 'model')}"
    return f"Validation {name} is {where} in the last epoch for {share}"


def _has_training(name: str, models: Sequence[str]) -> bool:
    return name == "loss" and len(models) <= _TRAINING_MOST


def _three(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _draw(rows: Sequence[Row], models: Sequence[str], name: str, look: ChartTheme) -> enc.Chart:
    last = max(row["epoch"] for row in rows)
    step = -(-last // 10)  # whole epochs, ten ticks at most
    ticks = [each for each in sorted({row["epoch"] for row in rows}) if each % step == 0]
    x = alt.X("epoch:Q", axis=alt.Axis(format="d", values=ticks, grid=False, labelSeparation=6),
              scale=alt.Scale(domain=[min(1, last - 1), last], nice=False))  # fmt: skip
    ends = enc.ends_of(rows, name, f"{name}_low", f"{name}_high")
    if name == "accuracy":
        y = enc.accuracy_axis("y", ends, "validation accuracy")
    else:
        names = ("loss", "loss_low", "loss_high", *["training"] * _has_training(name, models))
        known = [row[each] for row in rows for each in names if row[each] is not None]
        ends = (min(known, default=0.0), max(known, default=1.0) + 0.001)
        y = alt.Y("loss:Q", title="validation loss (nats)",
                  scale=alt.Scale(domain=list(ends), nice=False, zero=False))  # fmt: skip
    form = enc.PERCENT if name == "accuracy" else ".4f"
    tips = [enc.MODEL_TIP, alt.Tooltip("epoch:Q", title="epoch"),
            alt.Tooltip(f"{name}:Q", title=name, format=form)]  # fmt: skip
    base = alt.Chart(enc.data(rows)).encode(x=x)
    colour = enc.colour_of(models, look)
    layers: list[alt.Chart] = []
    if len(models) <= _BANDS_MOST and any(row["seeds"] > 1 for row in rows):
        band = base.mark_area(opacity=0.15)
        layers.append(band.encode(color=colour, y=alt.Y(f"{name}_low:Q"), y2=f"{name}_high:Q"))
    if _has_training(name, models):
        dots = base.mark_line(strokeDash=[1, 3], strokeWidth=1.5)
        layers.append(dots.encode(y="training:Q", color=colour))
    beside = enc.line_ends(rows, models, x, y, ends, look)
    series = enc.lines(base, models, y, tips, look)
    return enc.sized(alt.layer(*layers, *series, *beside), look)
