"""Limits on accuracy, latency and size, and how certain it is that a candidate meets them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bench.report.followup_file import Candidate
from bench.system.display import percent
from bench.system.options import parse_latency, parse_share, parse_size

Certainty = Literal["surely", "likely", "cannot say", "no"]
CERTAINTIES: tuple[Certainty, ...] = ("no", "cannot say", "likely", "surely")  # ascending
LIKELY = 0.8  # confidence of the interval whose lower bound is likely reached


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What must be met; None: no limit."""

    min_accuracy: float | None = None
    max_seconds: float | None = None
    max_bytes: float | None = None

    @classmethod
    def parse(
        cls,
        accuracy: str | float | None = None,
        latency: str | float | None = None,
        size: str | float | None = None,
    ) -> Limits:
        """Return the limits of `90%`, `20ms` and `20MB`, or of numbers in shares, seconds, bytes.

        Raises:
            RunError: one cannot be read; the message names its option.
        """
        return cls(
            min_accuracy=None if accuracy is None else parse_share(accuracy, "--min-accuracy"),
            max_seconds=None if latency is None else parse_latency(latency),
            max_bytes=None if size is None else parse_size(size),
        )

    @property
    def any(self) -> bool:
        """Whether there is a limit."""
        return (self.min_accuracy, self.max_seconds, self.max_bytes) != (None, None, None)

    def __str__(self) -> str:
        parts = []
        if self.min_accuracy is not None:
            parts.append(f"{percent(self.min_accuracy)} accuracy or more")
        if self.max_seconds is not None:
            parts.append(f"{milliseconds(self.max_seconds)} or less")
        if self.max_bytes is not None:
            parts.append(f"{megabytes(self.max_bytes)} or less")
        return ", ".join(parts)

    def met_by(self, each: Candidate) -> Certainty:
        """Return how certain it is that `each` meets all limits: as certain as the weakest one.

        An accuracy is met surely if its 95 % interval is above the limit, likely if its 80 %
        interval is, and not if the 95 % interval is below it. A latency is met surely if 95 of 100
        answers are in time, likely if half of them are. A size is met or not.
        """
        found: list[Certainty] = ["surely"]
        if self.min_accuracy is not None:
            found.append(_accurate(each, self.min_accuracy))
        if self.max_seconds is not None:
            found.append(_fast(each, self.max_seconds))
        if self.max_bytes is not None:
            found.append("surely" if each.bytes <= self.max_bytes else "no")
        return min(found, key=CERTAINTIES.index)


def most_certain(candidates: Sequence[Candidate], limits: Limits) -> tuple[Certainty, list[int]]:
    """Return the highest certainty, and the places of the candidates that have it."""
    each = [limits.met_by(candidate) for candidate in candidates]
    best = max(each, key=CERTAINTIES.index)
    return best, [place for place, certainty in enumerate(each) if certainty == best]


def _accurate(each: Candidate, least: float) -> Certainty:
    if each.low >= least:
        return "surely"
    if each.high < least:
        return "no"
    return "likely" if each.likely_low >= least else "cannot say"


def _fast(each: Candidate, most: float) -> Certainty:
    if each.seconds > most:
        return "no"
    slow = each.slow_seconds
    return "surely" if slow is not None and slow <= most else "likely"


def milliseconds(seconds: float) -> str:
    """Return a time as text: `3.2 ms`."""
    return f"{seconds * 1000:.3g} ms"


def megabytes(size: float) -> str:
    """Return a size as text: `1.25 MB`."""
    return f"{size / 1e6:.3g} MB"
