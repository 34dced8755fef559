"""The figures of a run: which there are, what each shows, in words and as a table."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from bench.analysis.frame import BASELINE
from bench.report.page import rows as made
from bench.report.page.gallery import confusion
from bench.report.page.look import MOST_SERIES, ChartTheme
from bench.report.page.rows import PARTS, Row

if TYPE_CHECKING:
    from bench.analysis.results import Results
    from bench.report.page.encodings import Chart

MOST_CLASSES = 12  # in a square of who was taken for whom
_QUICKEST = "the time in which the quickest was done"
_TRAINING_MOST, _BANDS_MOST = 4, 5  # models whose training loss, and whose spread, is drawn


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure.

    Attributes:
        name: of its files, and on the page.
        told: what it shows, for who can't see it.
        key: whose colours are explained beside it.
        head, table: the same in figures; may be empty.
        on_page: it is drawn there as a chart.
    """

    name: str
    title: str
    caption: str
    told: str
    draw: Callable[[ChartTheme], Chart]
    key: Literal["models", "parts", ""] = ""
    head: tuple[str, ...] = ()
    table: tuple[tuple[str, ...], ...] = ()
    on_page: bool = True


def models_on_charts(results: Results) -> list[str]:
    """Return the models that charts of lines show, in the table's order: ten at most."""
    return list(made.labels(results))[:MOST_SERIES]


def figures_of(results: Results) -> list[Figure]:
    """Return the figures that `results` have something for."""
    return [*_accuracies(results), *_learning(results), *_budget(results),
            *_confusion(results), *_calibration(results), *_times(results)]  # fmt: skip


def _accuracies(results: Results) -> Iterator[Figure]:
    rows = made.points(results)
    if not rows:
        return
    seeds = made.seed_points(results)
    frame = results.frame
    chance = float(frame.loc[frame["model"] == BASELINE, "test_accuracy"].iloc[0])

    def ranking(look: ChartTheme) -> Chart:
        from bench.report.page.charts import ranking as draw

        return draw(rows, seeds, chance, look)

    yield Figure(
        name="accuracy",
        title="Accuracy on the test photographs",
        caption="Dot: mean over seeds. Bar: 95 % interval. Thin marks: single seeds. Dashed: "
        "always naming the most frequent class.",
        told=f"Accuracies of {len(rows)} models with intervals. " + _best_first(rows),
        draw=ranking,
    )
    for name, title, against in (
        ("seconds", "training seconds", "training time"),
        ("parameters", "parameters", "parameters"),
    ):
        if any(row[name] for row in rows):
            told = _is_shared(results) if name == "seconds" else ""
            yield _cost(rows, name, title, against, told)


def _is_shared(results: Results) -> str:
    return " On a machine that several trials have shared." if made.shares(results) else ""


def _cost(rows: Sequence[Row], name: str, title: str, against: str, shared: str) -> Figure:
    best = [row["model"] for row in made.pareto_front(rows, name)]

    def draw(look: ChartTheme) -> Chart:
        from bench.report.page.charts import cost

        return cost(rows, name, title, look)

    return Figure(
        name=f"accuracy-{against.replace(' ', '-')}",
        title=f"Accuracy against {against}",
        caption="Line: the Pareto front, the models that no other beats at the same price or "
        f"less. Bars: 95 % intervals. Names stand where there is room; the table has all.{shared}",
        told=f"Each model's accuracy against its {against}. On the Pareto front, the cheapest "
        f"first: {', '.join(best)}.",
        draw=draw,
    )


def _learning(results: Results) -> Iterator[Figure]:
    models = models_on_charts(results)
    rows = made.curves(results, models)
    if not rows:
        return
    labels = [made.labels(results)[model] for model in models]
    last = {row["model"]: row for row in rows}
    several, few_bands = any(row["seeds"] > 1 for row in rows), len(labels) <= _BANDS_MOST
    shade = "Shade: from" if few_bands else "The table has"
    band = f" {shade} the worst seed to the best." if several else ""
    few = len(labels) <= _TRAINING_MOST
    for name in ("accuracy", "loss"):
        dotted = " Dotted: training loss." if few and name == "loss" else ""

        def draw(look: ChartTheme, name: str = name) -> Chart:
            from bench.report.page.charts import learning

            dotted = few and name == "loss"
            return learning(rows, labels, name, look, spread=few_bands, training=dotted)

        yield Figure(
            name="learning-curves" if name == "accuracy" else "learning-curves-loss",
            title=f"Validation {name} by epoch",
            caption=f"Mean over seeds.{band}{dotted}",
            told=f"Validation {name} after each epoch, one line a model.",
            draw=draw,
            key="models",
            head=("model", "epochs", f"validation {name}", "worst seed", "best seed"),
            table=tuple(_last(row, name) for row in last.values()),
        )


