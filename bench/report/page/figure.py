"""One figure: what a chart gives to the page and to the files of figures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from bench.report.page.encodings import Chart
    from bench.report.page.look import ChartTheme


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure.

    Attributes:
        name: of its files, and on the page.
        told: what it shows, for who can't see it.
        key: what is explained beside it: the marks of the models, or labels and their colours.
        head, table: the same in figures; may be empty.
        on_page: it is drawn there as a chart.
    """

    name: str
    title: str
    caption: str
    told: str
    draw: Callable[[ChartTheme], Chart]
    key: Literal["models"] | tuple[tuple[str, int], ...] = ()
    head: tuple[str, ...] = ()
    table: tuple[tuple[str, ...], ...] = ()
    on_page: bool = True
