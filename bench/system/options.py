"""Times, shares and choices as a person types them: `5m`, `75%`, one of a list."""

from __future__ import annotations

import math
import re
from typing import TypeVar

from registry.errors import RunError

T = TypeVar("T", bound=str)
_UNITS = {"s": 1, "m": 60, "h": 3600}


def parse_seconds(asked: str | float, what: str = "--budget") -> float:
    """Return the seconds that are meant by `60s`, `1.5m` or `1h`, or by a number.

    Raises:
        RunError: none are, or not more than 0; the message names `what` they are of.
    """
    seconds = math.nan
    if isinstance(asked, int | float):
        seconds = float(asked)
    elif found := re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", asked.strip()):
        seconds = float(found[1]) * _UNITS[found[2]]
    if not 0 < seconds < math.inf:
        raise RunError(f"{what} takes seconds (60s), minutes (5m) or hours (1h), not {asked!r}")
    return seconds


def parse_share(asked: str | float, what: str = "--target") -> float:
    """Return the share, 0 to 1, that is meant by `75%` or `0.75`, or by a number.

    Raises:
        RunError: none is, or one that is not above 0 and at most 1; the message names `what`.
    """
    share = math.nan
    if isinstance(asked, int | float):
        share = float(asked)
    elif found := re.fullmatch(r"(\d*\.?\d+) ?(%?)", asked.strip()):
        share = float(found[1]) / (100 if found[2] else 1)
    if not 0 < share <= 1:
        raise RunError(f"{what} takes an accuracy above 0, such as 75% or 0.75, not {asked!r}")
    return share


def format_seconds(seconds: float) -> str:
    """Return seconds for a person to read: `60 s`."""
    return f"{seconds:,.10g} s"


def parse_choice(what: str, value: str, known: tuple[T, ...]) -> T:
    """Return the one of `known` that `value` is.

    Raises:
        RunError: it is none; the message names `what` it should be, and those that there are.
    """
    if value in known:
        return known[known.index(value)]
    raise RunError(f"unknown {what} {value!r}: there are {', '.join(map(str, known))}")