def _last(row: Row, name: str) -> tuple[str, ...]:
    ends = (f"{name}_low", f"{name}_high") if name == "accuracy" else ("loss_high", "loss_low")
    shown = [_percent(row[each]) if name == "accuracy" else _three(row[each])
             for each in (name, *ends)]  # fmt: skip
    return row["model"], str(row["epoch"]), *shown


def _budget(results: Results) -> Iterator[Figure]:
    models = models_on_charts(results)
    rows = made.spending(results, models)
    if not rows:
        return
    labels = [made.labels(results)[model] for model in models]
    given, quickest = made.given_budget(results), made.quickest(rows)
    limit = (given or quickest) if quickest else None
    target = made.target(results)
    # the last step of a training ends beyond its budget, and counts
    table = made.at_budget(rows, math.inf if given else limit) if limit else []
    when = "the budget" if given else "when the first is done"
    best = f" At {limit:,.4g} s, {when}: {_best_first(table)}" if limit else ""

    def draw(look: ChartTheme) -> Chart:
        from bench.report.page.charts import seconds

        return seconds(rows, labels, limit, look, target=target)

    yield Figure(
        name="accuracy-seconds",
        title="Accuracy against seconds, at equal budget",
        caption="Validation accuracy after each epoch against the training seconds so far, means "
        "over seeds."
        + (f" Dashed: {'the budget' if given else _QUICKEST}." if limit else "")
        + (f" Dotted: the target of {target * 100:.4g} %." if target else "")
        + _is_shared(results),
        told=f"Validation accuracy against training seconds so far.{best}",
        draw=draw,
        key="models",
        head=("model", f"after {limit:,.4g} s", "epochs") if limit else (),
        table=tuple(
            (row["model"], _percent(row["accuracy"]) or "no epoch done", str(row.get("epoch", 0)))
            for row in table
        ),
    )


def _confusion(results: Results) -> Iterator[Figure]:
    classes = classes_of(results)
    models = [model for model in models_on_charts(results) if model in results.pairwise.answers]
    if not models or len(classes) > MOST_CLASSES:
        return
    labels = made.labels(results)
    rows = [
        {"model": labels[model], "label": label, "said": said, "share": made.finite(share)}
        for model in models
        for label, line in zip(classes, confusion(results.pairwise.answers[model]), strict=True)
        for said, share in zip(classes, line, strict=True)
    ]

    def draw(look: ChartTheme) -> Chart:
        from bench.report.page.charts import confusion as chart

        return chart(rows, look)

    yield Figure(
        name="confusion",
        title="Which class was taken for which",
        caption="Of the photographs of each class, the share that was called each class; all seeds "
        "together.",
        told="Confusion matrices.",
        draw=draw,
        on_page=False,
    )


def _calibration(results: Results) -> Iterator[Figure]:
    models = models_on_charts(results)
    rows = made.calibration(results, models)
    if not rows:
        return
    labels = [made.labels(results)[model] for model in models]

    def draw(look: ChartTheme) -> Chart:
        from bench.report.page.charts import calibration

        return calibration(rows, labels, look)

    yield Figure(
        name="calibration",
        title="Can their confidence be trusted?",
        caption="Answers in groups of equally many, by confidence. On the dashed line a model that "
        "is 80 % sure is right 8 times of 10; below it, it is too sure of itself.",
        told="Share of answers that are right against the confidence they were given with.",
        draw=draw,
        key="models",
        head=("model", "confidence", "share right", "answers"),
        table=tuple(
            (row["model"], _percent(row["confidence"]), _percent(row["accuracy"]),
             f"{row['answers']:,}")
            for row in rows
        ),
    )  # fmt: skip


def _times(results: Results) -> Iterator[Figure]:
    rows = made.times(results)
    if not rows:
        return
    by_model: dict[str, list[str]] = {}
    for row in rows:
        by_model.setdefault(row["model"], []).append(f"{row['seconds']:,.2f}")

    def draw(look: ChartTheme) -> Chart:
        from bench.report.page.charts import times

        return times(rows, look)

    yield Figure(
        name="time",
        title="Where the time went",
        caption=f"Wall seconds of a trial, means over seeds.{_is_shared(results)}",
        told="Seconds of a trial of each model, part by part.",
        draw=draw,
        key="parts",
        head=("model", *PARTS),
        table=tuple((model, *values) for model, values in by_model.items()),
    )


def classes_of(results: Results) -> list[str]:
    """Return the names of the classes, no two alike."""
    from bench.system.display import short

    first = next((record.spec.classes for record in results.records), ())
    shown = [short(name, 24) for name in first]
    return [f"{name} ({n + 1})" if shown.count(name) > 1 else name for n, name in enumerate(shown)]


def _best_first(rows: Sequence[Row]) -> str:
    return ", ".join(f"{row['model']} {_percent(row['accuracy']) or 'none'}" for row in rows) + "."


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share * 100:.1f} %"


def _three(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
