"""Times, shares, seeds and choices as people type them: `5m`, `75%`, one of a list."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import TypeVar

from registry.errors import RunError

T = TypeVar("T", bound=str)
_MOST_SEEDS, _LARGEST_SEED = 10_000, 2**32 - 1
_UNITS = {"s": 1, "m": 60, "h": 3600}
_SHORT_UNITS = {"ms": 1e-3, "s": 1.0}
_SIZES = {"kB": 1e3, "MB": 1e6, "GB": 1e9}


def parse_seconds(asked: str | float, what: str = "--budget") -> float:
    """Return the seconds of `60s`, `1.5m` or `1h`, or of a number.

    Raises:
        RunError: it is no time, or not above 0; the message names the option `what`.
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
    """Return the share, 0 to 1, of `75%` or `0.75`, or of a number.

    Raises:
        RunError: it is no share above 0, up to 1; the message names the option `what`.
    """
    share = math.nan
    if isinstance(asked, int | float):
        share = float(asked)
    elif found := re.fullmatch(r"(\d*\.?\d+) ?(%?)", asked.strip()):
        share = float(found[1]) / (100 if found[2] else 1)
    if not 0 < share <= 1:
        raise RunError(f"{what} takes an accuracy above 0, such as 75% or 0.75, not {asked!r}")
    return share


def parse_latency(asked: str | float, what: str = "--max-latency") -> float:
    """Return the seconds of `20ms` or `0.5s`, or of a number.

    Raises:
        RunError: it is no time, or not above 0; the message names the option `what`.
    """
    found = _quantity(asked, _SHORT_UNITS)
    if not 0 < found < math.inf:
        raise RunError(f"{what} takes milliseconds (20ms) or seconds (1s), not {asked!r}")
    return found


def parse_size(asked: str | float, what: str = "--max-size") -> float:
    """Return the bytes of `20MB`, `500kB` or `1.5GB`, or of a number; a megabyte is 1,000,000.

    Raises:
        RunError: it is no size, or not above 0; the message names the option `what`.
    """
    found = _quantity(asked, _SIZES)
    if not 0 < found < math.inf:
        raise RunError(f"{what} takes kilobytes (500kB), megabytes (20MB) or GB, not {asked!r}")
    return found


def _quantity(asked: str | float, units: Mapping[str, float]) -> float:
    """Return the number of a text such as `20 ms` in the base unit; NaN if it is none."""
    if isinstance(asked, int | float):
        return float(asked)
    found = re.fullmatch(rf"(\d*\.?\d+) ?({'|'.join(units)})", asked.strip())
    return float(found[1]) * units[found[2]] if found else math.nan


def format_seconds(seconds: float) -> str:
    """Return seconds as text: `60 s`."""
    return f"{seconds:,.10g} s"


def parse_choice(what: str, value: str, known: tuple[T, ...]) -> T:
    """Return the member of `known` that equals `value`.

    Raises:
        RunError: there is none; the message names the option `what`, and lists `known`.
    """
    if value in known:
        return known[known.index(value)]
    raise RunError(f"unknown {what} {value!r}: use one of {', '.join(map(str, known))}")


def split_commas(values: Iterable[str]) -> list[str]:
    """Return the names in `values`, each of which may list several, separated by commas."""
    return [name.strip() for value in values for name in value.split(",") if name.strip()]


def parse_seeds(asked: str | int | Iterable[int]) -> tuple[int, ...]:
    """Return the seeds of a number of seeds (`3`) or a list (`0,7`).

    Raises:
        RunError: it is neither, or too large.
    """
    text = str(asked) if isinstance(asked, str | int) else "".join(f"{each}," for each in asked)
    try:
        numbers = [int(part) for part in text.split(",") if part.strip()]
    except ValueError:
        numbers = []
    if "," not in text and len(numbers) == 1 and 0 < numbers[0] <= _MOST_SEEDS:
        return tuple(range(numbers[0]))
    listed = "," in text and 0 < len(numbers) <= _MOST_SEEDS and len({*numbers}) == len(numbers)
    if not listed or not 0 <= min(numbers) <= max(numbers) <= _LARGEST_SEED:
        raise RunError(
            f"--seeds takes a number of seeds (3) or a list (0,7), not {text[:40]!r}: at most "
            f"{_MOST_SEEDS:,} different ones, up to {_LARGEST_SEED:,}"
        )
    return tuple(numbers)
