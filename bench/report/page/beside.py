"""Names beside the points of a chart, where there is room for them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import altair as alt

from bench.report.page.encodings import cost_scale, data, ends_of
from bench.report.page.figure import Row
from bench.report.page.look import ChartTheme

Box = tuple[float, float, float, float]  # left, low, right, high, in pixels
_WIDTH, _HEIGHT = 330.0, 300.0  # of the points' area, about: wider on a desk, narrower on a phone
_LETTER, _LINE, _GAP = 6.8, 13.0, 9.0
_SIDES = (("left", -8), ("right", -8), ("left", 9), ("right", 9))  # alignment, pixels down


def place_labels(rows: Sequence[Row], name: str) -> None:
    """Give each row a `side` and a `drop`, so that no name lies on another; None has no room.

    Those on the Pareto front come first.
    """
    domain = cost_scale([row[name] for row in rows]).to_dict()
    scaled = math.log10 if domain.get("type") == "log" else float
    left, right = (scaled(end) for end in domain["domain"])
    low, high = ends_of(rows, "accuracy", "low", "high")
    spots = [
        (
            (scaled(row[name]) - left) / (right - left) * _WIDTH,
            (row["accuracy"] - low) / (high - low) * _HEIGHT,
        )
        for row in rows
    ]
    taken: list[Box] = [(x - 5, y - 5, x + 5, y + 5) for x, y in spots]
    for row, (x, y) in sorted(
        zip(rows, spots, strict=True), key=lambda pair: not pair[0]["on_front"]
    ):
        row["side"], row["drop"] = None, 0
        for side, drop in _SIDES if x < _WIDTH * 0.6 else (*_SIDES[1::2], *_SIDES[::2]):
            box = _box(x, y, side, drop, len(row["model"]))
            if box[0] >= 0 and box[2] <= _WIDTH and not any(_meet(box, other) for other in taken):
                row["side"], row["drop"] = side, drop
                taken.append(box)
                break


def with_point_labels(rows: Sequence[Row], x: Any, y: Any, look: ChartTheme) -> list[alt.Chart]:
    """Return the names that have room, over what lies beneath them."""
    layers = []
    told = [row for row in rows if row["side"]]
    for side, drop in sorted({(row["side"], row["drop"]) for row in told}):
        some = [row for row in told if (row["side"], row["drop"]) == (side, drop)]
        place: Any = {"align": side, "dx": 9 if side == "left" else -9, "dy": drop, "fontSize": 12}
        base = alt.Chart(data(some)).encode(x=x, y=y, text="model:N")
        halo: Any = {"stroke": look.behind, "strokeWidth": 3, "strokeJoin": "round"}
        layers += [base.mark_text(**place, **halo), base.mark_text(**place, color=look.ink)]
    return layers


def _box(x: float, y: float, side: str, drop: int, letters: int) -> Box:
    width, middle = letters * _LETTER, y - drop
    left = x + _GAP if side == "left" else x - _GAP - width
    return left, middle - _LINE / 2, left + width, middle + _LINE / 2


def _meet(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
