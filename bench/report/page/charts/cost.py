"""Accuracy against cost, with intervals and the Pareto front."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import altair as alt

from bench.analysis.column import three_figures
from bench.analysis.results import Results
from bench.report.page import encodings as enc
from bench.report.page.figure import ChartTheme, Figure, Row, labels, points, shared_note
from bench.system.display import points as points_of

_LEAST = {"seconds": "shortest training time", "parameters": "fewest parameters"}
_SAME = 1.05  # ratio of costs that is not worth a word
_Pairs = Collection[tuple[str, str]]  # the first model is clearly better
_Box = tuple[float, float, float, float]  # left, low, right, high, in pixels
_WIDTH, _HEIGHT = 280.0, 300.0  # of the plot on a phone; names stay apart on a wider one
_LETTER, _LINE, _GAP = 6.8, 13.0, 9.0
_SIDES = (("left", -8), ("right", -8), ("left", 9), ("right", 9))  # of a name: alignment, drop


def figures(results: Results) -> Iterator[Figure]:
    """Yield one figure for each known cost of tested models."""
    rows, named = points(results), labels(results)
    better = [verdict for verdict in results.verdicts if verdict.kind == "better"]
    clear = {(named[each.first], named[each.second]) for each in better}
    if any(row["seconds"] for row in rows):
        note = shared_note(results)
        yield _figure(rows, clear, "seconds", "training seconds", "training time", note)
    if any(row["parameters"] for row in rows):
        yield _figure(rows, clear, "parameters", "parameters", "parameters")


def _figure(
    rows: Sequence[Row], clear: _Pairs, name: str, title: str, against: str, note: str = ""
) -> Figure:
    front = pareto_front(rows, name)
    best = [row["model"] for row in front]
    return Figure(
        name=f"accuracy-{against.replace(' ', '-')}",
        title=_found(front, clear, name, against) if len(rows) > 1 else f"Accuracy and {against}",
        caption="Line: the Pareto front, the models that no other beats at the same or lower "
        f"cost. Bars: 95 % intervals. Names appear where they fit; the table has all.{note}",
        told=f"Each model's accuracy against its {against}. On the Pareto front, cheapest "
        f"first: {', '.join(best)}.",
        draw=lambda look: _draw(rows, name, title, look),
    )


def _found(front: Sequence[Row], clear: _Pairs, name: str, against: str) -> str:
    """Return what the most accurate model costs beside the cheapest of the front."""
    cheap, best = front[0], front[-1]
    if cheap is best:
        return f"{best['model']} has the highest accuracy and the {_LEAST[name]}"
    gained = f"{points_of(best['accuracy'] - cheap['accuracy'])} points"
    if (best["model"], cheap["model"]) not in clear:
        gained += ", not clear,"
    times = best[name] / cheap[name] if cheap[name] else math.inf
    price = f"{three_figures(times)} times the {against}"
    if not _SAME < times < math.inf:
        price = f"{'about the same' if times <= _SAME else 'more'} {against}"
    return f"{best['model']}: {gained} on {cheap['model']} for {price}"


def pareto_front(rows: Sequence[Row], cost: str) -> list[Row]:
    """Return the `rows` that no other beats in accuracy at the same or lower `cost`."""
    best, found = -math.inf, []
    priced = [row for row in rows if row[cost] is not None]
    for row in sorted(priced, key=lambda row: (row[cost], -row["accuracy"])):
        if row["accuracy"] > best:
            found.append(row)
            best = row["accuracy"]
    return found


def _draw(rows: Sequence[Row], name: str, title: str, look: ChartTheme) -> enc.Chart:
    best = {row["model"] for row in pareto_front(rows, name)}
    priced = [row | {"on_front": row["model"] in best} for row in rows if row[name] is not None]
    _place_labels(priced, name)
    form = "~s" if name == "parameters" else enc.SECONDS
    x = alt.X(f"{name}:Q", title=title, scale=enc.cost_scale([row[name] for row in priced]),
              axis=alt.Axis(format=form, grid=False, tickCount=5))  # fmt: skip
    y = enc.accuracy_axis("y", enc.ends_of(priced, "accuracy", "low", "high"), "accuracy")
    cost = alt.Tooltip(f"{name}:Q", title=title, format=",.4~r")
    tips = [enc.MODEL_TIP, enc.ACCURACY_TIP, cost]
    colour = alt.condition("datum.on_front", alt.value(look.series[0]), alt.value(look.faint))
    base = alt.Chart(enc.data(priced)).encode(x=x, y=y)
    layers = [
        alt.Chart(enc.data(pareto_front(priced, name)))
        .mark_line(interpolate="step-after", color=look.series[0], strokeWidth=2, opacity=0.8)
        .encode(x=x, y=y),
        base.transform_filter("isValid(datum.low)")
        .mark_rule(strokeWidth=1.5, opacity=0.7)
        .encode(y=alt.Y("low:Q"), y2="high:Q", color=colour, tooltip=tips),
        base.mark_point(filled=True, size=80, opacity=1).encode(color=colour, tooltip=tips),
        *_with_point_labels(priced, x, y, look),
    ]
    return enc.sized(alt.layer(*layers), look)


def _place_labels(rows: Sequence[Row], name: str) -> None:
    """Give each row a `side` and a `drop` so that names do not overlap; None means no room."""
    domain = enc.cost_scale([row[name] for row in rows]).to_dict()
    scaled = math.log10 if domain.get("type") == "log" else float
    left, right = (scaled(end) for end in domain["domain"])
    low, high = enc.ends_of(rows, "accuracy", "low", "high")
    spots = [
        (
            (scaled(row[name]) - left) / (right - left) * _WIDTH,
            (row["accuracy"] - low) / (high - low) * _HEIGHT,
        )
        for row in rows
    ]
    taken: list[_Box] = [(x - 5, y - 5, x + 5, y + 5) for x, y in spots]
    pairs = zip(rows, spots, strict=True)
    for row, (x, y) in sorted(pairs, key=lambda pair: not pair[0]["on_front"]):
        row["side"], row["drop"] = None, 0
        for side, drop in _SIDES if x < _WIDTH * 0.6 else (*_SIDES[1::2], *_SIDES[::2]):
            box = _box(x, y, side, drop, len(row["model"]))
            if box[0] >= 0 and box[2] <= _WIDTH and not any(_meet(box, other) for other in taken):
                row["side"], row["drop"] = side, drop
                taken.append(box)
                break


def _with_point_labels(rows: Sequence[Row], x: Any, y: Any, look: ChartTheme) -> list[alt.Chart]:
    """Return the names that fit, drawn over the other layers."""
    layers = []
    named = [row for row in rows if row["side"]]
    for side, drop in sorted({(row["side"], row["drop"]) for row in named}):
        some = [row for row in named if (row["side"], row["drop"]) == (side, drop)]
        place: Any = {"align": side, "dx": 9 if side == "left" else -9, "dy": drop, "fontSize": 12}
        base = alt.Chart(enc.data(some)).encode(x=x, y=y, text="model:N")
        halo: Any = {"stroke": look.behind, "strokeWidth": 3, "strokeJoin": "round"}
        layers += [base.mark_text(**place, **halo), base.mark_text(**place, color=look.ink)]
    return layers


def _box(x: float, y: float, side: str, drop: int, letters: int) -> _Box:
    width, middle = letters * _LETTER, y - drop
    left = x + _GAP if side == "left" else x - _GAP - width
    return left, middle - _LINE / 2, left + width, middle + _LINE / 2


def _meet(one: _Box, other: _Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
